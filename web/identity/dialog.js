// The sign-in dialog: asked by a site (include.js) for an assertion, or opened by itself to sign in
// here. Address, then password or new account, then the assertion; each screen is a section of
// sign_in.html.
import { canSign, chosenPassword, credentials, isEmail, isPassword } from './account.js';
import { Api, isSignedOut, keepsCookies } from './api.js';
import { receiveRequest } from './channel.js';
import * as device from './device.js';
import * as view from './dialog_view.js';
import { forgetKeys, forgetOtherKeys, makeAssertion } from './keys.js';
import { waitForConfirmation } from './poll.js';
import * as screens from './screens.js';
import { fillTexts } from './text.js';

const { element } = screens;
const api = new Api(screens.waitBusy);

let request = null; // of the site, or null: signing in here
let context = null; // newest session_context
let email = '';
let proof = null; // { pass, kdf } of the address: kept while its mail is awaited
let poll = null; // AbortController while the mail is awaited

const site = () => request?.origin ?? location.origin;

// ---- address ----

function showAddress(hint = '') {
	element('address', 'input').value = hint;
	screens.show('address');
}

async function submitAddress({ email: input }) {
	const entered = input.value.trim();
	if (!isEmail(entered)) {
		throw new screens.FieldError('email', 'wrong_email');
	}
	const info = await api.get('address_info', { email: entered });
	if (info.state !== 'unknown') {
		email = info.normalizedEmail ?? entered;
		showPassword();
		return;
	}
	if ((await api.about()).signup === 'closed') {
		throw new screens.FieldError('email', 'signup_closed');
	}
	email = entered;
	showNew();
}

// ---- password ----

function showPassword(notice = null) {
	screens.clearPasswords('password');
	const { elements } = element('password', 'form');
	elements.email.value = email;
	elements.stay.checked = device.staysSignedIn();
	view.showNotice('password', notice);
	screens.show('password', { email });
}

async function submitPassword({ pass, stay }) {
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_password');
	}
	device.rememberStay(stay.checked);
	await logIn(await proofOf(pass.value));
	await signIn();
}

async function proofOf(password) {
	return credentials(await api.get('password_kdf', { email }), password);
}

async function logIn(fields) {
	const ephemeral = !device.staysSignedIn();
	const answer = await api.post('authenticate_user', { email, ...fields, ephemeral });
	if (answer.success) {
		return;
	}
	if (answer.reason === 'no such user') {
		showNew('no_account_now');
		throw new Moved();
	}
	throw new screens.FieldError('pass', answer.code === 'account locked' ? 'locked' : 'wrong_password');
}

// Thrown when a step has already shown another screen.
class Moved extends Error {}

// ---- new account ----

function showNew(notice = null) {
	screens.clearPasswords('new');
	element('new', 'form').elements.email.value = email;
	view.showNotice('new', notice);
	screens.show('new', { email });
}

async function submitNew(elements) {
	proof = await proofOf(chosenPassword(elements));
	await stage();
	screens.clearPasswords('new');
	awaitMail();
}

async function stage() {
	try {
		const answer = await api.post('stage_user', { email, ...proof, site: site() });
		if (!answer.success) {
			throw new screens.FieldError('pass', 'signup_closed');
		}
	} catch (error) {
		if (error.status === 429) {
			throw new screens.FieldError('pass', 'mail_too_soon');
		}
		throw error;
	}
	device.rememberStaged({ email, site: site() });
}

// ---- check your mail ----

async function awaitMail() {
	const again = element('mail', '[data-again]');
	again.hidden = proof === null;
	view.showMailNotice(null);
	screens.show('mail', { email });
	poll?.abort();
	poll = new AbortController();
	const { signal } = poll;
	try {
		const status = await waitForConfirmation(api, email, signal, view.showMailNotice);
		device.rememberStaged(null);
		await confirmed(status);
	} catch (error) {
		if (!signal.aborted && !(error instanceof Moved)) {
			failed(error, awaitMail);
		}
	}
}

// The link was opened: in this browser ("complete", the session is logged in) or in another
// ("mustAuth", this one has to show the password, which it still has unless the page was reloaded).
async function confirmed(status) {
	if (status === 'complete') {
		await signIn();
	} else if (status === 'mustAuth' && proof) {
		try {
			await logIn(proof);
		} catch (error) {
			if (!(error instanceof screens.FieldError)) {
				throw error;
			}
			showPassword('confirmed_now_password');
			return;
		}
		await signIn();
	} else if (status === 'mustAuth') {
		showPassword('confirmed_now_password');
	} else {
		device.rememberStaged(null);
		showAddress(email);
		screens.showFieldError(element('address', 'form'), { field: 'email', key: 'mail_expired' });
	}
}

async function sendAgain() {
	try {
		await stage();
		view.showMailNotice('mail_sent_again');
	} catch (error) {
		if (error instanceof screens.FieldError) {
			view.showMailNotice(error.key);
		} else {
			failed(error, awaitMail);
		}
	}
}

function changeAddress() {
	poll?.abort();
	proof = null;
	device.rememberStaged(null);
	showAddress(email);
}

// ---- pick an address ----

function showPick(emails, preferred) {
	const last = device.lastAddress(site());
	const first = [...preferred, last].find((one) => emails.includes(one)) ?? emails[0];
	view.showChoices(emails, { first, last });
	screens.show('pick');
}

async function submitPick({ email: chosen }) {
	email = chosen.value;
	await signIn();
}

async function notMe() {
	try {
		await api.post('logout');
		await forgetKeys();
		device.forgetDevice();
		showAddress();
	} catch (error) {
		failed(error, start);
	}
}

// ---- the end: an assertion for the site, or the own page ----

async function signIn() {
	proof = null;
	if (!request) {
		location.replace('/');
		return;
	}
	screens.show('signing', { site: view.nameOf(request) });
	context = await api.context();
	const ephemeral = !device.staysSignedIn();
	const assertion = await makeAssertion(api, context, email, { audience: site(), ephemeral });
	device.rememberAddress(site(), email);
	request.respond({ assertion, email });
}

// ---- start ----

// A logged-in session that ended on the way leads back to the address; the rest is told in words.
function failed(error, again) {
	if (error instanceof Moved) {
		return;
	}
	if (isSignedOut(error)) {
		showAddress(email);
		return;
	}
	screens.showFailure(error, again);
}

function wire() {
	screens.onSubmit('address', submitAddress, failed);
	screens.onSubmit('password', submitPassword, failed);
	screens.onSubmit('new', submitNew, failed);
	screens.onSubmit('pick', submitPick, failed);
	screens.wireReveal('password');
	screens.wireReveal('new');
	for (const name of ['password', 'new', 'mail']) {
		screens.onClick(name, '[data-change]', changeAddress);
	}
	screens.onClick('mail', '[data-again]', sendAgain);
	screens.onClick('pick', '[data-other]', notMe);
	screens.onClick('cookies', '[data-reload]', () => location.reload());
	for (const button of document.querySelectorAll('[data-cancel]')) {
		button.addEventListener('click', () => (request ? request.cancel() : location.replace('/')));
	}
}

async function start() {
	try {
		context = await api.context();
		if (!keepsCookies(context)) {
			screens.show('cookies', { host: location.host });
			return;
		}
		const staged = device.stagedHere();
		if (context.authenticated) {
			const { emails } = await api.get('list_emails');
			await forgetOtherKeys(emails);
			if (emails.length > 0) {
				device.rememberStaged(null);
				showPick(emails, [request?.params.email, staged?.email]);
				return;
			}
		} else if (staged?.site === site()) {
			email = staged.email;
			awaitMail();
			return;
		}
		showAddress(request?.params.email || device.lastAddress(site()) || '');
	} catch (error) {
		failed(error, start);
	}
}

async function main() {
	fillTexts(document);
	wire();
	if (!canSign()) {
		screens.show('insecure', { origin: location.origin });
		return;
	}
	screens.show('loading');
	request = await receiveRequest();
	view.dress(request);
	await start();
}

main();
