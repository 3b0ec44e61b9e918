// The account manager: add an address, verify one again, remove one. An address whose domain has an
// identity provider is added by what that says (primary.js), any other by a mail.
import { chosenPassword, isEmail, newCredentials } from './account.js';
import { forgetAddress } from './device.js';
import { account, api, failed, leave, load, openAccount } from './manage.js';
import { Primary } from './primary.js';
import * as screens from './screens.js';
import { stage, waitForLink } from './staging.js';

const { element } = screens;

let waiting = null; // the mail that is awaited: { kind, email, proof }; kinds: see staging.js
let poll = null; // AbortController of that
let removed = ''; // the address that the remove screen asks about

const primary = new Primary({
	api,
	context: () => account.context,
	request: () => null,
	home: '/',
	joins: true,
	done: (email) => openAccount('address_added', { email }),
	back: addAgain,
	failed,
});

const DONE = { add: 'address_added', reverify: 'address_verified' };

// ---- the mail ----

function send({ kind, email, proof }) {
	return stage(api, kind, { email, site: location.origin, ...proof });
}

function showMailNotice(key) {
	screens.showNotice('mail', key);
}

async function awaitMail() {
	showMailNotice(null);
	screens.show('mail', { email: waiting.email });
	poll?.abort();
	poll = new AbortController();
	const { signal } = poll;
	try {
		const { kind, email } = waiting;
		const status = await waitForLink(api, kind, email, signal, showMailNotice);
		stopWaiting();
		await openAccount(status === 'complete' ? DONE[kind] : 'mail_expired', { email });
	} catch (error) {
		if (!signal.aborted) {
			failed(error, awaitMail);
		}
	}
}

function stopWaiting() {
	poll?.abort();
	waiting = null;
}

async function sendAgain() {
	try {
		await send(waiting);
		showMailNotice('mail_sent_again');
	} catch (error) {
		if (error instanceof screens.FieldError) {
			showMailNotice(error.key);
		} else {
			failed(error, awaitMail);
		}
	}
}

// ---- add ----

function showAdd(email = '', notice = null) {
	element('add', 'form').elements.email.value = email;
	screens.showNotice('add', notice);
	element('add', '[data-first-password]').hidden = account.context.has_password;
	screens.clearPasswords('add');
	screens.show('add');
}

// The provider did not vouch: the address again, or another.
async function addAgain(email, notice) {
	if (await load()) {
		showAdd(email, notice);
	} else {
		await leave('signed_out_elsewhere');
	}
}

// An account that only providers vouched for until now gets its password with the first address of
// another kind.
async function firstPassword(email, fields) {
	if (account.context.has_password) {
		return {};
	}
	const password = chosenPassword(fields);
	return newCredentials(await api.get('password_kdf', { email }), password);
}

async function submitAdd(fields) {
	const email = fields.email.value.trim();
	if (!isEmail(email)) {
		throw new screens.FieldError('email', 'wrong_email');
	}
	if (account.emails.some((one) => one.toLowerCase() === email.toLowerCase())) {
		throw new screens.FieldError('email', 'add_known');
	}
	const info = await api.get('address_info', { email });
	if (await primary.takes(info.normalizedEmail ?? email, info, false)) {
		return;
	}
	const mail = { kind: 'add', email, proof: await firstPassword(email, fields) };
	await send(mail);
	screens.clearPasswords('add');
	waiting = mail;
	awaitMail();
}

// ---- verify again ----

async function reverify(email) {
	const mail = { kind: 'reverify', email };
	try {
		await send(mail);
		waiting = mail;
		awaitMail();
	} catch (error) {
		if (error instanceof screens.FieldError) {
			screens.showNotice('account', error.key);
		} else if (error.kind === 'refused' && error.status === 0) {
			await openAccount(); // verified or removed meanwhile
		} else {
			failed(error, () => openAccount());
		}
	}
}

// ---- remove ----

function showRemove(email) {
	const isLast = account.emails.length === 1;
	removed = email;
	element('remove', '[data-others]').hidden = isLast;
	element('remove', '[data-last]').hidden = !isLast;
	screens.show('remove', { email });
}

async function submitRemove() {
	const isLast = account.emails.length === 1;
	try {
		await api.post('remove_email', { email: removed });
	} catch (error) {
		// Removed already, in another window.
		if (!(error.status === 400 && error.reason.includes('does not belong'))) {
			throw error;
		}
	}
	forgetAddress(removed);
	if (isLast) {
		await leave('account_gone');
	} else {
		await openAccount('address_removed', { email: removed });
	}
}

export function wireAddresses() {
	screens.onClick('account', '[data-add]', () => showAdd());
	element('account', '[data-addresses]').addEventListener('click', (event) => {
		const button = event.target.closest('button');
		if (button?.name === 'remove') {
			showRemove(button.value);
		} else if (button?.name === 'reverify') {
			reverify(button.value);
		}
	});
	screens.onSubmit('add', submitAdd, failed);
	screens.wireReveal('add');
	screens.onClick('mail', '[data-again]', sendAgain);
	screens.onClick('mail', '[data-back]', stopWaiting);
	screens.onSubmit('remove', submitRemove, failed);
}

// Takes over if this window comes back from a provider's page.
export async function takesReturn() {
	try {
		return await primary.takesReturn();
	} catch (error) {
		failed(error, () => openAccount());
		return true;
	}
}
