// The page that Firefox signs in on, in a real browser with a stand-in for Firefox behind it: what it says
// over the WebChannel, a new account by its mail, the recovery key after a reset, an empty store without
// it; and Firefox on phones, which answers little of what it is told.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { mailedLink, signUp } from '../harness/client.mjs';
import { Firefox, SYNC_SCOPE, tokenKeys } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { PHONE, SESSION_SCOPE, SignInRequest } from '../harness/sign_in_request.mjs';
import { chooseNewPassword, comeBack, launchBrowser, look, newContext, screenShown } from './lib/browser.mjs';

const [PASS, SECOND, THIRD, FOURTH] = ['tidal pässwörd 7', 'another tide 8', 'a third tide 9', 'a fourth tide 10'];
const EMAIL = 'ada@example.org';
const ENGINES = ['bookmarks', 'history', 'tabs'];
let server;
let browser;

before(async () => {
	server = await startPlimsoll({ conf: { identity: { min_mail_interval: '0s' } } });
	browser = await launchBrowser();
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

// Runs in the page: notes what it tells Firefox, and answers the commands of answers.
function standIn(answers) {
	window.said = [];
	window.addEventListener('WebChannelMessageToChrome', ({ detail }) => {
		const { id, message } = JSON.parse(detail);
		window.said.push({ id, ...message });
		if (!(message.command in answers)) return;
		const answer = { id, message: { ...message, data: answers[message.command] } };
		window.dispatchEvent(new CustomEvent('WebChannelMessageToContent', { detail: JSON.stringify(answer) }));
	});
}

const STATUS = { 'fxaccounts:fxa_status': { signedInUser: null, capabilities: { engines: ENGINES } } };
const ON_PHONES = { ...STATUS, 'fxaccounts:can_link_account': { ok: true } };
const ON_DESKTOPS = { ...ON_PHONES, 'fxaccounts:login': { ok: true }, 'fxaccounts:oauth_login': { ok: true } };

// A browser of its own at the page; { asks, context, page }.
async function openPage({ asks = new SignInRequest(), answers = ON_DESKTOPS, path, locale } = {}) {
	const context = await newContext(browser, { locale });
	await context.addInitScript(standIn, answers);
	const page = await context.newPage();
	await page.goto(asks.url(server, path));
	await screenShown(page, 'password');
	return { asks, context, page };
}

async function signIn(page, password, email = EMAIL) {
	await screenShown(page, 'password');
	await page.fill('#password-email', email);
	await page.fill('#password-pass', password);
	await page.press('#password-pass', 'Enter');
}

const click = (page, screen, what) => page.click(`[data-screen=${screen}] ${what}`);

const recoveryKey = async (page) => {
	await screenShown(page, 'recovery');
	const text = await page.textContent('[data-screen=recovery] [data-key]');
	assert.match(text, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){7}$/);
	return text;
};

async function openLink(context, email, page) {
	const used = openLink.used ??= [];
	const link = await mailedLink(server, email, { page, except: used });
	used.push(link.searchParams.get('token'));
	const landing = await context.newPage();
	await landing.goto(link.href);
	return landing;
}

// What Firefox was told, once the page is done; by command.
async function told(page) {
	const said = await page.evaluate(() => window.said);
	assert.ok(said.every(({ id, messageId }) => id === 'account_updates' && messageId));
	return { order: said.map(({ command }) => command), ...Object.fromEntries(said.map(({ command, data }) => [command, data])) };
}

// Firefox with what the page gave it: its key, and its store by the token server.
async function firefoxOf({ asks, page }) {
	await screenShown(page, 'done');
	const messages = await told(page);
	const { code, state, action } = messages['fxaccounts:oauth_login'];
	assert.deepEqual([state, action], [asks.state, 'signin']);
	const { tokens, key } = await asks.exchange(server, code);
	assert.equal(key.scope, SYNC_SCOPE);
	const firefox = new Firefox(server);
	firefox.session = tokenKeys(messages['fxaccounts:login'].sessionToken);
	const access = await firefox.accessToken();
	const token = await firefox.request('GET', '/token/1.0/sync/1.5', { headers: { Authorization: `Bearer ${access.json.access_token}`, 'X-KeyID': key.kid } });
	assert.equal(token.status, 200, token.text);
	const storage = async (method, path, body) => {
		const answer = await firefox.storage(token.json, method, path, body);
		assert.equal(answer.status, 200, answer.text);
		return answer.json;
	};
	return { messages, tokens, key, uid: token.json.uid, storage, firefox };
}

async function reset(page, context, password) {
	await page.fill('#password-email', EMAIL);
	await click(page, 'password', '[data-forgot]');
	await screenShown(page, 'mail');
	const landing = await openLink(context, EMAIL, '/reset_password');
	await chooseNewPassword(landing, password);
	await screenShown(landing, 'done');
	await landing.close();
	await comeBack(page);
	await page.locator('[data-screen=password] [data-notice]:has-text("new password")').waitFor();
}

let first; // what the first Firefox has
let kept; // the recovery key
let lost; // the one before it

test('a new account: by its mail, with a recovery key, and Firefox is told all in order', async () => {
	const one = await openPage();
	const { page, context } = one;
	await look(page, 'firefox-password');
	await signIn(page, PASS);
	await page.locator('#password-email-error:not([hidden])').waitFor();
	await click(page, 'password', '[data-new]');
	await screenShown(page, 'new');
	assert.equal(await page.inputValue('#new-email'), EMAIL, 'typed once');
	await page.fill('#new-pass', 'short');
	await page.fill('#new-repeat', 'short');
	await page.press('#new-repeat', 'Enter');
	await page.locator('#new-pass-error:not([hidden])').waitFor();
	await look(page, 'firefox-new');
	await page.fill('#new-pass', PASS);
	await page.fill('#new-repeat', PASS);
	await page.press('#new-repeat', 'Enter');
	await screenShown(page, 'mail');
	await look(page, 'firefox-mail');
	const landing = await openLink(context, EMAIL, '/verify_email_address');
	await screenShown(landing, 'done');
	await landing.close();
	await comeBack(page);
	kept = await recoveryKey(page);
	await look(page, 'firefox-recovery');
	assert.deepEqual((await told(page)).order, ['fxaccounts:can_link_account'], 'nothing of a sign-in before the key is kept');
	await click(page, 'recovery', '[data-go]');
	first = await firefoxOf(one);
	await look(page, 'firefox-done');
	const { messages } = first;
	assert.deepEqual(messages.order, ['fxaccounts:can_link_account', 'fxaccounts:fxa_status', 'fxaccounts:login', 'fxaccounts:oauth_login']);
	const login = messages['fxaccounts:login'];
	assert.deepEqual([login.email, login.verified, login.services.sync.offeredEngines, login.services.sync.declinedEngines], [EMAIL, true, ENGINES, []]);
	assert.match(login.uid, /^[0-9a-f]{32}$/);
	assert.ok(!('unwrapBKey' in login) && !('keyFetchToken' in login));
	await first.storage('PUT', '/storage/bookmarks/kept', { payload: 'sealed' });
	await click(page, 'done', '[data-devices]');
	await page.locator('[data-screen=devices] li').first().waitFor();
	await look(page, 'firefox-devices');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a reset: the recovery key opens the data, and locks it with the new password', async () => {
	const one = await openPage();
	const { page, context } = one;
	await reset(page, context, SECOND);
	await signIn(page, SECOND);
	await screenShown(page, 'changed');
	await page.locator('[data-screen=changed] [data-recovery]').waitFor();
	await look(page, 'firefox-changed');
	for (const wrong of ['not the former one', kept.replace(/^./, (c) => (c === '0' ? '1' : '0'))]) {
		await page.fill('#changed-former', wrong);
		await page.press('#changed-former', 'Enter');
		await page.locator('#changed-former-error:not([hidden])').waitFor();
	}
	// As somebody types it from paper.
	await page.fill('#changed-former', kept.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l'));
	await page.press('#changed-former', 'Enter');
	const again = await firefoxOf(one);
	assert.deepEqual([again.key.k, again.key.kid, again.uid], [first.key.k, first.key.kid, first.uid]);
	assert.equal((await again.storage('GET', '/storage/bookmarks/kept')).payload, 'sealed');
	await context.close();

	const other = await openPage();
	await signIn(other.page, SECOND);
	const second = await firefoxOf(other);
	assert.equal(second.key.k, first.key.k, 'the new password alone, from now on');
	// Who has lost the recovery key gets another; Firefox is told nothing by that.
	await look(other.page, 'firefox-done-again');
	await click(other.page, 'done', '[data-renew]');
	lost = kept;
	kept = await recoveryKey(other.page);
	assert.notEqual(kept, lost);
	await click(other.page, 'recovery', '[data-go]');
	await screenShown(other.page, 'done');
	assert.deepEqual((await told(other.page)).order, second.messages.order);
	await other.context.close();
});

test('after a new recovery key the old one opens nothing, the new one all', async () => {
	const one = await openPage();
	const { page, context } = one;
	await reset(page, context, FOURTH);
	await signIn(page, FOURTH);
	await screenShown(page, 'changed');
	await page.fill('#changed-former', lost);
	await page.press('#changed-former', 'Enter');
	await page.locator('#changed-former-error:not([hidden])').waitFor();
	await page.fill('#changed-former', kept);
	await page.press('#changed-former', 'Enter');
	const again = await firefoxOf(one);
	assert.deepEqual([again.key.k, again.key.kid, again.uid], [first.key.k, first.key.kid, first.uid]);
	await context.close();
});

test('a reset without it: the page says first that the store will be empty, and only then makes it so', async () => {
	const one = await openPage();
	const { page, context } = one;
	await reset(page, context, THIRD);
	await signIn(page, THIRD);
	await screenShown(page, 'changed');
	await click(page, 'changed', '[data-anew]');
	await screenShown(page, 'anew');
	const words = await page.innerText('[data-screen=anew]');
	assert.match(words, /empty store[^]*can then not be opened any more[^]*lost/);
	await look(page, 'firefox-anew');
	await click(page, 'anew', '[data-back]');
	await screenShown(page, 'changed');
	// Nothing has happened: the recovery key would still do.
	const other = new Firefox(server);
	assert.equal((await other.signIn(EMAIL, THIRD)).status, 200);
	other.close();
	assert.equal(`${other.login.keysChangedAt}`, first.key.kid.split('-')[0]);
	await click(page, 'changed', '[data-anew]');
	await click(page, 'anew', '[data-go]');
	assert.notEqual(await recoveryKey(page), kept);
	await click(page, 'recovery', '[data-go]');
	const anew = await firefoxOf(one);
	assert.notEqual(anew.key.k, first.key.k);
	assert.ok(Number(anew.key.kid.split('-')[0]) > Number(first.key.kid.split('-')[0]));
	assert.notEqual(anew.uid, first.uid);
	assert.deepEqual(await anew.storage('GET', '/info/collections'), {});
	await context.close();
});

test('the page derives the key of Sync as the known vectors do (sync.md 8)', async () => {
	const { asks, page, context } = await openPage();
	const got = await page.evaluate(async (jwk) => {
		const keys = await import('/firefox/sync_keys.js');
		const kB = keys.fromHex('b0b1b2b3b4b5b6b7b8b9babbbcbdbebf'.repeat(2));
		return { state: keys.toHex(await keys.printOf(kB)), jwe: await keys.keysFor(jwk, kB, 1700000000123) };
	}, asks.jwk);
	assert.equal(got.state, '011b4489d76640efc84150e4b404f191');
	const { k, kid } = asks.open(got.jwe)[SYNC_SCOPE];
	assert.equal(k, 'JAiBQn8W2O8UMjimNASmENTSnxzUok9FW3_zrO3n6aqVV37rmwXONFTcFlqZS5uhfZtFo5JmwyAan8oZKVhn6Q');
	assert.equal(kid, '1700000000123-ARtEiddmQO_IQVDktATxkQ');
	await context.close();
});

test('another account than the one before: Firefox is asked, and its no ends the session', async () => {
	const answers = { ...ON_DESKTOPS, 'fxaccounts:can_link_account': { ok: false } };
	const { page, context } = await openPage({ answers });
	const [destroyed] = await Promise.all([page.waitForResponse('**/v1/session/destroy'), signIn(page, THIRD)]);
	assert.equal(destroyed.status(), 200);
	await screenShown(page, 'password');
	assert.deepEqual((await told(page)).order, ['fxaccounts:can_link_account']);
	await context.close();
});

test('Firefox on phones: it answers neither of the last two, and gets a session and a refresh token', async () => {
	const email = 'phone@example.org';
	await signUp(server, email, PASS);
	const asks = new SignInRequest({ clientId: PHONE, scope: `profile ${SYNC_SCOPE} ${SESSION_SCOPE}` });
	// Where it was signed in before it begins at the second address.
	const one = await openPage({ asks, answers: ON_PHONES, path: '/oauth/force_auth' });
	const { page, context } = one;
	assert.equal(new URL(page.url()).pathname, '/firefox/');
	await signIn(page, PASS, email);
	await recoveryKey(page);
	const before = Date.now();
	await click(page, 'recovery', '[data-go]');
	const phone = await firefoxOf(one);
	assert.ok(Date.now() - before < 30000, 'nobody waited for answers');
	assert.deepEqual(phone.messages.order.slice(-2), ['fxaccounts:login', 'fxaccounts:oauth_login']);
	assert.match(phone.tokens.refresh_token, /^[0-9a-f]{64}$/);
	const session = tokenKeys(phone.tokens.session_token);
	const status = await phone.firefox.signed('GET', '/v1/session/status', { keys: session });
	assert.equal(status.json?.state, 'verified', status.text);
	const bearer = { Authorization: `Bearer ${phone.tokens.refresh_token}` };
	const device = await phone.firefox.request('POST', '/v1/account/device', { body: { name: 'Phone', type: 'mobile' }, headers: bearer });
	assert.equal(device.status, 200, device.text);
	const refresh = { grant_type: 'refresh_token', client_id: PHONE, refresh_token: phone.tokens.refresh_token, scope: SYNC_SCOPE };
	const access = await phone.firefox.request('POST', '/v1/oauth/token', { body: refresh });
	const token = await phone.firefox.request('GET', '/token/1.0/sync/1.5', { headers: { Authorization: `Bearer ${access.json.access_token}`, 'X-KeyID': phone.key.kid } });
	assert.equal(token.json?.uid, phone.uid, token.text);
	await context.close();
});

test('opened by itself the page says how Firefox is told of this server', async () => {
	for (const locale of ['en-GB', 'de-DE']) {
		const context = await newContext(browser, { locale });
		const page = await context.newPage();
		await page.goto(`${server.url}/firefox/`);
		await screenShown(page, 'first');
		assert.equal(await page.inputValue('#first-name'), 'identity.fxaccounts.autoconfig.uri');
		assert.equal(await page.inputValue('#first-value'), `${server.url}/firefox`);
		await look(page, `firefox-first-${locale}`);
		// The first page of all says it, too.
		await page.goto(server.url);
		const told = page.locator('[data-steps] li', { hasText: 'identity.fxaccounts.autoconfig.uri' });
		await told.waitFor();
		assert.deepEqual(await told.locator('code').allTextContents(), ['identity.fxaccounts.autoconfig.uri', `${server.url}/firefox`, 'identity.fxaccounts.allowHttp']);
		assert.equal(await told.locator('a').getAttribute('href'), '/firefox/');
		const symbols = page.locator('[data-steps] li', { hasText: 'DEBUGINFOD_URLS' });
		assert.equal(await symbols.locator('code').textContent(), `DEBUGINFOD_URLS=${server.symbolsUrl}/`);
		assert.equal(await symbols.locator('a').getAttribute('href'), server.symbolsUrl);
		await context.close();
	}
});
