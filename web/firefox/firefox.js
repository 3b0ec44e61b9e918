// The page on which Firefox signs in (oauth_webchannel_v1): address and password, or a new account;
// then the key that unlocks the user's data goes to Firefox, encrypted for it. Opened by itself it says
// how Firefox is told of this server. Each screen is a section of index.html.
import { canSign, chosenPassword, isEmail, isPassword, newCredentials } from '../identity/account.js';
import { Api } from '../identity/api.js';
import * as screens from '../identity/screens.js';
import { stage, waitForLink } from '../identity/staging.js';
import { fillTexts, setText } from '../identity/text.js';
import { post, Session } from './accounts.js';
import * as channel from './channel.js';
import * as devices from './devices.js';
import * as keys from './sync_keys.js';

const { element, FieldError } = screens;
const ENGINES = ['bookmarks', 'history', 'passwords', 'tabs', 'addons', 'prefs'];
const NEEDED = ['client_id', 'scope', 'state', 'code_challenge', 'keys_jwk'];
const PHONES = ['a2270f727f45f648', '3c49430b43dfba77', '1b1a3e44c54fbb58']; // as what Firefox asks on Android and iOS
const ERRNO = { UNKNOWN_ACCOUNT: 102, WRONG_PASSWORD: 103, UNVERIFIED: 104, TOO_MANY: 114 };

const asked = Object.fromEntries(new URLSearchParams(location.search));
const api = new Api(screens.waitBusy);
const user = {}; // email, password, unwrapKey, login (the server's answer), session
let poll = null; // AbortController of the wait for a mail
let afterSignIn = openKeys; // or, on the page of devices, their list

const failed = (error, again) => screens.showFailure(error, again);

// ---- signing in ----

function showSignIn(notice = null) {
	poll?.abort();
	screens.clearPasswords('password');
	element('password', 'form').elements.email.value = user.email ?? asked.email ?? '';
	screens.showNotice('password', notice);
	screens.show('password');
}

const howStretched = () => post('/v1/account/credentials/status', { email: user.email });

async function logIn(password) {
	const how = await howStretched();
	const { authPW, unwrapKey } = await keys.stretch(password, how);
	// An account that an API client made: the server takes the stretched form from now on.
	const proof = how.upgradeNeeded ? { password, verifier: authPW } : { authPW };
	user.login = await post('/v1/account/login', { email: user.email, ...proof });
	user.unwrapKey = unwrapKey;
	user.how = how;
	user.session = await Session.of(user.login.sessionToken);
}

const WHY_NOT = {
	[ERRNO.UNKNOWN_ACCOUNT]: ['email', 'ff_no_account'],
	[ERRNO.WRONG_PASSWORD]: ['pass', 'wrong_password'],
	[ERRNO.UNVERIFIED]: ['email', 'ff_unverified'],
	[ERRNO.TOO_MANY]: ['pass', 'locked_or_forgot'],
};

async function submitPassword({ email, pass }) {
	const entered = email.value.trim();
	if (!isEmail(entered)) {
		throw new FieldError('email', 'wrong_email');
	}
	if (!isPassword(pass.value)) {
		throw new FieldError('pass', 'wrong_password');
	}
	user.email = entered;
	try {
		await logIn(pass.value);
	} catch (error) {
		throw WHY_NOT[error.errno] ? new FieldError(...WHY_NOT[error.errno]) : error;
	}
	await afterSignIn();
}

// ---- the key ----

async function openKeys() {
	// Firefox asks its user where another account was before.
	if (!(await channel.mayLink(user.login.email, user.login.uid))) {
		await user.session.request('POST', '/v1/session/destroy', {});
		showSignIn();
		return;
	}
	if (user.login.keysChangedAt === 0 || !user.login.keyPrint) {
		await makeNewKey();
		return;
	}
	const key = await keys.unwrap(user.login, user.unwrapKey);
	if (key) {
		await giveToFirefox(key);
	} else {
		element('changed', '[data-recovery]').hidden = !user.login.recovery;
		screens.show('changed', { email: user.email });
	}
}

async function keep(key, { recovery = user.login.recovery } = {}) {
	const keyPrint = keys.toHex(await keys.printOf(key));
	const fields = { wrapKb: keys.wrap(key, user.unwrapKey), keyPrint, expectedPrint: user.login.keyPrint };
	const { keysChangedAt } = await user.session.request('POST', '/v1/account/keys', { ...fields, ...(recovery && { recovery }) });
	Object.assign(user.login, fields, { keysChangedAt, recovery });
}

// The first one, or one in the place of a key that nobody can unwrap any more.
async function makeNewKey() {
	await makeNewRecovery(keys.makeKey());
}

// Also in the place of a recovery key that got lost: the one before opens nothing from now on.
async function makeNewRecovery(key) {
	const { text, recovery } = await keys.makeRecovery(key);
	await keep(key, { recovery });
	user.key = key;
	element('recovery', '[data-key]').textContent = text;
	screens.show('recovery');
}

async function recoveryKept() {
	element('recovery', '[data-key]').textContent = '';
	await (user.isGiven ? screens.show('done', { email: user.login.email }) : giveToFirefox(user.key));
}

// The password was changed elsewhere: the former one, or the recovery key, unwraps the key once more.
async function submitChanged({ former }) {
	const recoveryKey = keys.readRecovery(former.value);
	let key = null;
	if (recoveryKey && user.login.recovery) {
		key = await keys.recover(user.login.recovery, recoveryKey);
	}
	if (!key) {
		const { unwrapKey } = await keys.stretch(former.value, user.how);
		key = await keys.unwrap(user.login, unwrapKey);
	}
	if (!key) {
		throw new FieldError('former', 'ff_not_the_former');
	}
	await keep(key);
	await giveToFirefox(key);
}

// ---- to Firefox ----

async function giveToFirefox(key) {
	screens.show('signing');
	const { capabilities } = (await channel.status()) ?? {};
	const { sessionToken, uid, email } = user.login;
	const services = { sync: { offeredEngines: capabilities?.engines ?? ENGINES, declinedEngines: [] } };
	const account = { uid, email, sessionToken, verified: true, services };
	await channel.signIn(account, () => grantFor(key), { answers: !isPhone() });
	Object.assign(user, { key, isGiven: true });
	screens.show('done', { email });
}

function isPhone() {
	return PHONES.includes(asked.client_id) || /Android|FxiOS/.test(navigator.userAgent);
}

async function grantFor(key) {
	const { code, state, redirect } = await user.session.request('POST', '/v1/oauth/authorization', {
		client_id: asked.client_id,
		scope: asked.scope,
		state: asked.state,
		code_challenge: asked.code_challenge,
		code_challenge_method: asked.code_challenge_method,
		access_type: asked.access_type ?? 'online',
		response_type: 'code',
		keys_jwe: await keys.keysFor(asked.keys_jwk, key, user.login.keysChangedAt),
	});
	return { code, state, redirect, action: 'signin' };
}

// ---- a new account, a forgotten password ----

function showNew() {
	screens.clearPasswords('new');
	element('new', 'form').elements.email.value = element('password', 'form').elements.email.value;
	screens.show('new');
}

async function submitNew(elements) {
	const email = elements.email.value.trim();
	if (!isEmail(email)) {
		throw new FieldError('email', 'wrong_email');
	}
	const password = chosenPassword(elements);
	const how = await api.get('password_kdf', { email });
	user.email = email;
	await stage(api, 'new', { email, site: location.origin, ...(await newCredentials(how, password)) });
	await waitForMail('new', 'mail_sent', () => logIn(password).then(openKeys));
}

async function forgot() {
	const email = element('password', 'form').elements.email.value.trim();
	if (!isEmail(email)) {
		screens.showFieldError(element('password', 'form'), new FieldError('email', 'wrong_email'));
		return;
	}
	user.email = email;
	try {
		await stage(api, 'reset', { email, site: location.origin });
	} catch (error) {
		if (!(error instanceof FieldError)) {
			failed(error, () => showSignIn());
			return;
		}
		screens.showNotice('password', error.key);
		return;
	}
	waitForMail('reset', 'ff_mail_reset', async () => showSignIn('reset_now_password')).catch((error) => failed(error, () => showSignIn()));
}

async function waitForMail(kind, text, then) {
	poll = new AbortController();
	const { signal } = poll;
	setText(element('mail', '[data-for]'), text, { email: user.email });
	screens.show('mail');
	const notice = (key) => (key ? setText(element('mail', '[data-notice]'), key) : element('mail', '[data-notice]').replaceChildren());
	try {
		const status = await waitForLink(api, kind, user.email, signal, notice);
		await (status === 'late' || status === 'failed' ? showSignIn('mail_expired') : then());
	} catch (error) {
		if (!signal.aborted) {
			throw error;
		}
	}
}

// ---- devices ----

function listDevices() {
	return devices.show(user.session, user.email ?? '', {
		failed,
		async left() {
			if (user.uid) {
				await channel.logout(user.uid).catch(() => null);
			}
			showFirst();
		},
	});
}

// With the session of the Firefox that opened the page, else after signing in.
async function showDevices() {
	const { signedInUser } = (await channel.status()) ?? {};
	if (signedInUser?.sessionToken) {
		Object.assign(user, { email: signedInUser.email, uid: signedInUser.uid });
		user.session = await Session.of(signedInUser.sessionToken);
		await listDevices();
	} else {
		afterSignIn = listDevices;
		showSignIn();
	}
}

// ---- opened by itself ----

function showFirst() {
	element('first', '[data-name]').value = 'identity.fxaccounts.autoconfig.uri';
	element('first', '[data-value]').value = `${location.origin}/firefox`;
	element('first', '[data-http]').hidden = location.protocol === 'https:';
	for (const input of document.querySelectorAll('[data-screen=first] input')) {
		input.addEventListener('focus', () => input.select());
	}
	screens.show('first', { origin: location.origin });
}

function wire() {
	screens.onSubmit('password', submitPassword, failed);
	screens.onClick('first', '[data-devices]', showDevices);
	screens.onClick('done', '[data-devices]', listDevices);
	screens.onSubmit('new', submitNew, failed);
	screens.onSubmit('changed', submitChanged, failed);
	screens.onClick('password', '[data-new]', showNew);
	screens.onClick('password', '[data-forgot]', forgot);
	screens.onClick('new', '[data-back]', () => showSignIn());
	screens.onClick('mail', '[data-back]', () => showSignIn());
	screens.onClick('changed', '[data-anew]', () => screens.show('anew'));
	screens.onClick('anew', '[data-back]', () => screens.show('changed', { email: user.email }));
	screens.onClick('anew', '[data-go]', () => makeNewKey().catch((error) => failed(error, () => screens.show('anew'))));
	screens.onClick('recovery', '[data-go]', () => recoveryKept().catch((error) => failed(error, recoveryKept)));
	screens.onClick('done', '[data-renew]', () => makeNewRecovery(user.key).catch((error) => failed(error, () => screens.show('done', user))));
	screens.wireReveal('password');
	screens.wireReveal('new');
	screens.wireEscape();
}

fillTexts(document);
wire();
const isSignIn = NEEDED.every((name) => asked[name]);
if (!isSignIn && !asked.uid) {
	showFirst();
} else if (!canSign()) {
	screens.show('insecure', { origin: location.origin });
} else if (isSignIn) {
	showSignIn();
} else {
	showDevices();
}
