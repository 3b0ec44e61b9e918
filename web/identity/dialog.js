// The sign-in dialog: asked by a site (include.js) for an assertion, or opened by itself to sign in
// here. Which address, what the server knows of it, and in the end the assertion; the password and
// mail screens on the way are dialog_password.js and dialog_mail.js, other domains' identity
// providers primary.js. Each screen is a section of sign_in.html.
import { canSign, isEmail } from './account.js';
import { receiveAgent } from './agent.js';
import { isSignedOut, keepsCookies, needsVerification } from './api.js';
import { receiveRequest } from './channel.js';
import * as device from './device.js';
import * as mail from './dialog_mail.js';
import * as password from './dialog_password.js';
import { api, dialog, forgetSession, Moved, site } from './dialog_state.js';
import * as view from './dialog_view.js';
import { forgetKeys, forgetOtherKeys, makeAssertion } from './keys.js';
import { Primary } from './primary.js';
import * as screens from './screens.js';
import { fillTexts } from './text.js';

const { element, FieldError } = screens;

let agent = null; // whom the end is told when there is no request
const primary = new Primary({
	api,
	context: () => dialog.context,
	request: () => dialog.request,
	done: signInVouched,
	back: chooseAgain,
	failed,
});

// ---- which address ----

function showAddress(hint = '') {
	element('address', 'input').value = hint;
	screens.showNotice('address', null);
	screens.show('address');
}

function showAdd(hint = '') {
	element('add', 'input').value = hint;
	screens.show('add');
}

function showPick(hint = '') {
	const last = device.lastAddress(site());
	const first = [hint, last].find((one) => dialog.emails.includes(one)) ?? dialog.emails[0];
	view.showChoices(dialog.emails, { first, last });
	screens.showNotice('pick', null);
	screens.show('pick');
}

async function submitEntered({ email }) {
	const entered = email.value.trim();
	if (!isEmail(entered)) {
		throw new FieldError('email', 'wrong_email');
	}
	await follow(entered);
}

async function submitPick({ email }) {
	await follow(email.value);
}

// One of the account's addresses where somebody is signed in, any other where nobody is.
async function choose(hint) {
	dialog.emails = [];
	if (dialog.context.authenticated) {
		dialog.emails = (await api.get('list_emails')).emails;
		await forgetOtherKeys(dialog.emails);
	}
	if (dialog.emails.length > 0) {
		showPick(hint);
	} else {
		showAddress(hint);
	}
}

// The same with a notice of why.
async function chooseAgain(hint, notice) {
	await choose(hint);
	screens.showNotice(screens.currentScreen(), notice);
}

// Another address than the one in hand.
async function change() {
	mail.stop();
	dialog.proof = null;
	device.rememberStaged(null);
	try {
		await choose(dialog.email);
	} catch (error) {
		failed(error, change);
	}
}

async function notMe() {
	try {
		await api.post('logout');
		await forgetKeys();
		device.forgetDevice();
		forgetSession();
		showAddress();
	} catch (error) {
		failed(error, start);
	}
}

// ---- what the server knows of it ----

// Takes an address in hand and goes the way that address_info tells (persona.md 5.4).
async function follow(address) {
	const info = await api.get('address_info', { email: address });
	const isOwn = dialog.emails.includes(info.normalizedEmail ?? address);
	dialog.email = info.normalizedEmail ?? address;
	if (await primary.takes(dialog.email, info, isOwn)) {
		return;
	}
	if (!dialog.context.authenticated) {
		await followSignedOut(info);
	} else if (isOwn) {
		await followOwn(info);
	} else {
		await addAddress();
	}
}

async function followSignedOut({ state }) {
	if (state === 'unknown') {
		const { signup } = await api.about();
		if (signup === 'closed' || signup === 'invite') {
			throw new FieldError('email', 'signup_closed');
		}
		password.showNew('new');
	} else if (state === 'transition_no_password') {
		password.showNew('transition');
	} else {
		password.showPassword();
	}
}

async function followOwn({ state }) {
	if (state === 'unverified' && !dialog.request?.params.allowUnverified) {
		await reverify();
	} else if (state === 'transition_no_password') {
		password.showNew('transition');
	} else {
		await signIn();
	}
}

async function addAddress() {
	dialog.proof = null;
	if (!dialog.context.has_password) {
		password.showNew('add');
		return;
	}
	await mail.send('add');
	mail.wait('add');
}

// A mail that went out already will do.
async function reverify() {
	let notice = null;
	dialog.proof = null;
	try {
		await mail.send('reverify');
	} catch (error) {
		if (!(error instanceof FieldError)) {
			throw error;
		}
		notice = error.key;
	}
	mail.wait('reverify', notice);
}

// ---- the mail was answered ----

// The link was opened: in this browser ("complete", the session is signed in) or in another
// ("mustAuth", this one has to show the password, which it still has unless the page was reloaded or
// the password was chosen over there); or it was not.
async function confirmed(kind, status) {
	if (status === 'complete') {
		await signIn();
	} else if (status === 'mustAuth' && dialog.proof) {
		await signInWithProof();
	} else if (status === 'mustAuth') {
		password.showPassword(kind === 'reset' ? 'reset_now_password' : 'confirmed_now_password');
	} else {
		const name = dialog.context.authenticated ? 'add' : 'address';
		(name === 'add' ? showAdd : showAddress)(dialog.email);
		screens.showFieldError(element(name, 'form'), new FieldError('email', 'mail_expired'));
	}
}

async function signInWithProof() {
	const { proof } = dialog;
	dialog.proof = null; // tried once
	try {
		await password.logIn(proof);
	} catch (error) {
		if (!(error instanceof FieldError)) {
			throw error;
		}
		password.showPassword('confirmed_now_password');
		return;
	}
	await signIn();
}

// ---- the end: an assertion for the site, or the own page ----

// Only who has entered a password gets a certificate; a site can ask that it be entered anew.
function needsPassword() {
	const isAnew = dialog.request.params.forceAuthentication && !dialog.proved;
	return dialog.context.auth_level !== 'password' || isAnew;
}

// False: no site asks, the end is told to whoever does.
async function beginSigning() {
	if (!dialog.request) {
		agent.complete();
		return false;
	}
	screens.show('signing', { site: view.nameOf(dialog.request) });
	dialog.context = await api.context();
	return true;
}

async function signIn() {
	if (!(await beginSigning())) {
		return;
	}
	if (needsPassword()) {
		await (dialog.proof ? signInWithProof() : password.showPassword());
		return;
	}
	try {
		await respond();
	} catch (error) {
		if (!needsVerification(error)) {
			throw error;
		}
		await reverify();
	}
}

// The same for an address that its provider, the issuer, has vouched for: that needs no password of ours.
async function signInVouched(address, issuer) {
	dialog.email = address;
	if (await beginSigning()) {
		await respond(issuer);
	}
}

async function respond(issuer = undefined) {
	const { context, email, request } = dialog;
	const assertion = await makeAssertion(api, context, email, {
		issuer,
		audience: site(),
		ephemeral: !device.staysSignedIn(),
		allowUnverified: request.params.allowUnverified,
	});
	dialog.proof = null;
	device.rememberAddress(site(), email);
	request.respond({ assertion, email });
}

// ---- start ----

// A session that ended on the way leads back to the address; the rest is told in words.
function failed(error, again) {
	if (error instanceof Moved) {
		return;
	}
	if (isSignedOut(error)) {
		forgetSession();
		showAddress(dialog.email);
		return;
	}
	screens.showFailure(error, again);
}

function wire() {
	const handlers = { signIn, confirmed, change, failed };
	password.wire(handlers);
	mail.wire(handlers);
	screens.onSubmit('address', submitEntered, failed);
	screens.onSubmit('add', submitEntered, failed);
	screens.onSubmit('pick', submitPick, failed);
	screens.onClick('add', '[data-back]', () => showPick());
	screens.onClick('pick', '[data-add]', () => showAdd());
	screens.onClick('pick', '[data-other]', notMe);
	screens.onClick('cookies', '[data-reload]', () => location.reload());
	screens.onClick('gone', '[data-home]', () => location.replace('/'));
	for (const button of document.querySelectorAll('[data-cancel]')) {
		button.addEventListener('click', () => (dialog.request ?? agent).cancel());
	}
	screens.wireEscape();
}

// Goes on with a mail that was awaited when the page was dropped, if the session still fits.
function resume(staged) {
	const fits = staged.site === site() && mail.keepsSession(staged.kind) === dialog.context.authenticated;
	if (fits) {
		dialog.email = staged.email;
		mail.wait(staged.kind);
	}
	return fits;
}

// A program that asks for an address of whoever is signed in is served at once.
async function servesAgent() {
	if (!agent.email || dialog.context.auth_level !== 'password') {
		return false;
	}
	const { emails } = await api.get('list_emails');
	if (!emails.includes(agent.email)) {
		return false;
	}
	agent.complete();
	return true;
}

async function start() {
	try {
		dialog.context = await api.context();
		if (!keepsCookies(dialog.context)) {
			screens.show('cookies', { host: location.host });
			return;
		}
		if ((await primary.takesReturn()) || (await servesAgent())) {
			return;
		}
		const staged = device.stagedHere();
		if (staged && resume(staged)) {
			return;
		}
		device.rememberStaged(null);
		await choose(dialog.request?.params.email || agent.email || staged?.email || device.lastAddress(site()) || '');
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
	agent = await receiveAgent();
	dialog.request = await receiveRequest();
	view.dress(dialog.request);
	agent.dress();
	await start();
}

main();
