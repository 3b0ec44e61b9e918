// What the pages say when something is wrong: entries, passwords, a busy or absent server, a browser
// that cannot do it.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { signUp as signUpPlain } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import {
	chooseNewPassword,
	enterAddress,
	enterPassword,
	newContext,
	openDialog,
	picture,
	screenShown,
	signedInAs,
} from './lib/browser.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

test('a wrong password is said at the field, then the right one works', async () => {
	const email = 'wrong@example.org';
	const first = await newContext(world.browser);
	await world.signUp(first, email);
	await first.close();

	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await enterPassword(dialog, 'not the password');
	await dialog.locator('#password-pass-error:not([hidden])').waitFor();
	await picture(dialog, 'dialog-wrong-password');
	assert.equal(await dialog.getAttribute('#password-pass', 'aria-invalid'), 'true');
	assert.equal(await dialog.evaluate(() => document.activeElement.id), 'password-pass');
	await enterPassword(dialog, PASSWORD);
	assert.ok(await signedInAs(site, email));
	await context.close();
});

test('what cannot be right is said before anything is sent', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	const posts = recordPosts(context);
	await enterAddress(dialog, 'no address');
	await dialog.locator('#address-email-error:not([hidden])').waitFor();
	await enterAddress(dialog, 'typo@example.org');
	await chooseNewPassword(dialog, 'short');
	await dialog.locator('#new-pass-error:not([hidden])').waitFor();
	await dialog.fill('#new-pass', 'long enough');
	await dialog.fill('#new-repeat', 'long enouhg');
	await dialog.press('#new-repeat', 'Enter');
	await dialog.locator('#new-repeat-error:not([hidden])').waitFor();
	await picture(dialog, 'dialog-new-wrong');
	assert.ok(!posts.some((post) => post.url.endsWith('/stage_user')));
	await context.close();
});

test('a busy server: the page counts down, tries again by itself and goes on', async () => {
	const email = 'busy@example.org';
	const first = await newContext(world.browser);
	await world.signUp(first, email);
	await first.close();

	const context = await newContext(world.browser);
	let refusals = 0;
	await context.route('**/wsapi/authenticate_user', (route) => {
		if (refusals++ > 0) return route.continue();
		return route.fulfill({
			status: 503,
			headers: { 'Retry-After': '3', 'Content-Type': 'application/json' },
			body: '{"success":false,"reason":"server is too busy"}',
		});
	});
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await enterPassword(dialog, PASSWORD);
	await screenShown(dialog, 'busy');
	await picture(dialog, 'dialog-busy');
	const seconds = async () => Number(/(\d+) s/.exec(await dialog.textContent('[data-screen=busy]'))?.[1]);
	assert.equal(await seconds(), 3);
	await dialog.waitForFunction(() => / 2 s/.test(document.querySelector('[data-screen=busy]').textContent));
	assert.ok(await signedInAs(site, email));
	assert.equal(refusals, 2);
	await context.close();
});

test('the mail screen waits as long as a busy server says', async () => {
	const email = 'patient@example.org';
	const context = await newContext(world.browser);
	const asked = [];
	await context.route('**/wsapi/user_creation_status*', (route) => {
		asked.push(Date.now());
		if (asked.length > 1) return route.continue();
		return route.fulfill({ status: 503, headers: { 'Retry-After': '6' }, body: 'Service Unavailable' });
	});
	const site = await world.openSite(context);
	const dialog = await world.signUpUntilMail(site, email);
	await screenShown(await world.openLink(context, email), 'done');
	assert.ok(await signedInAs(site, email));
	assert.ok(asked[1] - asked[0] >= 5900, `${asked[1] - asked[0]} ms`);
	assert.ok(dialog.isClosed());
	await context.close();
});

test('asking for the mail again at once says where to look instead', async () => {
	const context = await newContext(world.browser);
	const dialog = await world.signUpUntilMail(await world.openSite(context), 'again@example.org');
	await dialog.click('[data-screen=mail] [data-again]');
	await dialog.locator('[data-screen=mail] [data-notice]:has-text("less than a minute ago")').waitFor();
	await picture(dialog, 'dialog-mail-again');
	await context.close();
});

test('many wrong passwords: the page says that the account rests', async () => {
	const email = 'locked@example.org';
	const strict = await startPlimsoll({ conf: { accounts: { max_failed_logins: 2 } } });
	const context = await newContext(world.browser);
	try {
		await signUpPlain(strict, email, PASSWORD);
		const page = await context.newPage();
		await page.goto(`${strict.url}/sign_in`);
		await enterAddress(page, email);
		for (let i = 0; i < 2; i++) {
			await enterPassword(page, `wrong password ${i}`);
			await page.locator('#password-pass-error:has-text("not the right password")').waitFor();
			await page.locator('[data-screen=password] form:not([data-working])').waitFor();
		}
		await enterPassword(page, PASSWORD);
		await page.locator('#password-pass-error:has-text("Too many wrong passwords")').waitFor();
	} finally {
		await context.close();
		await strict.stop();
	}
});

test('a server that makes no new accounts says so at the address', async () => {
	const closed = await startPlimsoll({ conf: { identity: { signup: 'closed' } } });
	const context = await newContext(world.browser);
	try {
		const page = await context.newPage();
		await page.goto(`${closed.url}/sign_in`);
		await enterAddress(page, 'stranger@example.org');
		await page.locator('#address-email-error:has-text("makes no new ones")').waitFor();
	} finally {
		await context.close();
		await closed.stop();
	}
});

test('says in words that cookies are off, and that a page without https cannot sign', async () => {
	const context = await newContext(world.browser);
	await context.addInitScript(() => {
		Object.defineProperty(navigator, 'cookieEnabled', { get: () => false });
	});
	const dialog = await context.newPage();
	await dialog.goto(`${world.server.url}/sign_in`);
	await screenShown(dialog, 'cookies');
	await picture(dialog, 'dialog-cookies');
	await context.close();

	const insecure = await newContext(world.browser);
	await insecure.addInitScript(() => {
		Object.defineProperty(window, 'isSecureContext', { get: () => false });
	});
	const page = await insecure.newPage();
	await page.goto(`${world.server.url}/sign_in`);
	await screenShown(page, 'insecure');
	await picture(page, 'dialog-insecure');
	await page.goto(world.server.url);
	await page.locator('[data-insecure]:not([hidden])').waitFor();
	await insecure.close();
});

test('a server that is gone: the page says so and goes on when it is back', async () => {
	const context = await newContext(world.browser);
	const page = await context.newPage();
	await page.goto(`${world.server.url}/sign_in`);
	await screenShown(page, 'address');
	await context.setOffline(true);
	await enterAddress(page, 'offline@example.org');
	await screenShown(page, 'error');
	await picture(page, 'dialog-error');
	await context.setOffline(false);
	await page.click('[data-screen=error] [data-again]');
	await enterAddress(page, 'offline@example.org');
	await screenShown(page, 'new');
	await context.close();
});

test('a forgotten password: busy, without a connection, and slow, as everywhere', async () => {
	const email = 'troubled@example.org';
	await signUpPlain(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	const page = await context.newPage();
	await page.clock.install();
	await page.goto(`${world.server.url}/sign_in`);
	await enterAddress(page, email);
	await screenShown(page, 'password');
	await context.setOffline(true);
	await page.click('[data-screen=password] [data-forgot]');
	await screenShown(page, 'error');
	await context.setOffline(false);
	await page.click('[data-screen=error] [data-again]');
	await screenShown(page, 'password');

	let refusals = 0;
	await context.route('**/wsapi/stage_reset', (route) => {
		if (refusals++ > 0) return route.continue();
		return route.fulfill({ status: 503, headers: { 'Retry-After': '7' }, body: 'Service Unavailable' });
	});
	await page.click('[data-screen=password] [data-forgot]');
	await screenShown(page, 'busy');
	assert.match(await page.textContent('[data-screen=busy]'), / 7 s/);
	await page.clock.runFor(8000);
	await screenShown(page, 'mail');
	assert.equal(refusals, 2);

	await page.click('[data-screen=mail] [data-change]');
	let answer;
	await context.route('**/wsapi/address_info*', (route) => (answer = () => route.continue()));
	await enterAddress(page, email);
	const status = page.locator('[data-screen=address] form [role=status]');
	await page.clock.runFor(2000);
	assert.equal(await status.textContent(), 'One moment…');
	await page.clock.runFor(9000);
	assert.match(await status.textContent(), /longer than usual/);
	await picture(page, 'dialog-slow');
	answer();
	await screenShown(page, 'password');
	assert.equal(await status.textContent(), '');
	await context.close();
});

test('signed out meanwhile: adding an address leads back to signing in', async () => {
	const email = 'elsewhere@example.org';
	const client = await signUpPlain(world.server, email, PASSWORD);
	const context = await world.contextOf(client);
	const page = await context.newPage();
	await page.goto(`${world.server.url}/sign_in`);
	await screenShown(page, 'pick');
	await page.click('[data-screen=pick] [data-add]');
	await context.clearCookies();
	await page.fill('#add-email', 'more@example.org');
	await page.press('#add-email', 'Enter');
	await screenShown(page, 'address');
	await context.close();
});
