// A server that is too busy: the pages say so, wait and go on by themselves; not for ever, and not with
// what may have been done already. Refusals are the server's own in the last test, made up in the others.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf } from '../harness/roles.mjs';
import { SignInRequest } from '../harness/sign_in_request.mjs';
import { enterAddress, enterPassword, newContext, openDialog, picture, screenShown, signedInAs } from './lib/browser.mjs';
import { PASSWORD, startWorld } from './lib/world.mjs';

const BUSY = /server can serve at once.* try again in \d+ s/;
const AGAIN = '[data-screen=error] [data-again]';
let world;
let compute;

before(async () => {
	world = await startWorld({
		start: () =>
			startPlimsoll({
				conf: {
					grace: { tolerance: 1 },
					plimsoll: { watchdog: '0s' },
					web: { instances: 1 },
					compute: { instances: 1 },
					accounts: { max_failed_logins: 1000 },
				},
			}),
	});
	compute = await pidOf(world.server, 'compute');
});
after(async () => {
	if (compute) process.kill(compute, 'SIGCONT');
	await world?.stop();
});

const busyText = (page) => page.textContent('[data-screen=busy]');
const clockOf = (context) => context.clock.install();

// The page of signing in, with the address entered.
async function openPassword(context, email) {
	const page = await context.newPage();
	await page.goto(`${world.server.url}/sign_in`);
	await enterAddress(page, email);
	await screenShown(page, 'password');
	return page;
}

// Answers the first n calls of a path itself, as many as come by default; { calls }.
async function refuse(context, path, { n = Infinity, status = 503, headers = { 'Retry-After': '1' } } = {}) {
	const seen = { calls: 0 };
	await context.route(`**${path}`, (route) => {
		if (seen.calls++ >= n) return route.continue();
		return route.fulfill({ status, headers, body: 'too much to do' });
	});
	return seen;
}

// Lets the waits of the page pass until it shows a screen.
async function passUntil(page, name) {
	for (let s = 0; s < 120 && (await page.locator(`[data-screen=${name}]`).isHidden()); s++) {
		await page.clock.runFor(1000);
		await page.evaluate(() => 0); // what was answered meanwhile is taken
	}
	await screenShown(page, name);
}

// So many logins at once, while compute stands still, that the server refuses further ones.
async function overload(email) {
	process.kill(compute, 'SIGSTOP');
	const clients = await Promise.all(
		Array.from({ length: 200 }, async () => {
			const client = new Client(world.server.url);
			await client.context();
			return client;
		}),
	);
	const logins = clients.map(async (client) => assert.equal((await client.login(email, 'not the one')).status, 503));
	await Promise.any(logins);
	return () => Promise.allSettled(logins);
}

test('several refusals: each says when it goes on, with longer pauses', async () => {
	const email = 'several@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	await clockOf(context);
	const page = await openPassword(context, email);
	const seen = await refuse(context, '/wsapi/authenticate_user', { n: 3 });
	const answered = (n) => page.waitForFunction((text) => document.querySelector('[data-screen=busy]').textContent.includes(text), ` ${n} s`);
	await enterPassword(page, PASSWORD);
	await screenShown(page, 'busy');
	for (const seconds of [1, 2, 4]) {
		await answered(seconds);
		await page.clock.runFor((seconds + 1) * 1000);
	}
	await page.waitForURL(`${world.server.url}/`);
	assert.equal(seen.calls, 4);
	await context.close();
});

test('refused on and on: after some tries it is said, and the button tries again with what was entered', async () => {
	const email = 'onandon@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	await clockOf(context);
	const page = await openPassword(context, email);
	const seen = await refuse(context, '/wsapi/authenticate_user', { n: 6 });
	await enterPassword(page, PASSWORD);
	await screenShown(page, 'busy');
	await passUntil(page, 'error');
	assert.equal(seen.calls, 6);
	assert.match(await page.textContent('[data-screen=error]'), /very busy/);
	await picture(page, 'dialog-busy-error');
	await page.click(AGAIN);
	await page.waitForURL(`${world.server.url}/`);
	assert.equal(seen.calls, 7);
	await context.close();
});

test('what may have been done is not sent again, what only reads is; a long wait is left to the user', async () => {
	const email = 'once@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	await clockOf(context);
	const page = await openPassword(context, email);
	const login = await refuse(context, '/wsapi/authenticate_user', { n: 2, headers: {} });
	await enterPassword(page, PASSWORD);
	await screenShown(page, 'error');
	assert.equal(login.calls, 1);
	await page.click(AGAIN);
	await screenShown(page, 'error');
	assert.equal(login.calls, 2);

	const reads = await refuse(context, '/wsapi/session_context', { n: 1, headers: {} });
	await page.reload();
	await screenShown(page, 'busy');
	assert.match(await busyText(page), / 5 s/);
	await passUntil(page, 'address');
	assert.equal(reads.calls, 2);
	const info = await refuse(context, '/wsapi/address_info*', { headers: { 'Retry-After': '600' } });
	await enterAddress(page, email);
	await screenShown(page, 'error');
	assert.equal(info.calls, 1);
	await context.close();
});

test('a front that says 429 and when to come again, at the account and for a mail', async () => {
	const email = 'front@example.org';
	const client = await signUp(world.server, email, PASSWORD);
	const context = await world.contextOf(client);
	await clockOf(context);
	const page = await context.newPage();
	const list = await refuse(context, '/wsapi/list_emails', { n: 1, status: 429 });
	await page.goto(`${world.server.url}/`);
	await screenShown(page, 'busy');
	await passUntil(page, 'account');
	assert.equal(list.calls, 2);
	await page.click('[data-screen=account] [data-add]');
	const mail = await refuse(context, '/wsapi/stage_email', { n: 1, status: 429 });
	await page.fill('#add-email', 'more.front@example.org');
	await page.press('#add-email', 'Enter');
	await screenShown(page, 'busy');
	await passUntil(page, 'mail');
	assert.equal(mail.calls, 2);
	await context.close();
});

test('the page of Firefox is as patient', async () => {
	const email = 'fox@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	await clockOf(context);
	const page = await context.newPage();
	await page.goto(new SignInRequest().url(world.server));
	await screenShown(page, 'password');
	const seen = await refuse(context, '/v1/account/login', { n: 6 });
	await page.fill('#password-email', email);
	await page.fill('#password-pass', PASSWORD);
	await page.press('#password-pass', 'Enter');
	await screenShown(page, 'busy');
	await passUntil(page, 'error');
	assert.equal(seen.calls, 6);
	const [answer] = await Promise.all([page.waitForResponse('**/v1/account/login'), page.click(AGAIN)]);
	assert.equal(answer.status(), 200);
	assert.equal(seen.calls, 7);
	await context.close();
});

test('refused by the overloaded server itself: said in words, and signed in without a hand', async () => {
	const email = 'crowd@example.org';
	const client = await signUp(world.server, email, PASSWORD);
	for (let i = 0; i < 3; i++) await client.login(email, PASSWORD); // what a hash takes is known
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'password');
	const allAnswered = await overload(email);
	await enterPassword(dialog, PASSWORD);
	await screenShown(dialog, 'busy');
	assert.match(await busyText(dialog), BUSY);
	process.kill(compute, 'SIGCONT');
	assert.ok(await signedInAs(site, email));
	await allAnswered();
	await context.close();
});
