// The hidden frame that sites made for the original keep of this server (channel "mozid_ni"). There it
// knew who was signed in where; browsers give such a frame no storage any more, so it knows nothing:
// what the site says of its user is right, nobody is signed in or out without a click, and signing
// out is the site's own doing.
import { openChannel } from './frame_channel.js';

let user; // as the site says: an address; null: nobody; undefined: it does not say

const channel = openChannel({
	peer: window.parent,
	origin: '*', // any site's; nothing that is said here is a secret
	scope: 'mozid_ni',
	methods: {
		loggedInUser(params) {
			user = params;
		},
		loaded() {
			if (user !== undefined) {
				channel.notify('match');
			}
		},
		logout() {
			user = null;
			channel.notify('logout');
		},
		dialog_running() {},
		dialog_complete() {},
		redirect_flow() {
			throw new Error('signing in needs a window of its own');
		},
	},
});
