// Addresses whose domain has an identity provider of its own, in the dialog: its page, silently the next
// time, what goes wrong, and pages that were made for Persona.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { signUp as signUpPlain } from '../harness/client.mjs';
import {
	enterAddress,
	launchBrowser,
	newContext,
	newPermissiveContext,
	openDialog,
	picture,
	screenShown,
	signedInAs,
} from './lib/browser.mjs';
import { KEEPER, startWithProviders } from './lib/provider.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

let world;
let classic;
before(async () => {
	world = await startWorld({ start: startWithProviders, whole: true });
	({ classic } = world.server);
});
after(() => world?.stop());

async function goToProvider(dialog, email) {
	await enterAddress(dialog, email);
	await screenShown(dialog, 'provider');
	await dialog.click('[data-screen=provider] button[type=submit]');
}

async function signInAtProvider(dialog, { email, password }) {
	await dialog.locator(`#email:has-text("${email}")`).waitFor();
	await dialog.fill('#password', password);
	await dialog.press('#password', 'Enter');
}

// Leads from "pick an address" back to the address.
async function forgetMe(dialog) {
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] [data-other]');
}

const operations = (posts) => posts.map(({ url }) => url.split('/').pop());
const info = (email) => fetch(`${world.server.url}/wsapi/address_info?email=${email}`).then((response) => response.json());

test('first at the provider, with a certificate from there; the next time silently; then by the kept key', async () => {
	const context = await newPermissiveContext();
	const site = await world.openSite(context);
	const posts = recordPosts(context);
	const framed = [];
	context.on('request', (request) => request.url().endsWith('/provision') && framed.push(request.url()));
	const dialog = await openDialog(site);
	await enterAddress(dialog, KEEPER.email);
	await screenShown(dialog, 'provider');
	await picture(dialog, 'primary-provider');
	await dialog.click('[data-screen=provider] button[type=submit]');
	await dialog.locator('#password').waitFor();
	await picture(dialog, 'primary-at-provider');
	assert.equal(new URL(dialog.url()).searchParams.get('email'), KEEPER.email);
	await signInAtProvider(dialog, KEEPER);
	assert.ok(await signedInAs(site, KEEPER.email));
	assert.deepEqual(operations(posts), ['session', 'certificate', 'auth_with_assertion', 'login']);
	assert.equal(framed.length, 1, 'the frame was asked before, and not again');

	posts.length = 0;
	await site.click('#sign-out');
	const second = await openDialog(site);
	await forgetMe(second);
	await enterAddress(second, KEEPER.email);
	assert.ok(await signedInAs(site, KEEPER.email));
	assert.deepEqual(operations(posts), ['logout', 'logout', 'certificate', 'auth_with_assertion', 'login']);
	assert.equal(framed.length, 2);

	posts.length = 0;
	await site.click('#sign-out');
	const third = await openDialog(site);
	await screenShown(third, 'pick');
	await third.click('[data-screen=pick] button[type=submit]');
	assert.ok(await signedInAs(site, KEEPER.email));
	assert.deepEqual(operations(posts), ['logout', 'login'], 'nobody is asked');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('an address of the account whose key is gone: silently again, and never certified here', async () => {
	const context = await newContext(world.browser);
	classic.users.add('own@classic.example');
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, 'own@classic.example');
	assert.ok(await signedInAs(site, 'own@classic.example'));
	await site.click('#sign-out');
	const again = await openDialog(site);
	await screenShown(again, 'pick');
	await again.evaluate(() => new Promise((resolve) => (indexedDB.deleteDatabase('plimsoll-identity').onsuccess = resolve)));
	const posts = recordPosts(context);
	await again.click('[data-screen=pick] button[type=submit]');
	assert.ok(await signedInAs(site, 'own@classic.example'));
	assert.deepEqual(operations(posts), ['cert', 'login']);
	await context.close();
});

test('cancelled at the provider: back at the address, and the site still gets its answer', async () => {
	const context = await newContext(world.browser, { phone: true });
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await goToProvider(dialog, KEEPER.email);
	await dialog.click('#cancel');
	await screenShown(dialog, 'address');
	await picture(dialog, 'primary-cancelled-phone');
	assert.match(await dialog.textContent('[data-screen=address] [data-notice]'), /did not sign in/);
	assert.equal(await dialog.inputValue('#address-email'), KEEPER.email);
	assert.equal(new URL(dialog.url()).search, '');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=address] [data-cancel]')]);
	await site.locator('#message:has-text("did not sign in")').waitFor();
	await context.close();
});

test('with third-party cookies blocked: the certificate comes from the provider\'s page', async () => {
	const strict = await launchBrowser({ whole: true, flags: ['--test-third-party-cookie-phaseout'] });
	try {
		const context = await newContext(strict);
		const site = await world.openSite(context);
		for (const isAgain of [false, true]) {
			const dialog = await openDialog(site);
			if (isAgain) await forgetMe(dialog);
			await goToProvider(dialog, KEEPER.email);
			await signInAtProvider(dialog, KEEPER);
			assert.ok(await signedInAs(site, KEEPER.email));
			await site.click('#sign-out');
			await site.locator('#out:not([hidden])').waitFor();
		}
		await context.close();
	} finally {
		await strict.close();
	}
});

test('pages made for Persona: their frame, their failure, and the screen that says why', async () => {
	const email = 'old.hand@classic.example';
	const context = await newContext(world.browser, { phone: true, dark: true });
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'provider');
	await picture(dialog, 'primary-provider-phone-dark');
	await dialog.click('[data-screen=provider] button[type=submit]');
	await dialog.locator(`#email:has-text("${email}")`).waitFor();
	await dialog.click('#in');
	await screenShown(dialog, 'unvouched');
	await picture(dialog, 'primary-unvouched-phone-dark');
	assert.match(await dialog.textContent('[data-screen=unvouched] [data-why]'), /nobody is signed in/);
	const width = await dialog.evaluate(() => document.documentElement.scrollWidth);
	assert.ok(width <= 360, `${width} px wide`);
	classic.users.add(email);
	classic.asked.length = 0;
	await dialog.click('[data-screen=unvouched] [data-again]');
	assert.ok(await signedInAs(site, email));
	assert.deepEqual([classic.asked[0].email, classic.asked[0].cert_duration_s], [email, 6 * 3600]);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('on a computer of others: a short certificate, and the key is not kept', async () => {
	const email = 'guest@classic.example';
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'provider');
	await dialog.uncheck('[data-screen=provider] input[name=stay]');
	await dialog.click('[data-screen=provider] button[type=submit]');
	await dialog.locator('#in').waitFor();
	assert.match(dialog.url(), /browserid-cert-duration-s=3600/);
	classic.users.add(email);
	classic.asked.length = 0;
	await dialog.click('#in');
	assert.ok(await signedInAs(site, email));
	assert.equal(classic.asked[0].cert_duration_s, 3600);
	const page = await context.newPage();
	await page.goto(world.server.url);
	const kept = await page.evaluate(
		() =>
			new Promise((resolve) => {
				const open = indexedDB.open('plimsoll-identity');
				open.onsuccess = () => {
					const all = open.result.transaction('keys').objectStore('keys').getAllKeys();
					all.onsuccess = () => resolve(all.result);
				};
			}),
	);
	assert.deepEqual(kept, []);
	await context.close();
});

test('an account with a password moves to the provider that its domain has now', async () => {
	const email = 'mover@classic.example';
	await signUpPlain(world.server, email, PASSWORD);
	assert.equal((await info(email)).state, 'transition_to_primary');
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'provider');
	await picture(dialog, 'primary-transition');
	assert.match(await dialog.textContent('[data-screen=provider] [data-notice]'), /Until now/);
	classic.users.add(email);
	await dialog.click('[data-screen=provider] button[type=submit]');
	await dialog.click('#in');
	assert.ok(await signedInAs(site, email));
	assert.equal((await info(email)).state, 'known');
	await context.close();
});

test('the provider cannot be reached: said in words, tried again, left', async () => {
	const email = 'far@classic.example';
	const context = await newContext(world.browser);
	let isOffline = true;
	await context.route('**/wsapi/address_info*', async (route) => {
		if (!isOffline) return route.continue();
		return route.fulfill({ json: { type: 'secondary', issuer: '127.0.0.1', disabled: false, state: 'offline' } });
	});
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'offline');
	await picture(dialog, 'primary-offline');
	assert.match(await dialog.textContent('[data-screen=offline]'), /far@classic\.example/);
	await dialog.click('[data-screen=offline] [data-change]');
	await enterAddress(dialog, email);
	await screenShown(dialog, 'offline');
	isOffline = false;
	classic.users.add(email);
	await dialog.click('[data-screen=offline] [data-again]');
	assert.ok(await signedInAs(site, email));
	await context.close();
});

test('an account with a password adds an address that its provider vouches for', async () => {
	const [own, added] = ['both.own@example.org', 'both.added@classic.example'];
	const context = await newContext(world.browser);
	const site = await world.signUp(context, own);
	classic.users.add(added);
	await site.click('#sign-out');
	const dialog = await openDialog(site);
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] [data-add]');
	await screenShown(dialog, 'add');
	const posts = recordPosts(context);
	await dialog.fill('#add-email', added);
	await dialog.press('#add-email', 'Enter');
	assert.ok(await signedInAs(site, added));
	assert.deepEqual(operations(posts), ['cert', 'add_email_with_assertion', 'login']);
	const page = await context.newPage();
	await page.goto(world.server.url);
	const { emails } = await page.evaluate(() => fetch('/wsapi/list_emails').then((response) => response.json()));
	assert.deepEqual(emails.sort(), [added, own].sort());
	await context.close();
});

test('a site that wants people to sign in anew: neither the kept key nor the frame will do', async () => {
	const email = 'anew@classic.example';
	classic.users.add(email);
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	await enterAddress(await openDialog(site), email);
	assert.ok(await signedInAs(site, email));
	const opened = site.waitForEvent('popup');
	await site.evaluate(() => {
		navigator.id.get({ experimental_forceAuthentication: true }).then((assertion) => (window.assertion = assertion));
	});
	const dialog = await opened;
	await screenShown(dialog, 'pick');
	await dialog.click('[data-screen=pick] button[type=submit]');
	await screenShown(dialog, 'provider');
	assert.match(await dialog.textContent('[data-screen=provider] [data-notice]'), /anew/);
	await dialog.click('[data-screen=provider] button[type=submit]');
	await dialog.click('#in');
	await site.waitForFunction(() => window.assertion?.includes('~'));
	await context.close();
});

test('a provider whose frame says nothing: after 20 s the user is asked to go there', async () => {
	const context = await newContext(world.browser);
	const dialog = await context.newPage();
	await dialog.clock.install();
	await dialog.goto(`${world.server.url}/sign_in`);
	classic.isSilent = true;
	try {
		const loaded = dialog.waitForResponse(`${classic.url}/prov`);
		await enterAddress(dialog, 'silent@classic.example');
		await screenShown(dialog, 'asking');
		await loaded;
		await dialog.clock.fastForward(5000); // and real time goes on as well
		assert.equal(await dialog.locator('[data-screen=asking]').isVisible(), true);
		assert.equal(await dialog.locator('iframe').count(), 1);
		await dialog.clock.fastForward(16000);
		await screenShown(dialog, 'provider');
		assert.match(await dialog.textContent('[data-screen=provider] [data-notice]'), /has not answered/);
		assert.equal(await dialog.locator('iframe').count(), 0);
		assert.equal(dialog.url(), `${world.server.url}/sign_in`, 'the frame did not lead it away');
	} finally {
		classic.isSilent = false;
	}
	await context.close();
});

test('what this server refuses is said, and can be tried again', async () => {
	const email = 'refused@classic.example';
	const context = await newContext(world.browser);
	let isRefused = true;
	await context.route('**/wsapi/auth_with_assertion', async (route) => {
		if (!isRefused) return route.continue();
		return route.fulfill({ json: { success: false, reason: 'this server makes no new accounts' } });
	});
	classic.users.add(email);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'error');
	assert.match(await dialog.textContent('[data-screen=error] [data-why]'), /makes no new accounts/);
	isRefused = false;
	await dialog.click('[data-screen=error] [data-again]');
	await enterAddress(dialog, email);
	assert.ok(await signedInAs(site, email));
	await context.close();
});

test('the site that asked has gone in the meantime: nobody else gets what it was for', async () => {
	const email = 'late@classic.example';
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await goToProvider(dialog, email);
	await dialog.locator('#in').waitFor();
	// Another site in the same window, which asks as soon as the dialog is there again.
	const other = `http://127.0.0.1:${new URL(world.example.url).port}`;
	await site.route(`${other}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>other</title>' }));
	await site.goto(other);
	await site.evaluate(() => {
		window.heard = [];
		addEventListener('message', ({ data, source }) => {
			window.heard.push(data);
			if (JSON.parse(data).a === 'ready') source.postMessage(JSON.stringify({ a: 'request', d: { method: 'get', params: {} } }), '*');
		});
	});
	classic.users.add(email);
	await dialog.click('#in');
	await screenShown(dialog, 'address');
	assert.deepEqual(await site.evaluate(() => window.heard.map((text) => JSON.parse(text).a)), ['ready']);
	// A page that asks nobody: the user is told, and is signed in here.
	await dialog.close();
	const quiet = await world.openSite(context);
	const second = await openDialog(quiet);
	classic.users.delete(email);
	await goToProvider(second, email);
	await second.locator('#in').waitFor();
	await quiet.goto('about:blank');
	classic.users.add(email);
	await second.click('#in');
	await screenShown(second, 'gone');
	await picture(second, 'primary-gone');
	await context.close();
});

test('a return that nobody waits for, or with the certificate of another key, signs nobody in', async () => {
	const context = await newContext(world.browser);
	const page = await context.newPage();
	await page.goto(`${world.server.url}/sign_in?AUTH_RETURN#certificate=a.b.c`);
	await screenShown(page, 'address');
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await goToProvider(dialog, 'forged@classic.example');
	await dialog.locator('#in').waitFor();
	const payload = { 'public-key': { n: '1', e: '3' }, principal: { email: 'forged@classic.example' }, iss: 'classic.example' };
	const forged = `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.AA`;
	await dialog.evaluate((certificate) => navigator.id.completeAuthentication(certificate), forged);
	await screenShown(dialog, 'unvouched');
	assert.match(await dialog.textContent('[data-screen=unvouched] [data-why]'), /for another key/);
	await context.close();
});
