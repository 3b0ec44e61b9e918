// The whole way of a person through Chromium: the example site, the dialog, the mail, and back.
// The example is on localhost and the service on 127.0.0.1: two sites for a browser.
import assert from 'node:assert/strict';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { mailedToken } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import {
	chooseNewPassword,
	enterAddress,
	enterPassword,
	launchBrowser,
	newContext,
	openDialog,
	picture,
	screenShown,
	signedInAs,
	startExample,
} from './lib/browser.mjs';
import { verifyLocally, verifyWithJwcrypto } from './lib/browserid.mjs';

const PASSWORD = 'tidal pässwörd 7';

let server;
let example;
let browser;

before(async () => {
	server = await startPlimsoll();
	[example, browser] = await Promise.all([startExample(server.url), launchBrowser()]);
});

after(async () => {
	await browser?.close();
	await example?.stop();
	await server?.stop();
});

async function openSite(context) {
	const site = await context.newPage();
	await site.goto(example.url);
	await site.locator('#out:not([hidden])').waitFor();
	return site;
}

async function mailedLink(email) {
	return `${server.url}/verify_email_address?token=${await mailedToken(server, email)}`;
}

// Signs up at the example site up to "check your mail".
async function signUpUntilMail(site, email, password = PASSWORD) {
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await chooseNewPassword(dialog, password);
	await screenShown(dialog, 'mail');
	return dialog;
}

async function openLink(context, email) {
	const page = await context.newPage();
	await page.goto(await mailedLink(email));
	return page;
}

// An account made through the pages, signed in at the example site in that context.
async function signUp(context, email) {
	const site = await openSite(context);
	await signUpUntilMail(site, email);
	const landing = await openLink(context, email);
	await screenShown(landing, 'done');
	assert.ok(await signedInAs(site, email));
	await landing.close();
	return site;
}

// The bodies of what a context's pages post to the service.
function recordPosts(context) {
	const posts = [];
	context.on('request', (request) => {
		if (request.method() === 'POST') posts.push({ url: request.url(), body: request.postData() ?? '' });
	});
	return posts;
}

test('sign up at a site: address, password, mail, confirmed, signed in there', async () => {
	const context = await newContext(browser);
	const posts = recordPosts(context);
	const site = await openSite(context);
	await picture(site, 'example-signed-out');

	const dialog = await openDialog(site);
	await screenShown(dialog, 'address');
	assert.equal(await dialog.textContent('[data-screen=address] h1'), 'Sign in to The tide table');
	assert.equal(await dialog.textContent('[data-screen=address] .host'), new URL(example.url).host);
	await picture(dialog, 'dialog-address');
	await enterAddress(dialog, 'Ada.Lovelace@Example.org');
	await screenShown(dialog, 'new');
	await picture(dialog, 'dialog-new');
	await chooseNewPassword(dialog, PASSWORD);
	await screenShown(dialog, 'mail');
	await picture(dialog, 'dialog-mail');

	const landing = await openLink(context, 'Ada.Lovelace@Example.org');
	await screenShown(landing, 'done');
	await picture(landing, 'verify-done');
	assert.ok(await signedInAs(site, 'Ada.Lovelace@Example.org'));
	await picture(site, 'example-signed-in');
	assert.ok(dialog.isClosed(), 'the dialog closes itself');

	const whoami = await site.evaluate(async () => (await fetch('/whoami')).json());
	assert.equal(whoami.email, 'Ada.Lovelace@Example.org');
	const { assertion } = JSON.parse(posts.find((post) => post.url === `${example.url}/login`).body);
	const local = await verifyLocally(server, assertion, example.url);
	assert.equal(local.email, 'Ada.Lovelace@Example.org', local.error);
	assert.equal((await verifyWithJwcrypto(server, assertion)).audience, example.url);

	const said = posts.map((post) => post.body).join('\n');
	assert.ok(!said.includes('tidal'), 'the password itself is never sent');
	const staged = JSON.parse(posts.find((post) => post.url.endsWith('/stage_user')).body);
	assert.match(staged.pass, /^[0-9a-f]{64}$/);
	assert.equal(staged.kdf, 'onepw-2');
	assert.equal(staged.site, example.url);

	const home = await context.newPage();
	await home.goto(server.url);
	await home.locator('[data-account=in]:not([hidden])').waitFor();
	assert.deepEqual(await home.locator('[data-addresses] li').allTextContents(), ['Ada.Lovelace@Example.org']);
	await picture(home, 'home-signed-in');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a returning user picks the address; the key is reused; sign out forgets both', async () => {
	const email = 'returning@example.org';
	const context = await newContext(browser);
	const site = await signUp(context, email);
	await site.click('#sign-out');
	await site.locator('#out:not([hidden])').waitFor();

	const posts = recordPosts(context);
	const dialog = await openDialog(site);
	await screenShown(dialog, 'pick');
	assert.match(await dialog.textContent('[data-choices]'), /returning@example\.org.*used here last/);
	await picture(dialog, 'dialog-pick');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
	assert.ok(await signedInAs(site, email));
	assert.ok(!posts.some((post) => post.url.endsWith('/cert_key')), 'the certificate was still good');

	const home = await context.newPage();
	await home.goto(server.url);
	await home.click('[data-sign-out]');
	await home.locator('[data-account=out]:not([hidden])').waitFor();
	await site.click('#sign-out');
	await site.locator('#out:not([hidden])').waitFor();
	const again = await openDialog(site);
	await screenShown(again, 'address');
	assert.equal(await again.inputValue('#address-email'), '', 'the address is forgotten');
	await enterAddress(again, email);
	await enterPassword(again, PASSWORD);
	assert.ok(await signedInAs(site, email));
	assert.ok(posts.some((post) => post.url.endsWith('/cert_key')), 'the key was forgotten');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a wrong password is said at the field, then the right one works', async () => {
	const email = 'wrong@example.org';
	const first = await newContext(browser);
	await signUp(first, email);
	await first.close();

	const context = await newContext(browser);
	const site = await openSite(context);
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

test('what a site says of itself is shown; what it may not say is not', async () => {
	const context = await newContext(browser);
	const site = await openSite(context);
	const dot = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
	const ask = async (options) => {
		const opened = site.waitForEvent('popup');
		await site.evaluate((given) => void navigator.id.get(given), options);
		const dialog = await opened;
		await screenShown(dialog, 'address');
		return dialog;
	};
	const good = await ask({
		siteName: '<b>Tides</b>',
		siteLogo: dot,
		email: 'hint@example.org',
		termsOfService: '/terms',
		privacyPolicy: '/privacy',
	});
	assert.equal(await good.textContent('[data-screen=address] h1'), 'Sign in to <b>Tides</b>');
	assert.equal(await good.inputValue('#address-email'), 'hint@example.org');
	assert.equal(await good.getAttribute('[data-screen=address] .logo', 'src'), dot);
	const links = good.locator('[data-screen=address] [data-terms] a');
	assert.equal(await links.first().getAttribute('href'), `${example.url}/terms`);
	await picture(good, 'dialog-site');
	await good.close();
	const bad = await ask({
		siteName: { not: 'a string' },
		siteLogo: 'http://127.0.0.1/logo.png',
		termsOfService: 'javascript:alert(1)',
		privacyPolicy: '/privacy',
	});
	assert.equal(await bad.textContent('[data-screen=address] h1'), `Sign in to ${new URL(example.url).host}`);
	assert.equal(await bad.locator('[data-screen=address] .logo').isVisible(), false);
	assert.equal(await bad.locator('[data-screen=address] [data-terms]').isVisible(), false);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('what cannot be right is said before anything is sent', async () => {
	const context = await newContext(browser);
	const site = await openSite(context);
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

test('the link opened in another browser asks for the password; both end signed in', async () => {
	const email = 'two.browsers@example.org';
	const first = await newContext(browser);
	const site = await openSite(first);
	await signUpUntilMail(site, email);

	const second = await newContext(browser, { phone: true });
	const landing = await openLink(second, email);
	await screenShown(landing, 'password');
	await picture(landing, 'verify-password-phone');
	await landing.fill('#verify-pass', 'not the password');
	await landing.press('#verify-pass', 'Enter');
	await landing.locator('#verify-pass-error:not([hidden])').waitFor();
	assert.equal((await landing.locator('[data-screen=done]').isVisible()), false);
	await landing.fill('#verify-pass', PASSWORD);
	await landing.press('#verify-pass', 'Enter');
	await screenShown(landing, 'done');

	assert.ok(await signedInAs(site, email), 'the first browser goes on with the password it still has');
	const elsewhere = await openSite(second);
	const dialog = await openDialog(elsewhere);
	await screenShown(dialog, 'pick');
	await picture(dialog, 'dialog-pick-phone');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
	assert.ok(await signedInAs(elsewhere, email));
	await Promise.all([first.close(), second.close()]);
});

test('a page that was dropped while the mail was awaited goes on with it', async () => {
	const email = 'reloaded@example.org';
	const context = await newContext(browser);
	const site = await openSite(context);
	const dialog = await signUpUntilMail(site, email);
	await dialog.reload();
	await screenShown(dialog, 'mail');
	await screenShown(await openLink(context, email), 'done');
	assert.ok(await signedInAs(site, email));
	await context.close();
});

test('a link that was used, or was never made, says so', async () => {
	const email = 'used@example.org';
	const context = await newContext(browser);
	const site = await openSite(context);
	await signUpUntilMail(site, email);
	const landing = await openLink(context, email);
	await screenShown(landing, 'done');
	await landing.reload();
	await screenShown(landing, 'bad');
	await picture(landing, 'verify-bad');
	await landing.goto(`${server.url}/verify_email_address?token=${'x'.repeat(48)}`);
	await screenShown(landing, 'bad');
	await landing.goto(`${server.url}/verify_email_address?token=cut`);
	await screenShown(landing, 'incomplete');
	await context.close();
});

test('a busy server: the page counts down, tries again by itself and goes on', async () => {
	const email = 'busy@example.org';
	const first = await newContext(browser);
	await signUp(first, email);
	await first.close();

	const context = await newContext(browser);
	let refusals = 0;
	await context.route('**/wsapi/authenticate_user', (route) => {
		if (refusals++ > 0) return route.continue();
		return route.fulfill({
			status: 503,
			headers: { 'Retry-After': '3', 'Content-Type': 'application/json' },
			body: '{"success":false,"reason":"server is too busy"}',
		});
	});
	const site = await openSite(context);
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
	const context = await newContext(browser);
	const asked = [];
	await context.route('**/wsapi/user_creation_status*', (route) => {
		asked.push(Date.now());
		if (asked.length > 1) return route.continue();
		return route.fulfill({ status: 503, headers: { 'Retry-After': '6' }, body: 'Service Unavailable' });
	});
	const site = await openSite(context);
	const dialog = await signUpUntilMail(site, email);
	await screenShown(await openLink(context, email), 'done');
	assert.ok(await signedInAs(site, email));
	assert.ok(asked[1] - asked[0] >= 5900, `${asked[1] - asked[0]} ms`);
	assert.ok(dialog.isClosed());
	await context.close();
});

test('closing or cancelling the dialog tells the site', async () => {
	const context = await newContext(browser);
	const site = await openSite(context);
	const dialog = await openDialog(site);
	await screenShown(dialog, 'address');
	await dialog.close();
	await site.locator('#message:has-text("did not sign in")').waitFor();
	const again = await openDialog(site);
	await screenShown(again, 'address');
	await Promise.all([again.waitForEvent('close'), again.click('[data-screen=address] [data-cancel]')]);
	await site.locator('#message:has-text("did not sign in")').waitFor();
	await context.close();
});

test('the older calls: watch, request, oncancel, logout', async () => {
	const email = 'older@example.org';
	const context = await newContext(browser);
	const site = await signUp(context, email);
	await site.evaluate(() => {
		window.calls = [];
		const call = (name) => (value) => window.calls.push(value ? `${name} ${value.slice(0, 3)}` : name);
		navigator.id.watch({
			loggedInUser: 'somebody@example.org',
			onlogin: call('login'),
			onlogout: call('logout'),
			onmatch: call('match'),
			onready: call('ready'),
		});
		const button = document.createElement('button');
		button.id = 'older';
		button.addEventListener('click', () => navigator.id.request({ oncancel: call('cancel') }));
		document.body.append(button);
	});
	const calls = async (...expected) => {
		await site.waitForFunction((n) => window.calls.length >= n, expected.length);
		assert.deepEqual(await site.evaluate(() => window.calls), expected);
	};
	await calls('match', 'ready');
	const open = () => Promise.all([site.waitForEvent('popup'), site.click('#older')]);
	const [closed] = await open();
	await screenShown(closed, 'pick');
	await closed.close();
	await calls('match', 'ready', 'cancel clo');
	const [dialog] = await open();
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] button[type=submit]');
	await calls('match', 'ready', 'cancel clo', 'login eyJ');
	await site.evaluate(() => navigator.id.logout());
	await calls('match', 'ready', 'cancel clo', 'login eyJ', 'logout');
	await context.close();
});

test('only the window that opened the dialog, and only from its site, gets the assertion', async () => {
	const context = await newContext(browser);
	const site = await openSite(context);
	const dialog = await openDialog(site);
	await screenShown(dialog, 'address');
	// The site's page is left for another site: what the dialog says is no longer delivered to it.
	await site.goto(`${server.url}/`);
	const heard = await site.evaluate(() => {
		window.heard = [];
		addEventListener('message', (event) => window.heard.push(event.data));
		return window.heard.length;
	});
	assert.equal(heard, 0);
	await dialog.click('[data-screen=address] [data-cancel]');
	await site.waitForTimeout(300);
	assert.deepEqual(await site.evaluate(() => window.heard), []);
	// A message of a foreign page to the site's page is not taken for the dialog's.
	const other = await openSite(context);
	const forged = await other.evaluate(async () => {
		const answer = navigator.id.get({});
		window.postMessage(JSON.stringify({ a: 'response', d: { assertion: 'forged~forged' } }), '*');
		return Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))]);
	});
	assert.notEqual(forged, 'forged~forged');
	await context.close();
});

// A server on 127.0.0.1 whose page asks for the most permissive cookie there is.
async function startProbe() {
	const probe = http.createServer((request, response) => {
		response.writeHead(200, {
			'Content-Type': 'text/html',
			'Set-Cookie': 'probe=1; SameSite=None; Secure; Path=/',
		});
		response.end('<!doctype html><title>probe</title>');
	});
	await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
	return { url: `http://127.0.0.1:${probe.address().port}/`, stop: () => probe.close() };
}

test('works with third-party cookies blocked, and without frames', async () => {
	const strict = await launchBrowser({ flags: ['--test-third-party-cookie-phaseout'] });
	const probe = await startProbe();
	const cookies = async (context) => (await context.cookies()).map((cookie) => cookie.name);
	try {
		const context = await newContext(strict);
		const site = await openSite(context);
		// Proof that this browser blocks: a frame below the example site keeps no cookie, a page does.
		await site.evaluate((url) => {
			const frame = document.createElement('iframe');
			const loaded = new Promise((resolve) => (frame.onload = resolve));
			frame.src = url;
			document.body.append(frame);
			return loaded;
		}, probe.url);
		assert.deepEqual(await cookies(context), []);
		const page = await context.newPage();
		await page.goto(probe.url);
		assert.deepEqual(await cookies(context), ['probe']);

		await site.reload();
		await site.locator('#out:not([hidden])').waitFor();
		await signUpUntilMail(site, 'strict@example.org');
		await screenShown(await openLink(context, 'strict@example.org'), 'done');
		assert.ok(await signedInAs(site, 'strict@example.org'));
		assert.equal(site.frames().length, 1, 'the page of the site only');
		await context.close();
	} finally {
		probe.stop();
		await strict.close();
	}
});

test('says in words that cookies are off, and that a page without https cannot sign', async () => {
	const context = await newContext(browser);
	await context.addInitScript(() => {
		Object.defineProperty(navigator, 'cookieEnabled', { get: () => false });
	});
	const dialog = await context.newPage();
	await dialog.goto(`${server.url}/sign_in`);
	await screenShown(dialog, 'cookies');
	await picture(dialog, 'dialog-cookies');
	await context.close();

	const insecure = await newContext(browser);
	await insecure.addInitScript(() => {
		Object.defineProperty(window, 'isSecureContext', { get: () => false });
	});
	const page = await insecure.newPage();
	await page.goto(`${server.url}/sign_in`);
	await screenShown(page, 'insecure');
	await picture(page, 'dialog-insecure');
	await page.goto(server.url);
	await page.locator('[data-insecure]:not([hidden])').waitFor();
	await insecure.close();
});

test('a server that is gone: the page says so and goes on when it is back', async () => {
	const context = await newContext(browser);
	const page = await context.newPage();
	await page.goto(`${server.url}/sign_in`);
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

test('phone, dark, and keyboard: every control is reached, nothing is wider than the screen', async () => {
	for (const dark of [false, true]) {
		const context = await newContext(browser, { phone: true, dark });
		const name = dark ? 'phone-dark' : 'phone';
		const page = await context.newPage();
		const fits = async () => {
			const width = await page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(width <= 360, `${width} px wide`);
		};
		await page.goto(server.url);
		await page.locator('[data-account=out]:not([hidden])').waitFor();
		await page.locator('[data-facts] div').first().waitFor();
		await fits();
		await picture(page, `home-${name}`);
		await page.click('[data-account=out] a');
		await screenShown(page, 'address');
		await fits();
		await picture(page, `dialog-address-${name}`);
		await enterAddress(page, 'a.person.with.a.very.long.address@mail.of.some.department.example.org');
		await screenShown(page, 'new');
		await fits();
		await picture(page, `dialog-new-${name}`);
		const reached = [];
		for (let i = 0; i < 6; i++) {
			reached.push(await page.evaluate(() => document.activeElement.name || document.activeElement.textContent));
			await page.keyboard.press('Tab');
		}
		assert.deepEqual(reached.slice(0, 5), ['pass', 'repeat', 'reveal', 'Create account', 'Use another address']);
		await context.close();
	}
	const desktop = await newContext(browser, { dark: true });
	const home = await desktop.newPage();
	await home.goto(server.url);
	await home.locator('[data-facts] div').first().waitFor();
	await home.locator('[data-account=out]:not([hidden])').waitFor();
	await picture(home, 'home-dark');
	await home.goto(`${server.url}/sign_in`);
	await screenShown(home, 'address');
	await picture(home, 'dialog-address-dark');
	await desktop.close();
});
