// Two people and their browsers: they sign up, become a couple, talk, send a photo, share lists and a calendar,
// lose their connection and catch up; by WebSocket and by long polling.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { deflateSync } from 'node:zlib';
import { couple, mailTokens, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { addAxe, faultsInBoth } from './lib/axe.mjs';
import { launchBrowser, look, newContext, picture } from './lib/browser.mjs';

let server, browser;
before(async () => {
	server = await startPairs();
	browser = await launchBrowser({ whole: true });
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

const faults = [];

// The page of somebody with a browser of their own.
async function device(options = {}) {
	const context = await newContext(browser, { phone: true, ...options });
	const page = await context.newPage();
	await page.goto(server.pairsUrl);
	return page;
}

const onScreen = (page, name) => page.locator(`[data-screen="${name}"]:not([hidden])`).waitFor();
const isInside = (page) => page.locator('[data-inside]:not([hidden])').waitFor();
const row = (page, text) => page.locator('[data-stream] li', { hasText: text });
const isConnected = (page) => page.waitForFunction(() => document.querySelector('[data-connection]').textContent === '');

async function lookAt(page, name) {
	await look(page, name);
	await addAxe(page);
	faults.push(...(await faultsInBoth(page, name)));
	await page.emulateMedia({ colorScheme: null });
}

async function say(page, text) {
	await page.fill('#say-text', text);
	await page.press('#say-text', 'Enter');
}

async function logIn(page, email) {
	await onScreen(page, 'login');
	await page.fill('#login-email', email);
	await page.fill('#login-password', PASSWORD);
	await page.press('#login-password', 'Enter');
	await isInside(page);
	await isConnected(page);
}

// A picture of so many pixels in one colour, as a PNG.
function png(width, height, rgb) {
	const table = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
	const crc = (bytes) => (bytes.reduce((c, byte) => table[(c ^ byte) & 255] ^ (c >>> 8), -1) ^ -1) >>> 0;
	const chunk = (name, data) => {
		const body = Buffer.concat([Buffer.from(name), data]);
		const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
		size.writeUInt32BE(data.length);
		sum.writeUInt32BE(crc(body));
		return Buffer.concat([size, body, sum]);
	};
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head.set([8, 2, 0, 0, 0], 8);
	const line = Buffer.concat([Buffer.from([0]), ...Array.from({ length: width }, () => Buffer.from(rgb))]);
	const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

// The next sign-up of a page finds many others: it is told to come back with a ticket.
async function crowd(page) {
	const tickets = [];
	await page.route('**/api/v1/signup', (route) => {
		tickets.push(route.request().postDataJSON().ticket);
		if (tickets.length > 1) return route.continue();
		return route.fulfill({ status: 503, json: { error: { code: 'overloaded', message: 'later', retry_ms: 600, slot_ms: 60000, ticket: 'a-ticket' } } });
	});
	return tickets;
}

test('from signing up to a couple, all in the page', async () => {
	const [ada, bob] = await Promise.all([device(), device()]);
	const tickets = await crowd(bob);
	for (const [page, name] of [[ada, 'Ada'], [bob, 'Bob']]) {
		const email = `${name.toLowerCase()}@example.org`;
		await onScreen(page, 'login');
		await page.click('[data-screen=login] [data-go=signup]');
		await onScreen(page, 'signup');
		if (page === ada) await lookAt(page, 'pairs-signup');
		await page.fill('#signup-name', name);
		await page.fill('#signup-email', email);
		await page.fill('#signup-password', PASSWORD);
		await page.press('#signup-password', 'Enter');
		if (page === bob) await bob.locator('[data-queue]', { hasText: 'You have a place in the line' }).waitFor();
		await onScreen(page, 'mail');
		if (page === ada) {
			await page.locator('[data-screen=mail] [data-outbox]:not([hidden])').waitFor();
			await lookAt(page, 'pairs-mail');
		}
		const [token] = await mailTokens(server, email, 'pairs-signup');
		await page.goto(`${server.pairsUrl}/#verify=${token}`);
		await onScreen(page, 'alone');
		assert.equal(await page.evaluate(() => location.hash), '', 'the token is not left in the address line');
	}
	assert.deepEqual(tickets, [undefined, 'a-ticket']);
	await lookAt(ada, 'pairs-alone');
	await ada.fill('#invite-email', 'bob@example.org');
	await ada.press('#invite-email', 'Enter');
	await ada.locator('[data-screen=alone] [data-notice]:not([hidden])').waitFor();
	const [invitation] = await mailTokens(server, 'bob@example.org', 'pairs-invite');
	await bob.goto(`${server.pairsUrl}/#invite=${invitation}`);
	await Promise.all([isInside(ada), isInside(bob)]);
	assert.equal(await ada.textContent('[data-value=partner]'), 'Bob');
	await Promise.all([isConnected(ada), isConnected(bob)]);

	await say(ada, 'hello Bob');
	await row(bob, 'hello Bob').waitFor();
	await ada.reload(); // signed in still, and all is there
	await isInside(ada);
	await row(ada, 'hello Bob').waitFor();
	await ada.click('[data-sign-out] >> visible=true');
	await onScreen(ada, 'login');
	assert.equal(await ada.evaluate(() => localStorage.getItem('pairs_token')), null);
	assert.deepEqual([...ada.context().complaints, ...bob.context().complaints], []);
	await Promise.all([ada.context().close(), bob.context().close()]);
});

for (const transport of ['websocket', 'polling']) {
	test(`chat, presence, lists, calendar, and offline: ${transport}`, async () => {
		const members = await couple(server);
		const [ada, bob] = await Promise.all([device(), device({ dark: true })]);
		for (const [i, page] of [ada, bob].entries()) {
			if (transport === 'polling') {
				// As on a network that lets no WebSocket through.
				await page.addInitScript(() => {
					window.WebSocket = class {
						constructor() {
							setTimeout(() => this.onclose());
						}
						close() {}
					};
				});
				await page.reload();
			}
			await logIn(page, members[i].email);
			assert.equal(await page.evaluate(() => document.documentElement.dataset.transport), transport);
		}

		await ada.locator('[data-presence][data-state=online]').waitFor();
		await say(ada, 'one <b>two</b>');
		await row(bob, 'one <b>two</b>').waitFor();
		await row(ada, 'read').waitFor(); // Bob is looking
		await bob.type('#say-text', 'I am wri');
		await ada.locator('[data-typing]', { hasText: 'is typing' }).waitFor();
		await say(bob, 'I have written');
		await row(ada, 'I have written').waitFor();
		await ada.click('[data-hug]');
		await row(bob, 'A hug').waitFor();

		await ada.click('#to-lists');
		await ada.fill('#list-name', 'Shopping');
		await ada.press('#list-name', 'Enter');
		await ada.fill('.list input[name=text]', 'milk');
		await ada.press('.list input[name=text]', 'Enter');
		await bob.click('#to-lists');
		const milk = bob.locator('.items input[type=checkbox]');
		await milk.check();
		await ada.locator('.items .done', { hasText: 'milk' }).waitFor();
		await bob.click('#to-calendar');
		await bob.fill('#event-title', 'Dinner');
		await bob.fill('#event-start', '2031-05-06T19:30');
		await bob.click('[data-form=event] [type=submit]');
		await ada.click('#to-calendar');
		await ada.locator('[data-events] li', { hasText: 'Dinner' }).waitFor();
		if (transport === 'websocket') await lookAt(ada, 'pairs-calendar');
		await ada.click('#to-lists');
		if (transport === 'websocket') await lookAt(ada, 'pairs-lists');
		await Promise.all([ada.click('#to-chat'), bob.click('#to-chat')]);

		// Bob is in a tunnel; both go on writing.
		await bob.context().setOffline(true);
		await bob.locator('[data-connection]', { hasText: 'No connection' }).waitFor();
		await say(bob, 'from the tunnel');
		await row(bob, 'from the tunnel').filter({ hasText: 'waiting' }).waitFor();
		for (const text of ['first', 'second', 'third']) {
			await say(ada, text);
			await row(ada, text).waitFor();
		}
		await picture(bob, `pairs-offline-${transport}`);
		await bob.reload().catch(() => {}); // there is no network to load it from
		await bob.context().setOffline(false);
		await bob.goto(server.pairsUrl);
		await isInside(bob);
		await row(bob, 'third').waitFor();
		await row(ada, 'from the tunnel').waitFor();

		await bob.context().setOffline(true);
		await bob.locator('[data-connection]', { hasText: 'No connection' }).waitFor();
		await say(ada, 'fourth');
		await say(bob, 'from the second one');
		await bob.context().setOffline(false);
		await row(bob, 'fourth').waitFor();
		await row(ada, 'from the second one').waitFor();
		await bob.waitForFunction(() => document.querySelectorAll('.waiting').length === 0);
		for (const page of [ada, bob]) {
			const said = await page.locator('[data-stream] li:not(.day) > span:not(.unseen)').allTextContents();
			assert.deepEqual(said, ['one <b>two</b>', 'I have written', 'A hug', 'first', 'second', 'third', 'from the tunnel', 'fourth', 'from the second one']);
			assert.deepEqual(page.context().complaints, []);
		}
		if (transport === 'websocket') await lookAt(ada, 'pairs-chat');
		await Promise.all([ada.context().close(), bob.context().close()]);
	});
}

test('a photo: chosen, uploaded, and its small form on both phones', async () => {
	const members = await couple(server);
	const [ada, bob] = await Promise.all([device(), device()]);
	await logIn(ada, members[0].email);
	await logIn(bob, members[1].email);
	await ada.setInputFiles('[data-photo]', { name: 'sea.png', mimeType: 'image/png', buffer: png(640, 480, [30, 110, 150]) });
	for (const page of [ada, bob]) {
		await page.waitForFunction(() => {
			const image = document.querySelector('[data-stream] img');
			return image?.complete && image.naturalWidth > 0 && document.querySelectorAll('progress').length === 0;
		});
		assert.equal(await page.evaluate(() => document.querySelector('[data-stream] img').naturalWidth), 320);
	}
	await lookAt(bob, 'pairs-photo');
	await ada.setInputFiles('[data-photo]', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
	await row(ada, 'not sent').waitFor();
	await row(ada, 'not sent').locator('button').click();
	await ada.waitForFunction(() => document.querySelectorAll('.waiting').length === 0);
	assert.deepEqual([...ada.context().complaints, ...bob.context().complaints], []);
	await Promise.all([ada.context().close(), bob.context().close()]);
});

test('axe-core has found nothing serious in any of these, light and dark', () => {
	assert.deepEqual(faults, []);
});
