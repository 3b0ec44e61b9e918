// The pages behind links in mails: in the browser that asked for the mail and in another, an account
// without a password, and links that are used up.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, mailedLink, signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { chooseNewPassword, confirmWith, look, newContext, screenShown } from './lib/browser.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

const SITE = 'https://site.example';
const NEW_PASSWORD = 'ebb and flöw 8';
let world;
const user = (words, input) => runCommand(['user', ...words, '-c', world.server.confPath], { input });
before(async () => (world = await startWorld()));
after(() => world?.stop());

const isSignedIn = (page) => page.evaluate(async () => (await (await fetch('/wsapi/session_context')).json()).auth_level);

test('reset: a new password is chosen, stretched, and is the only one from then on', async () => {
	const email = 'reset@example.org';
	const client = await signUp(world.server, email, PASSWORD);
	await client.post('/wsapi/stage_reset', { email, site: SITE });

	const context = await newContext(world.browser);
	const posts = recordPosts(context);
	const page = await world.openLink(context, email, '/reset_password');
	await screenShown(page, 'new');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'new-pass');
	assert.equal(await page.inputValue('[data-screen=new] input[autocomplete=username]'), email, 'for password managers');
	await look(page, 'reset-new');
	await page.fill('#new-pass', 'short');
	await page.press('#new-pass', 'Enter');
	await page.locator('#new-pass-error:has-text("8 to 80")').waitFor();
	await page.fill('#new-pass', NEW_PASSWORD);
	await page.fill('#new-repeat', PASSWORD);
	await page.press('#new-repeat', 'Enter');
	await page.locator('#new-repeat-error:not([hidden])').waitFor();
	assert.ok(!posts.some((post) => post.url.endsWith('/complete_reset')));
	await chooseNewPassword(page, NEW_PASSWORD);
	await screenShown(page, 'done');
	await look(page, 'reset-done');
	assert.match(await page.textContent('[data-screen=done]'), /new password is set/);
	assert.equal(await isSignedIn(page), 'password');
	const sent = JSON.parse(posts.find((post) => post.url.endsWith('/complete_reset')).body);
	assert.match(sent.pass, /^[0-9a-f]{64}$/);
	assert.equal(sent.kdf, 'onepw-2');
	assert.equal(await world.opens(email, NEW_PASSWORD), true);
	assert.equal(await world.opens(email, PASSWORD), false);

	await page.reload();
	await screenShown(page, 'bad');
	assert.match(await page.textContent('[data-screen=bad]'), /Forgotten your password/);
	await look(page, 'reset-bad');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('one more address: confirmed at once where its owner is signed in', async () => {
	const [email, more] = ['first@example.org', 'second@example.org'];
	const client = await signUp(world.server, email, PASSWORD);
	await client.post('/wsapi/stage_email', { email: more, site: SITE });
	const context = await world.contextOf(client);
	await screenShown(await world.openLink(context, more, '/confirm'), 'done');
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails.sort(), [email, more]);
	await context.close();
});

test('one more address: another browser asks for the password of the account', async () => {
	const [email, more] = ['third@example.org', 'fourth@example.org'];
	const client = await signUp(world.server, email, PASSWORD);
	await client.post('/wsapi/stage_email', { email: more, site: SITE });
	const context = await newContext(world.browser);
	const page = await context.newPage();
	// The older name of the page.
	const link = await mailedLink(world.server, more);
	await page.goto(link.href.replace('/confirm', '/add_email_address'));
	await screenShown(page, 'password');
	assert.match(await page.textContent('[data-screen=password]'), /fourth@example\.org enter the password of your account/);
	await look(page, 'confirm-password');
	await confirmWith(page, 'not the password');
	await page.locator('#verify-pass-error:has-text("not the right password")').waitFor();
	await confirmWith(page, PASSWORD);
	await screenShown(page, 'done');
	await look(page, 'confirm-done');
	assert.equal(await world.opens(more, PASSWORD), true);
	await context.close();
});

test('an invitation: its receiver chooses a password and has an account, through all kinds of trouble', async () => {
	const email = 'invited@example.org';
	const link = (await user(['invite', email])).stdout.trim();
	const context = await newContext(world.browser);
	const page = await context.newPage();
	await page.goto(link);
	await screenShown(page, 'new');
	assert.match(await page.textContent('[data-screen=new]'), /You are invited/);
	await look(page, 'invite-new');
	await context.setOffline(true);
	await chooseNewPassword(page, PASSWORD);
	await screenShown(page, 'error');
	await context.setOffline(false);
	await page.click('[data-screen=error] [data-again]');
	await screenShown(page, 'new');
	let refusals = 0;
	await context.route('**/wsapi/complete_user_creation', (route) => {
		if (refusals++ > 0) return route.continue();
		return route.fulfill({ status: 503, headers: { 'Retry-After': '2' }, body: 'Service Unavailable' });
	});
	await page.press('#new-repeat', 'Enter'); // what was entered is still there
	await screenShown(page, 'busy');
	await screenShown(page, 'done');
	assert.equal(refusals, 2);
	await look(page, 'invite-done');
	assert.equal(await world.opens(email, PASSWORD), true);
	await context.close();
});

test('from the provider to a password here: the same browser, another, and a used link', async () => {
	const context = await newContext(world.browser);
	for (const [email, other] of [['moved.here@example.org', false], ['moved.there@example.org', true]]) {
		const account = { emails: [{ address: email, kind: 'primary', verified: true }], password_hash: null };
		const { stdout } = await user(['import'], `${JSON.stringify(account)}\n`);
		assert.match(stdout, /^1 of 1/);
		const client = new Client(world.server.url);
		assert.equal((await client.post('/wsapi/stage_transition', { email, site: SITE, pass: PASSWORD })).json.success, true);
		const browser = other ? context : await world.contextOf(client);
		const page = await world.openLink(browser, email, '/complete_transition');
		if (other) await confirmWith(page, PASSWORD);
		await screenShown(page, 'done');
		assert.equal(await world.opens(email, PASSWORD), true);
		await page.reload();
		await screenShown(page, 'bad');
		if (!other) await browser.close();
	}
	await context.close();
});

test('an account that its operator has locked, and a page without cookies, are told in words', async () => {
	const email = 'locked.away@example.org';
	const client = await signUp(world.server, email, PASSWORD);
	await client.post('/wsapi/stage_reset', { email, site: SITE });
	await user(['lock', email]);
	const context = await newContext(world.browser);
	const page = await world.openLink(context, email, '/reset_password');
	await chooseNewPassword(page, NEW_PASSWORD);
	await screenShown(page, 'refused');
	assert.match(await page.textContent('[data-screen=refused]'), /has locked the account/);
	await look(page, 'reset-refused');
	await context.addInitScript(() => Object.defineProperty(navigator, 'cookieEnabled', { get: () => false }));
	await page.reload();
	await screenShown(page, 'cookies');
	await context.close();
});
