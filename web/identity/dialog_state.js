// What the modules of the dialog share: the site's request, the session, the address in hand.
import { Api } from './api.js';
import { waitBusy } from './screens.js';

export const api = new Api(waitBusy);

export const dialog = {
	request: null, // of the site, or null: signing in here
	context: null, // newest session_context
	emails: [], // of the account, when somebody is signed in
	email: '', // the address in hand
	proof: null, // { pass, kdf } of a password chosen here: kept while its mail is awaited
	proved: false, // a password was entered or chosen in this window
};

// The origin of the site that asks, or our own.
export const site = () => dialog.request?.origin ?? location.origin;

// Nobody is signed in any more.
export function forgetSession() {
	dialog.context = { ...dialog.context, authenticated: false, auth_level: undefined };
	dialog.emails = [];
}

// Thrown when a step has already shown another screen.
export class Moved extends Error {}
