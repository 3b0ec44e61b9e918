// The dialog as sites use it: what they may say and hear, and that nothing of it needs third-party
// cookies.
import assert from 'node:assert/strict';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { signUp as signUpPlain } from '../harness/client.mjs';
import {
	chooseNewPassword,
	comeBack,
	enterAddress,
	enterPassword,
	launchBrowser,
	look,
	newContext,
	openDialog,
	picture,
	screenShown,
	signedInAs,
} from './lib/browser.mjs';
import { verifyRemotely } from './lib/browserid.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

const DOT = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
let world;
before(async () => (world = await startWorld({ whole: true })));
after(() => world?.stop());

test('what a site says of itself is shown; what it may not say is not', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const ask = async (options) => {
		const opened = site.waitForEvent('popup');
		await site.evaluate((given) => void navigator.id.get(given), options);
		const dialog = await opened;
		await screenShown(dialog, 'address');
		return dialog;
	};
	const good = await ask({
		siteName: '<b>Tides</b>',
		siteLogo: DOT,
		email: 'hint@example.org',
		termsOfService: '/terms',
		privacyPolicy: '/privacy',
	});
	assert.equal(await good.textContent('[data-screen=address] h1'), 'Sign in to <b>Tides</b>');
	assert.equal(await good.inputValue('#address-email'), 'hint@example.org');
	assert.equal(await good.getAttribute('[data-screen=address] .logo', 'src'), DOT);
	const links = good.locator('[data-screen=address] [data-terms] a');
	assert.equal(await links.first().getAttribute('href'), `${world.example.url}/terms`);
	await picture(good, 'dialog-site');
	await good.close();
	const bad = await ask({
		siteName: { not: 'a string' },
		siteLogo: 'http://127.0.0.1/logo.png',
		termsOfService: 'javascript:alert(1)',
		privacyPolicy: '/privacy',
	});
	assert.equal(await bad.textContent('[data-screen=address] h1'), `Sign in to ${new URL(world.example.url).host}`);
	assert.equal(await bad.locator('[data-screen=address] .logo').isVisible(), false);
	assert.equal(await bad.locator('[data-screen=address] [data-terms]').isVisible(), false);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('closing or cancelling the dialog tells the site', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
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
	const context = await newContext(world.browser);
	const site = await world.signUp(context, email);
	await site.reload(); // its own page has used get()
	await site.locator('#in:not([hidden])').waitFor();
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

test('what watch, request and get refuse', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const refusal = (call) =>
		site.evaluate(
			(source) => {
				const quiet = () => {};
				try {
					new Function('id', 'quiet', source)(navigator.id, quiet);
					return null;
				} catch (error) {
					return error.message;
				}
			},
			call,
		);
	for (const [call, words] of [
		['id.watch()', /onlogin must be a function/],
		['id.watch({ onlogin: quiet, onready: 1 })', /onready must be a function/],
		['id.watch({ onlogin: quiet, loggedInUser: null })', /loggedInUser and onmatch need onlogout/],
		['id.watch({ onlogin: quiet, loggedInEmail: "a@b.example" })', /need onlogout/],
		['id.watch({ onlogin: quiet, onmatch: quiet })', /need onlogout/],
		['id.request()', /call navigator\.id\.watch first/],
	]) {
		assert.match((await refusal(call)) ?? 'nothing', words, call);
	}
	assert.equal(await refusal('id.watch({ onlogin: quiet })'), null);
	assert.match(await refusal('id.get(quiet)'), /but not both/);
	await site.reload();
	await site.locator('#out:not([hidden])').waitFor();
	await Promise.all([site.waitForEvent('popup'), refusal('id.getVerifiedEmail(quiet)')]);
	assert.match(await refusal('id.watch({ onlogin: quiet })'), /but not both/);
	assert.equal(context.pages().length, 2, 'the refused call opened nothing');
	await context.close();
});

test('only the window that opened the dialog, and only from its site, gets the assertion', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await screenShown(dialog, 'address');
	// The site's page is left for another site: what the dialog says is no longer delivered to it.
	await site.goto(`${world.server.url}/`);
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
	const other = await world.openSite(context);
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
	const strict = await launchBrowser({ whole: true, flags: ['--test-third-party-cookie-phaseout'] });
	const probe = await startProbe();
	const cookies = async (context) => (await context.cookies()).map((cookie) => cookie.name);
	try {
		const context = await newContext(strict);
		const site = await world.openSite(context);
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
		await world.signUpUntilMail(site, 'strict@example.org');
		await screenShown(await world.openLink(context, 'strict@example.org'), 'done');
		assert.ok(await signedInAs(site, 'strict@example.org'));
		assert.equal(site.frames().length, 1, 'the page of the site only');
		await context.close();
	} finally {
		probe.stop();
		await strict.close();
	}
});

// Opens the dialog with options of the site's; the promise of its answer is window.answer there.
async function askWith(site, options) {
	const opened = site.waitForEvent('popup');
	await site.evaluate((given) => {
		window.answer = navigator.id.get(given);
	}, options);
	return opened;
}

const verify = (assertion, more = {}) => verifyRemotely(world.server, { assertion, audience: world.example.url, ...more });

test('the colour and the logo of a site are those of its mails', async () => {
	const context = await newContext(world.browser);
	const posts = recordPosts(context);
	const staged = () => JSON.parse(posts.filter((post) => post.url.endsWith('/stage_user')).pop().body);
	const site = await world.openSite(context);
	const signUp = async (email, options) => {
		const dialog = await askWith(site, options);
		await enterAddress(dialog, email);
		await chooseNewPassword(dialog, PASSWORD);
		await screenShown(dialog, 'mail');
		return dialog;
	};
	const first = await signUp('painted@example.org', { backgroundColor: 'a0f', siteLogo: 'https://site.example/a logo.png' });
	assert.deepEqual([staged().backgroundColor, staged().siteLogo], ['#a0f', 'https://site.example/a%20logo.png']);
	const colour = await first.evaluate(() => getComputedStyle(document.querySelector('.card')).borderTopColor);
	assert.equal(colour, 'rgb(170, 0, 255)');
	await look(first, 'dialog-coloured');
	await first.close();
	const second = await signUp('unpainted@example.org', { backgroundColor: 'url(x)', siteLogo: DOT });
	assert.deepEqual([staged().backgroundColor, staged().siteLogo], [undefined, undefined]);
	await second.close();
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a site can have the password asked again of whoever is signed in', async () => {
	const email = 'again.please@example.org';
	const client = await signUpPlain(world.server, email, PASSWORD);
	const context = await world.contextOf(client);
	const site = await world.openSite(context);
	const dialog = await askWith(site, { experimental_forceAuthentication: true });
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] button[type=submit]');
	await enterPassword(dialog, PASSWORD);
	const answer = await verify(await site.evaluate(() => window.answer));
	assert.equal(answer.json.email, email, answer.json.reason);
	await context.close();
});

test('a site that takes unverified addresses gets one at once, which says so', async () => {
	const email = 'hasty@example.org';
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	for (const isNew of [true, false]) {
		const dialog = await askWith(site, { experimental_allowUnverified: true });
		if (isNew) {
			await enterAddress(dialog, email);
			await chooseNewPassword(dialog, PASSWORD);
		} else {
			await screenShown(dialog, 'pick');
			await dialog.click('[data-screen=pick] button[type=submit]');
		}
		const assertion = await site.evaluate(() => window.answer);
		assert.equal((await verify(assertion)).json.status, 'failure');
		const answer = await verify(assertion, { experimental_allowUnverified: true });
		assert.deepEqual([answer.json.status, answer.json['unverified-email'], answer.json.email], ['okay', email, undefined]);
	}
	// To other sites it is an address that has to be confirmed.
	const dialog = await askWith(site, {});
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] button[type=submit]');
	await screenShown(dialog, 'mail');
	await screenShown(await world.openLink(context, email, '/confirm'), 'done');
	await comeBack(dialog);
	const answer = await verify(await site.evaluate(() => window.answer));
	assert.equal(answer.json.email, email, answer.json.reason);
	await context.close();
});
