// The sign-in dialog: asked by a site (include.js) for an assertion, or opened by itself to sign in
// here. Address, then password or new account, then the assertion; each screen is a section of
// sign_in.html.
import { canSign, credentials, isEmail, isPassword } from './account.js';
import { Api, isSignedOut } from './api.js';
import { receiveRequest } from './channel.js';
import * as device from './device.js';
import { forgetKeys, forgetOtherKeys, makeAssertion } from './keys.js';
import { waitForConfirmation } from './poll.js';
import * as screens from './screens.js';
import { breakable, fillTexts, setText, text } from './text.js';

const api = new Api(screens.waitBusy);

let request = null; // of the site, or null: signing in here
let context = null; // newest session_context
let email = '';
let proof = null; // { pass, kdf } of the address: kept while its mail is awaited
let poll = null; // AbortController while the mail is awaited

const site = () => request?.origin ?? location.origin;
const siteHost = () => new URL(site()).host;
const siteName = () => request?.params.siteName || siteHost();

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

function showNotice(screen, key) {
	const place = element(screen, '[data-notice]');
	place.hidden = key === null;
	if (key !== null) {
		setText(place, key);
	}
}

function showPassword(notice = null) {
	screens.clearPasswords('password');
	const { elements } = element('password', 'form');
	elements.email.value = email;
	elements.stay.checked = device.staysSignedIn();
	showNotice('password', notice);
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
	showNotice('new', notice);
	screens.show('new', { email });
}

async function submitNew({ pass, repeat }) {
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_length');
	}
	if (pass.value !== repeat.value) {
		throw new screens.FieldError('repeat', 'wrong_repeat');
	}
	proof = await proofOf(pass.value);
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

function showMailNotice(key) {
	const place = element('mail', '[data-notice]');
	if (key === null) {
		place.textContent = '';
	} else if (place.textContent !== text(key)) {
		setText(place, key);
	}
}

async function awaitMail() {
	const again = element('mail', '[data-again]');
	again.hidden = proof === null;
	showMailNotice(null);
	screens.show('mail', { email });
	poll?.abort();
	poll = new AbortController();
	const { signal } = poll;
	try {
		const status = await waitForConfirmation(api, email, signal, showMailNotice);
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
		showMailNotice('mail_sent_again');
	} catch (error) {
		if (error instanceof screens.FieldError) {
			showMailNotice(error.key);
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

function choice(address, { checked, note }) {
	const label = document.createElement('label');
	const input = document.createElement('input');
	Object.assign(input, { type: 'radio', name: 'email', value: address, checked });
	const name = document.createElement('span');
	name.append(...breakable(address));
	label.append(input, name);
	if (note) {
		const small = document.createElement('small');
		setText(small, note);
		label.append(small);
	}
	return label;
}

function showPick(emails, preferred) {
	const last = device.lastAddress(site());
	const first = [...preferred, last].find((one) => emails.includes(one)) ?? emails[0];
	element('pick', '[data-choices]').replaceChildren(
		...emails.map((one) =>
			choice(one, { checked: one === first, note: one === last ? 'pick_used_here' : null }),
		),
	);
	setText(element('pick', 'legend'), emails.length === 1 ? 'pick_one' : 'pick_which');
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
	screens.show('signing', { site: siteName() });
	context = await api.context();
	const ephemeral = !device.staysSignedIn();
	const assertion = await makeAssertion(api, context, email, { audience: site(), ephemeral });
	device.rememberAddress(site(), email);
	request.respond({ assertion, email });
}

// ---- start ----

const { element } = screens;

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

function dressForSite() {
	for (const name of ['address', 'pick']) {
		setText(element(name, '[data-heading]'), request ? 'sign_in_to' : 'dialog_title', { site: siteName() });
		const host = element(name, '[data-host]');
		host.hidden = siteName() === siteHost();
		host.textContent = siteHost();
		const logo = element(name, '[data-logo]');
		logo.hidden = !request?.params.logo;
		if (request?.params.logo) {
			logo.src = request.params.logo;
		}
		const terms = request?.params.terms;
		const line = element(name, '[data-terms]');
		line.hidden = !terms;
		if (terms) {
			[line.children[0].href, line.children[1].href] = [terms.terms, terms.privacy];
		}
	}
	const note = request ? 'address_note' : 'address_note_here';
	setText(element('address', '[data-note]'), note, { site: siteName() });
	for (const line of document.querySelectorAll('[data-cancel-line]')) {
		line.hidden = !request;
	}
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
		if (!navigator.cookieEnabled || context.cookies === false) {
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
	dressForSite();
	await start();
}

main();
