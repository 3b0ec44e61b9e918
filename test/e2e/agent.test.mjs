// This server as the provider of its own accounts, for programs that have BrowserID built in (/provision,
// /auth), and the hidden frame of sites that were made for Persona (/communication_iframe).
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { assertion, bundle, newKey, payloadOf } from '../harness/assertion.mjs';
import { signUp } from '../harness/client.mjs';
import { enterPassword, newContext, picture, screenShown } from './lib/browser.mjs';
import { verifyRemotely } from './lib/browserid.mjs';
import { channelSource } from './lib/provider.mjs';
import { PASSWORD, startWorld } from './lib/world.mjs';

const SITE = 'http://site.example';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

// What a program with BrowserID built in gives the pages it opens; window.told is what they told it.
function agentOf({ email, publicKey }) {
	window.told = [];
	const tell = (name) => (value) => window.told.push(value === undefined ? name : [name, value]);
	navigator.id = {
		beginProvisioning: (callback) => setTimeout(callback, 0, email, 3600),
		genKeyPair: (callback) => setTimeout(callback, 0, publicKey),
		registerCertificate: tell('certificate'),
		raiseProvisioningFailure: tell('failure'),
		beginAuthentication: (callback) => setTimeout(callback, 0, email),
		completeAuthentication: tell('complete'),
		raiseAuthenticationFailure: tell('cancelled'),
	};
}

async function told(page, path) {
	if (path) await page.goto(world.server.url + path);
	await page.waitForFunction(() => window.told.length > 0);
	return page.evaluate(() => window.told);
}

test('a native agent: failure, signing in at /auth, a certificate that verifies', async () => {
	const email = 'native@example.org';
	await signUp(world.server, email, PASSWORD);
	const key = newKey();
	const context = await newContext(world.browser, { phone: true });
	await context.addInitScript(agentOf, { email, publicKey: JSON.stringify(key.publicKey) });
	const page = await context.newPage();
	assert.deepEqual(await told(page, '/provision'), [['failure', 'user is not authenticated as target user']]);

	await page.goto(`${world.server.url}/auth`);
	await screenShown(page, 'address');
	assert.equal(await page.inputValue('#address-email'), email);
	await picture(page, 'auth-phone');
	await page.click('[data-screen=address] [data-cancel]');
	assert.deepEqual((await told(page))[0][0], 'cancelled');

	await page.goto(`${world.server.url}/auth`);
	await screenShown(page, 'address');
	await page.press('#address-email', 'Enter');
	await enterPassword(page, PASSWORD);
	assert.deepEqual(await told(page), ['complete']);
	assert.deepEqual(await told(page, '/auth'), ['complete'], 'at once: it is signed in already');

	const [[what, certificate]] = await told(page, '/provision');
	assert.equal(what, 'certificate');
	assert.equal(payloadOf(certificate).principal.email, email);
	const proof = bundle([certificate], assertion(key, SITE));
	const { json } = await verifyRemotely(world.server, { assertion: proof, audience: SITE });
	assert.deepEqual([json.status, json.email], ['okay', email]);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('/auth in a browser without: the script takes its place', async () => {
	const email = 'shimmed@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	const page = await context.newPage();
	await page.goto(`${world.server.url}/auth?email=${email}`);
	await screenShown(page, 'address');
	assert.equal(await page.inputValue('#address-email'), email);
	await page.press('#address-email', 'Enter');
	await enterPassword(page, PASSWORD);
	await page.waitForURL(`${world.server.url}/sign_in`);
	await context.close();
});

test('the hidden frame of sites made for Persona: it agrees with the site, and signs out at its wish', async () => {
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	await site.addScriptTag({ content: channelSource() });
	const heard = (user) =>
		site.evaluate(
			([url, loggedInUser]) =>
				new Promise((resolve, reject) => {
					const heard = [];
					const frame = document.createElement('iframe');
					frame.src = `${url}/communication_iframe`;
					frame.hidden = true;
					document.body.append(frame);
					const channel = Channel.build({
						window: frame.contentWindow,
						origin: url,
						scope: 'mozid_ni',
						onReady() {
							channel.call({ method: 'loaded', success: redirect, error: reject });
						},
					});
					for (const name of ['login', 'logout', 'match']) channel.bind(name, () => void heard.push(name));
					if (loggedInUser !== undefined) channel.notify({ method: 'loggedInUser', params: loggedInUser });
					function redirect() {
						heard.push('ready');
						channel.notify({ method: 'dialog_running' });
						channel.notify({ method: 'dialog_complete', params: true });
						channel.call({ method: 'redirect_flow', params: {}, success: reject, error: logout });
					}
					function logout(error, message) {
						heard.push(message);
						channel.notify({ method: 'logout' });
						setTimeout(() => {
							channel.destroy();
							frame.remove();
							resolve(heard);
						}, 300);
					}
				}),
			[world.server.url, user],
		);
	const end = ['ready', 'signing in needs a window of its own', 'logout'];
	assert.deepEqual(await heard('somebody@example.org'), ['match', ...end]);
	assert.deepEqual(await heard(null), ['match', ...end]);
	assert.deepEqual(await heard(undefined), end);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

// What WinChan does in both windows where they cannot talk with each other.
test('the relay frame: a dialog and a page that cannot reach each other talk through it', async () => {
	const context = await newContext(world.browser);
	const page = await world.openSite(context);
	const [dialog] = await Promise.all([
		page.waitForEvent('popup'),
		page.evaluate(async (url) => {
			const frame = Object.assign(document.createElement('iframe'), { name: '__winchan_relay_frame', src: `${url}/relay`, hidden: true });
			window.heard = [];
			window.addEventListener('message', ({ data, origin }) => {
				if (origin !== url || typeof data !== 'string') return;
				window.heard.push(JSON.parse(data));
				if (JSON.parse(data).a === 'ready') frame.contentWindow.postMessage('{"a":"request","d":{"method":"get"}}', url);
			});
			document.body.append(frame);
			await new Promise((resolve) => (frame.onload = resolve));
			window.open(`${url}/about`);
		}, world.server.url),
	]);
	await dialog.waitForURL('**/about');
	await dialog.evaluate(async () => {
		const relay = window.opener.frames.__winchan_relay_frame;
		const request = new Promise((resolve) => relay.addEventListener('message', ({ data, origin }) => resolve([JSON.parse(data), origin])));
		relay.doPost('{"a":"ready"}', '*');
		const [asked, origin] = await request;
		relay.doPost(JSON.stringify({ a: 'response', d: asked }), origin);
	});
	await page.waitForFunction(() => window.heard.length === 2);
	assert.deepEqual(await page.evaluate(() => window.heard), [{ a: 'ready' }, { a: 'response', d: { a: 'request', d: { method: 'get' } } }]);
	assert.deepEqual(context.complaints, []);
	await context.close();
});
