// What the screens of the account manager share: who is signed in, the screen with the addresses,
// and the ways out of it.
import { Api, isSignedOut, keepsCookies } from './api.js';
import { forgetDevice } from './device.js';
import { forgetKeys, forgetOtherKeys } from './keys.js';
import { addressRows } from './manage_list.js';
import * as screens from './screens.js';

export const api = new Api(screens.waitBusy);

// Who is signed in: context is the newest session_context; emails come in the server's order, those
// to be verified again are also in unverified.
export const account = { context: null, emails: [], unverified: [] };

// True if somebody is signed in, whose account is known then.
export async function load() {
	account.context = await api.context();
	document.body.classList.toggle('member', account.context.authenticated);
	if (!account.context.authenticated) {
		return false;
	}
	const { emails, unverified = [] } = await api.get('list_emails');
	Object.assign(account, { emails, unverified });
	await forgetOtherKeys(emails);
	return true;
}

function show(options) {
	screens.element('account', '[data-addresses]').replaceChildren(...addressRows(account));
	screens.element('account', '[data-change-password]').hidden = !account.context.has_password;
	screens.show('account', {}, options);
}

// Shows the account as it is now, with a notice of what was done. At the page's start nothing takes
// the focus.
export async function openAccount(notice = null, values = {}, { atStart = false } = {}) {
	try {
		const isSignedIn = await load();
		if (!keepsCookies(account.context)) {
			screens.show('cookies', { host: location.host });
		} else if (isSignedIn) {
			screens.showNotice('account', notice, values);
			show({ quiet: atStart });
		} else if (atStart) {
			screens.show('out', {}, { quiet: true });
		} else {
			await leave('signed_out_elsewhere');
		}
	} catch (error) {
		failed(error, () => openAccount(notice, values, { atStart }));
	}
}

// Nobody is signed in any more: this browser forgets keys and addresses.
export async function leave(notice = null) {
	Object.assign(account, { emails: [], unverified: [] });
	document.body.classList.remove('member');
	await forgetKeys();
	forgetDevice();
	screens.showNotice('out', notice);
	screens.show('out');
}

// A session that ended meanwhile is told as such, the rest in words.
export function failed(error, again) {
	if (isSignedOut(error)) {
		leave('signed_out_elsewhere');
		return;
	}
	screens.showFailure(error, again);
}

// Somebody comes back to this window: what it shows may have changed elsewhere.
export async function refresh() {
	if (document.visibilityState !== 'visible' || screens.currentScreen() !== 'account') {
		return;
	}
	const before = JSON.stringify([account.emails, account.unverified]);
	try {
		const isSignedIn = await load();
		if (screens.currentScreen() !== 'account') {
			return;
		}
		if (!isSignedIn) {
			await leave('signed_out_elsewhere');
		} else if (JSON.stringify([account.emails, account.unverified]) !== before) {
			show({ quiet: true });
		}
	} catch (error) {
		if (isSignedOut(error)) {
			await leave('signed_out_elsewhere');
		}
		// Otherwise the page stays as it is; the next click says what is wrong.
	}
}
