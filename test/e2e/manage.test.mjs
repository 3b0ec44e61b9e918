// The account manager on the home page: addresses, password, the end of the account; and what it says
// when something of that happened elsewhere.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as keys from '../harness/assertion.mjs';
import { Client, mailedToken } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { launchBrowser, newContext, picture, screenShown } from './lib/browser.mjs';
import { PASSWORD, recordPosts } from './lib/world.mjs';

globalThis.crypto ??= webcrypto; // Node 18
const source = readFileSync(new URL('../../web/identity/password.js', import.meta.url), 'base64');
const { stretchedPassword } = await import(`data:text/javascript;base64,${source}`);

const OTHER = 'another tide 8';

const PROVIDER = 'provider.example';
const providerKey = keys.newKey();
const userKey = keys.newKey();

let server;
let browser;
let dir;
before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-manage-'));
	const document = path.join(dir, 'provider.json');
	writeFileSync(document, JSON.stringify({ 'public-key': providerKey.publicKey, authentication: '/in', provisioning: '/prov' }));
	const shim = `${PROVIDER}|https://${PROVIDER}|${document}`;
	server = await startPlimsoll({ conf: { identity: { min_mail_interval: '0s', shimmed_primaries: shim } } });
	browser = await launchBrowser();
});
after(async () => {
	await browser?.close();
	await server?.stop();
	if (dir) rmSync(dir, { recursive: true, force: true });
});

// A refusal for load is not what these tests are about.
async function patiently(call) {
	for (let i = 0; ; i++) {
		const answer = await call();
		if (answer.status !== 503 || i === 20) return answer;
		await sleep(500);
	}
}

// What a client sends for a password: for a stretched account it is stretched here, as the server would
// have too little time for that on a busy machine.
async function fieldsOf(client, email, password) {
	const { kdf, salt, rounds } = (await patiently(() => client.get(`/wsapi/password_kdf?email=${email}`))).json;
	return kdf === 'plain' ? { pass: password } : { pass: await stretchedPassword(password, salt, rounds), kdf };
}

async function tryLogin(email, password) {
	const client = new Client(server.url);
	const { pass, ...more } = await fieldsOf(client, email, password);
	const answer = await patiently(() => client.login(email, pass, more));
	return { client, success: answer.json?.success };
}

async function login(email, password) {
	const { client, success } = await tryLogin(email, password);
	assert.equal(success, true);
	return client;
}

async function newAccount(email) {
	const client = new Client(server.url);
	const staged = await patiently(() => client.stage(email, PASSWORD));
	assert.equal(staged.json?.success, true, staged.text);
	const token = await mailedToken(server, email);
	await patiently(() => client.post('/wsapi/complete_user_creation', { token }));
	return client;
}

const canLogin = async (email, password) => (await tryLogin(email, password)).success;
const emailsOf = async (client) => (await client.get('/wsapi/list_emails')).json?.emails;

// The home page in a browser that has the session of a client.
async function manager(context, client) {
	const [name, value] = client.session;
	await context.addCookies([{ name, value, domain: new URL(server.url).hostname, path: '/wsapi' }]);
	const page = await context.newPage();
	await page.goto(server.url);
	await screenShown(page, 'account');
	return page;
}

const shownAddresses = (page) => page.locator('[data-address]').allTextContents();
const notice = (page, screen = 'account') => page.locator(`[data-screen=${screen}] [data-notice]:not([hidden])`).textContent();
const submit = (page, screen) => page.click(`[data-screen=${screen}] button[type=submit]`);

async function addSecond(client, second) {
	await client.post('/wsapi/stage_email', { email: second, site: 'http://site.example' });
	const token = await mailedToken(server, second);
	assert.equal((await client.post('/wsapi/complete_email_confirmation', { token })).json.success, true);
}

test('add an address: mail, again, opened elsewhere, there; known and impossible ones are refused', async () => {
	const [email, second] = ['first@manage.example', 'second@manage.example'];
	const context = await newContext(browser);
	const page = await manager(context, await newAccount(email));
	assert.deepEqual(await shownAddresses(page), [email]);
	await picture(page, 'manage-account', { fullPage: true });
	await page.click('[data-add]');
	await screenShown(page, 'add');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'add-email');
	for (const [wrong, words] of [['no address', 'Enter an e-mail'], [email.toUpperCase(), 'already']]) {
		await page.fill('#add-email', wrong);
		await page.press('#add-email', 'Enter');
		await page.locator(`#add-email-error:has-text("${words}")`).waitFor();
	}
	await picture(page, 'manage-add');
	await page.fill('#add-email', second);
	await page.press('#add-email', 'Enter');
	await screenShown(page, 'mail');
	await picture(page, 'manage-mail');
	const first = await mailedToken(server, second);
	await page.click('[data-screen=mail] [data-again]');
	await page.locator('[data-screen=mail] [data-notice]:has-text("sent again")').waitFor();
	const token = await mailedToken(server, second, 10, [first]);
	const elsewhere = new Client(server.url);
	const confirmed = await patiently(() => elsewhere.post('/wsapi/complete_email_confirmation', { token, pass: PASSWORD }));
	assert.equal(confirmed.json?.success, true, confirmed.text);
	await screenShown(page, 'account');
	assert.deepEqual(await shownAddresses(page), [email, second]);
	assert.equal(await notice(page), `${second} is yours to use now.`);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('too many mails are told in words; going back ends the waiting', async () => {
	const email = 'soon@manage.example';
	const client = await newAccount(email);
	const context = await newContext(browser);
	await context.route('**/wsapi/stage_email', (route) => route.fulfill({ status: 429, body: 'Too Many Requests: later' }));
	const page = await manager(context, client);
	await page.click('[data-add]');
	await page.fill('#add-email', 'soon2@manage.example');
	await page.press('#add-email', 'Enter');
	await page.locator('#add-email-error:has-text("less than a minute ago")').waitFor();
	await context.unroute('**/wsapi/stage_email');
	await page.press('#add-email', 'Enter');
	await screenShown(page, 'mail');
	await page.click('[data-screen=mail] [data-back]');
	await screenShown(page, 'account');
	await context.close();
});

test('remove an address, then the last one and the account with it', async () => {
	const [email, second] = ['keep@manage.example', 'lose@manage.example'];
	const client = await newAccount(email);
	await addSecond(client, second);
	const context = await newContext(browser);
	const page = await manager(context, client);
	await page.click(`[aria-label="Remove: ${second}"]`);
	await screenShown(page, 'remove');
	assert.match(await page.textContent('[data-screen=remove] [data-others]'), /lose@manage\.example will no longer/);
	assert.equal(await page.isVisible('[data-screen=remove] [data-last]'), false);
	await picture(page, 'manage-remove');
	await page.click('[data-screen=remove] [data-back]');
	await screenShown(page, 'account');
	assert.equal((await emailsOf(client)).length, 2, 'nothing happened yet');
	await page.click(`[aria-label="Remove: ${second}"]`);
	await submit(page, 'remove');
	await screenShown(page, 'account');
	assert.deepEqual(await shownAddresses(page), [email]);
	assert.deepEqual(await emailsOf(client), [email]);

	await page.click(`[aria-label="Remove: ${email}"]`);
	await screenShown(page, 'remove');
	await page.locator('[data-screen=remove] [data-last]:has-text("your account here is deleted")').waitFor();
	await picture(page, 'manage-remove-last');
	await submit(page, 'remove');
	await screenShown(page, 'out');
	assert.match(await notice(page, 'out'), /is deleted/);
	assert.equal((await client.get('/wsapi/list_emails')).status, 400);
	assert.equal(await canLogin(email, PASSWORD), false);
	await context.close();
});

test('change the password: the old one is asked, a plain account is upgraded, other browsers are out', async () => {
	const email = 'change@manage.example';
	const client = await newAccount(email); // plain
	const other = await login(email, PASSWORD);
	const context = await newContext(browser);
	const page = await manager(context, client);
	const posts = recordPosts(context);
	await page.click('[data-change-password]');
	await screenShown(page, 'password');
	const enter = async (old, pass, repeat) => {
		await page.fill('#password-old', old);
		await page.fill('#password-pass', pass);
		await page.fill('#password-repeat', repeat);
		await page.press('#password-repeat', 'Enter');
	};
	await enter(PASSWORD, OTHER, `${OTHER}x`);
	await page.locator('#password-repeat-error:has-text("not the same")').waitFor();
	await enter(PASSWORD, 'short', 'short');
	await page.locator('#password-pass-error:has-text("8 to 80")').waitFor();
	await enter('not the password', OTHER, OTHER);
	await page.locator('#password-old-error:has-text("not the right password")').waitFor();
	await picture(page, 'manage-password', { fullPage: true });
	await enter(PASSWORD, OTHER, OTHER);
	await screenShown(page, 'account');
	assert.match(await notice(page), /password is changed/);
	assert.ok(!posts.some((post) => post.body.includes(OTHER)), 'the new password is never sent');
	const kdf = (await other.get(`/wsapi/password_kdf?email=${email}`)).json;
	assert.equal(kdf.kdf, 'onepw-2');
	assert.equal(await canLogin(email, PASSWORD), false);
	assert.equal(await canLogin(email, OTHER), true);
	assert.equal((await other.get('/wsapi/session_context')).json.authenticated, false);
	assert.deepEqual(await shownAddresses(page), [email], 'this browser stays signed in');

	await page.click('[data-change-password]');
	await enter(OTHER, PASSWORD, PASSWORD); // stretched before and after
	await screenShown(page, 'account');
	assert.equal(await canLogin(email, PASSWORD), true);
	await context.close();
});

test('a session that ended elsewhere is told in words, at a click and on coming back', async () => {
	const email = 'elsewhere@manage.example';
	const context = await newContext(browser);
	const page = await manager(context, await newAccount(email));
	const waiting = await context.newPage();
	await waiting.goto(server.url);
	await screenShown(waiting, 'account');
	const client = await login(email, PASSWORD);
	const changed = await patiently(() => client.post('/wsapi/update_password', { oldpass: PASSWORD, newpass: OTHER }));
	assert.equal(changed.json.success, true);
	await page.click('[data-add]');
	await page.fill('#add-email', 'elsewhere2@manage.example');
	await page.press('#add-email', 'Enter');
	await screenShown(page, 'out');
	assert.match(await notice(page, 'out'), /You have been signed out/);
	await picture(page, 'manage-signed-out-elsewhere');
	await waiting.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await screenShown(waiting, 'out');
	assert.match(await notice(waiting, 'out'), /You have been signed out/);
	await context.close();
});

test('an address that has to be confirmed again is marked and gets its mail', async () => {
	const [email, second] = ['reset@manage.example', 'unsure@manage.example'];
	await addSecond(await newAccount(email), second);
	const client = new Client(server.url);
	await client.post('/wsapi/stage_reset', { email, site: 'http://site.example' });
	const resetToken = await mailedToken(server, email);
	const done = await patiently(() => client.post('/wsapi/complete_reset', { token: resetToken, pass: OTHER }));
	assert.equal(done.json.success, true);
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.unverified, [second]);
	const context = await newContext(browser);
	const page = await manager(context, client);
	assert.match(await page.textContent('[data-addresses] li:nth-child(2)'), /unsure@manage\.example.*To be confirmed again/);
	await picture(page, 'manage-unverified', { fullPage: true });
	const before = await mailedToken(server, second);
	await page.click('[name=reverify]');
	await screenShown(page, 'mail');
	const token = await mailedToken(server, second, 10, [before]);
	const elsewhere = new Client(server.url);
	await patiently(() => elsewhere.post('/wsapi/complete_email_confirmation', { token, pass: OTHER }));
	await screenShown(page, 'account');
	assert.match(await notice(page), /is confirmed again/);
	assert.equal(await page.locator('[name=reverify]').count(), 0);
	await context.close();
});

test('delete the account: only with its password', async () => {
	const email = 'delete@manage.example';
	const context = await newContext(browser);
	const page = await manager(context, await newAccount(email));
	await page.click('[data-cancel-account]');
	await screenShown(page, 'cancel');
	await picture(page, 'manage-cancel');
	await page.fill('#cancel-pass', 'short');
	await page.press('#cancel-pass', 'Enter');
	await page.locator('#cancel-pass-error:not([hidden])').waitFor();
	await page.keyboard.press('Escape');
	await screenShown(page, 'account');
	await page.click('[data-cancel-account]');
	await screenShown(page, 'cancel');
	assert.equal(await page.isVisible('#cancel-pass-error'), false, 'what was wrong before is no longer said');
	await page.fill('#cancel-pass', 'not the password');
	await page.press('#cancel-pass', 'Enter');
	await page.locator('#cancel-pass-error:has-text("not the right password")').waitFor();
	assert.equal(await canLogin(email, PASSWORD), true);
	await page.fill('#cancel-pass', PASSWORD);
	await page.press('#cancel-pass', 'Enter');
	await screenShown(page, 'out');
	assert.match(await notice(page, 'out'), /is deleted/);
	assert.equal(await canLogin(email, PASSWORD), false);
	await context.close();
});

// A browser signed in by the provider of its address: an account without a password.
async function withoutPassword(context, email) {
	const minutes = { iat: Date.now() - keys.MINUTE, exp: Date.now() + 10 * keys.MINUTE };
	const certificate = keys.signed({ 'public-key': userKey.publicKey, principal: { email }, ...minutes, iss: PROVIDER }, providerKey);
	const client = new Client(server.url);
	const assertion = keys.bundle([certificate], keys.assertion(userKey, server.url));
	const answer = await client.post('/wsapi/auth_with_assertion', { assertion, ephemeral: false });
	assert.equal(answer.json?.success, true, answer.text);
	return manager(context, client);
}

test('an account without a password: the first other address brings one; it is deleted by its address', async () => {
	const [email, second] = [`own@${PROVIDER}`, 'password@manage.example'];
	const context = await newContext(browser);
	const page = await withoutPassword(context, email);
	assert.equal(await page.isVisible('[data-change-password]'), false);
	await page.click('[data-add]');
	await page.fill('#add-email', second);
	await page.fill('#add-pass', 'short');
	await page.press('#add-pass', 'Enter');
	await page.locator('#add-pass-error:has-text("8 to 80")').waitFor();
	await page.fill('#add-pass', PASSWORD);
	await page.fill('#add-repeat', PASSWORD);
	await picture(page, 'manage-first-password', { fullPage: true });
	await page.press('#add-repeat', 'Enter');
	await screenShown(page, 'mail');
	await page.click('[data-screen=mail] [data-back]');

	await page.click('[data-cancel-account]');
	await screenShown(page, 'cancel');
	await page.fill('#cancel-address', second);
	await page.press('#cancel-address', 'Enter');
	await page.locator('#cancel-address-error:has-text("not the address")').waitFor();
	await page.fill('#cancel-address', email);
	await page.press('#cancel-address', 'Enter');
	await screenShown(page, 'out');
	assert.equal((await new Client(server.url).get(`/wsapi/have_email?email=${email}`)).json.email_known, false);
	await context.close();
});

test('a busy server, and one that cannot be reached: said, and gone on with', async () => {
	const email = 'busy@manage.example';
	const context = await newContext(browser);
	const page = await manager(context, await newAccount(email));
	let refusals = 0;
	await context.route('**/wsapi/list_emails', (route) => {
		if (refusals++ > 0) return route.continue();
		return route.fulfill({ status: 503, headers: { 'Retry-After': '2' }, body: 'Service Unavailable' });
	});
	await page.reload();
	await screenShown(page, 'busy');
	await screenShown(page, 'account');
	await page.click(`[aria-label="Remove: ${email}"]`);
	await context.setOffline(true);
	await submit(page, 'remove');
	await screenShown(page, 'error');
	await picture(page, 'manage-error');
	await context.setOffline(false);
	await page.click('[data-screen=error] [data-again]');
	await screenShown(page, 'remove');
	await page.click('[data-screen=remove] [data-back]');
	await screenShown(page, 'account');
	await context.close();
});

test('by keyboard alone: every control of the account is reached in order', async () => {
	const email = 'keys@manage.example';
	const context = await newContext(browser, { phone: true, dark: true });
	const page = await manager(context, await newAccount(email));
	await page.locator('[data-facts] div').first().waitFor();
	const width = await page.evaluate(() => document.documentElement.scrollWidth);
	assert.ok(width <= 360, `${width} px wide`);
	await picture(page, 'manage-account-phone-dark', { fullPage: true });
	const reached = [];
	for (let i = 0; i < 5; i++) {
		await page.keyboard.press('Tab');
		reached.push(await page.evaluate(() => document.activeElement.textContent));
	}
	assert.deepEqual(reached, ['Remove', 'Add an address', 'Change password', 'Sign out', 'Delete this account']);
	await context.close();
});
