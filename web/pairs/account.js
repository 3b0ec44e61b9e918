// Before one is in: signing in and up, the links in mails, inviting and accepting.
import * as api from './api.js';
import { fill, find, findAll, onForm, say, show, wordsOf } from './page.js';
import { SignUpQueue, inWords } from './signup_queue.js';

const INVITED = 'pairs_invited'; // an invitation whose receiver has to sign in first

// What a link in a mail brought: { verify } or { invite }; the address line is cleaned of it.
export function takeLink() {
	const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
	if (location.hash) {
		history.replaceState(null, '', location.pathname);
	}
	if (found.invite) {
		localStorage.setItem(INVITED, found.invite);
	}
	return found;
}

// Uses the link to confirm an address. True: that has signed in.
export async function verify(token) {
	try {
		api.keepToken((await api.post('/verify', { token })).token);
		return true;
	} catch (error) {
		if (error.isPassing) {
			throw error;
		}
		show('login', wordsOf(error));
		return false;
	}
}

// An invitation that waits is accepted by whoever is signed in; resolves to what to say, or null.
export async function acceptInvitation() {
	const token = localStorage.getItem(INVITED);
	if (!token) {
		return null;
	}
	try {
		await api.post('/couple/accept', { token });
		localStorage.removeItem(INVITED);
		return null;
	} catch (error) {
		if (error.isPassing) {
			throw error;
		}
		localStorage.removeItem(INVITED);
		return error.status === 404 ? 'The invitation was sent to another address than yours.' : wordsOf(error);
	}
}

export const hasInvitation = () => localStorage.getItem(INVITED) !== null;

export async function signOut() {
	if (api.token()) {
		await api.post('/logout').catch(() => {});
	}
	api.keepToken(null);
	localStorage.removeItem(INVITED);
	location.reload();
}

// With many others one waits for a place in the line, and is told how long.
async function signUp(fields, place) {
	const onWait = (ms) => say(place, `Many sign up just now. You have a place in the line: it is your turn in ${inWords(ms)}. Leave this page open.`);
	const queue = new SignUpQueue({ onWait, onTry: () => say(place, null) });
	try {
		await queue.join(fields);
	} finally {
		say(place, null);
	}
}

// A server that sends no mail says where it keeps it, to people on its machine.
async function nameOutbox() {
	const about = await fetch('/__about__').then((answer) => answer.json()).catch(() => ({}));
	if (about.outbox) {
		findAll('[data-outbox-link]').forEach((link) => (link.href = about.outbox));
		findAll('[data-outbox]').forEach((place) => (place.hidden = false));
	}
}

// signedIn(): what comes then.
export function wireAccount(signedIn) {
	let address = '';
	nameOutbox();
	findAll('[data-go]').forEach((button) => button.addEventListener('click', () => show(button.dataset.go)));
	findAll('[data-sign-out]').forEach((button) => button.addEventListener('click', signOut));
	onForm('login', null, async (fields) => {
		api.keepToken((await api.post('/login', fields)).token);
		await signedIn();
	});
	onForm('signup', null, async (fields, form) => {
		await signUp(fields, find('[data-queue]', form));
		address = fields.email;
		fill({ email: address });
		show('mail');
	});
	find('[data-resend]').addEventListener('click', async () => {
		const place = find('[data-screen="mail"] [data-notice]');
		await api.post('/verify/resend', { email: address }).then(
			() => say(place, 'If it has not come in a minute, look among the junk.'),
			(error) => say(place, wordsOf(error)),
		);
	});
	onForm('invite', null, async ({ email }, form) => {
		await api.post('/couple/invite', { email });
		form.reset();
		say(find('[data-screen="alone"] [data-notice]'), `An invitation is on its way to ${email}. This page goes on when it is accepted.`);
	});
}
