// What holds for every page of the service and every screen in it: no serious fault of accessibility,
// small, in the reader's language, and as good when scripts and styles come from elsewhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { signUp } from '../harness/client.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { addAxe, faults, faultsInBoth } from './lib/axe.mjs';
import { enterAddress, enterPassword, launchBrowser, look, newContext, picture, screenShown } from './lib/browser.mjs';
import { openPage, pagesOf, screensOf, showScreen } from './lib/screens.mjs';
import { PASSWORD } from './lib/world.mjs';

const KIB = 1024;
const EMAIL = 'every@page.example';

let server;
let browser;
before(async () => {
	server = await startPlimsoll();
	browser = await launchBrowser();
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

// The texts of the pages in a language.
async function messagesOf(language) {
	const source = readFileSync(new URL(`../../web/identity/messages.${language}.js`, import.meta.url), 'base64');
	return (await import(`data:text/javascript;base64,${source}`)).messages;
}

// ---- accessibility ----

test('axe-core finds nothing serious in any page or screen, at phone width, light and dark', async () => {
	const paths = await pagesOf(server);
	assert.ok(paths.length >= 7, paths.join());
	const context = await newContext(browser, { phone: true });
	const found = [];
	for (const path of paths) {
		const page = await openPage(context, server.url + path);
		await addAxe(page);
		found.push(...(await faultsInBoth(page, path)));
		for (const name of await screensOf(page)) {
			await showScreen(page, name);
			found.push(...(await faultsInBoth(page, `${path} ${name}`)));
		}
		await page.close();
	}
	assert.deepEqual(found, []);
	await context.close();
});

test('axe-core does find a fault', async () => {
	const context = await newContext(browser);
	const page = await openPage(context, `${server.url}/about`);
	await addAxe(page);
	await page.evaluate(() => document.querySelector('main').append(document.createElement('button')));
	assert.match((await faults(page, 'about')).join(), /button-name/);
	await context.close();
});

// ---- size ----

// Bytes of all that a page loads from the server, as they come over the wire; calls are not counted.
async function bytesOf(context, url, isReady) {
	const page = await context.newPage();
	const loaded = [];
	page.on('requestfinished', (request) => loaded.push(request));
	await page.goto(url);
	await isReady(page);
	await page.waitForLoadState('networkidle');
	let sum = 0;
	for (const request of loaded) {
		if (!/\/wsapi\/|\/__about__/.test(request.url())) sum += (await request.sizes()).responseBodySize;
	}
	await page.close();
	return sum;
}

test('include.js at most 4 KiB, the dialog and the account page at most 40 KiB, as transferred', async (t) => {
	const script = await new Promise((resolve, reject) => {
		const headers = { 'accept-encoding': 'gzip' };
		http.get(`${server.url}/include.js`, { headers, agent: false }, (res) => {
			let sum = 0;
			res.on('data', (chunk) => (sum += chunk.length));
			res.on('end', () => resolve(sum));
		}).on('error', reject);
	});
	t.diagnostic(`include.js: ${script} bytes`);
	assert.ok(script <= 4 * KIB, `include.js: ${script} bytes`);
	const dialog = await newContext(browser);
	const ofDialog = await bytesOf(dialog, `${server.url}/sign_in`, (page) => screenShown(page, 'address'));
	t.diagnostic(`dialog: ${ofDialog} bytes`);
	assert.ok(ofDialog > 5 * KIB && ofDialog <= 40 * KIB, `dialog: ${ofDialog} bytes`);
	await dialog.close();

	await signUp(server, EMAIL, PASSWORD);
	const context = await newContext(browser);
	const page = await openPage(context, `${server.url}/sign_in`);
	await enterAddress(page, EMAIL);
	await enterPassword(page, PASSWORD);
	await screenShown(page, 'account');
	const state = await context.storageState();
	await context.close();
	const fresh = await browser.newContext({ storageState: state }); // signed in, with an empty cache
	const ofAccount = await bytesOf(fresh, server.url, (one) => screenShown(one, 'account'));
	t.diagnostic(`account page: ${ofAccount} bytes`);
	assert.ok(ofAccount > 5 * KIB && ofAccount <= 40 * KIB, `account page: ${ofAccount} bytes`);
	await fresh.close();
});

test('a second visit loads no script and no style again', async () => {
	const context = await newContext(browser);
	const first = await openPage(context, `${server.url}/sign_in`);
	await screenShown(first, 'address');
	const asked = [];
	const second = await context.newPage();
	second.on('response', async (response) => {
		if (/\/v\//.test(response.url())) asked.push([response.url(), (await response.request().sizes()).responseBodySize]);
	});
	await second.goto(`${server.url}/sign_in`);
	await screenShown(second, 'address');
	await second.waitForLoadState('networkidle');
	assert.deepEqual(asked.filter(([, bytes]) => bytes > 0), [], 'all from the cache');
	await context.close();
});

// ---- scripts and styles from elsewhere ----

// What a cache in front does: fetches /v/... from the server and keeps nothing of ours.
function startCache(port, target) {
	const asked = [];
	const cache = http.createServer((req, res) => {
		asked.push(req.url);
		http.get(`${target}${req.url}`, { headers: { 'accept-encoding': req.headers['accept-encoding'] ?? '' }, agent: false }, (answer) => {
			res.writeHead(answer.statusCode, answer.headers);
			answer.pipe(res);
		});
	});
	return new Promise((resolve) => {
		cache.listen(port, '127.0.0.1', () => resolve({ asked, stop: () => new Promise((done) => cache.close(done)) }));
	});
}

test('[identity] asset_url: pages load scripts and styles from there, and work', async () => {
	const port = await freePort();
	const far = await startPlimsoll({ conf: { identity: { asset_url: `http://localhost:${port}` } } });
	const cache = await startCache(port, far.url);
	const context = await newContext(browser);
	const own = [];
	context.on('request', (request) => {
		if (request.url().startsWith(far.url)) own.push(new URL(request.url()).pathname);
	});
	try {
		await signUp(far, EMAIL, PASSWORD);
		const page = await openPage(context, `${far.url}/sign_in`);
		await enterAddress(page, EMAIL);
		await enterPassword(page, PASSWORD);
		await screenShown(page, 'account');
		assert.deepEqual(context.complaints, []);
		assert.ok(cache.asked.length >= 10 && cache.asked.every((path) => /^\/v\/[0-9a-f]{10}\/identity\//.test(path)), cache.asked.join());
		assert.ok(!own.some((path) => /\.(js|css)$/.test(path)), own.join());
		const colour = await page.evaluate(() => getComputedStyle(document.querySelector('.card')).borderTopStyle);
		assert.equal(colour, 'solid', 'the style is there');
	} finally {
		await context.close();
		await cache.stop();
		await far.stop();
	}
});

// ---- languages ----

test('the browser\'s languages choose the texts; only those and English are loaded', async () => {
	for (const [locale, lang, words] of [['de-AT', 'de', 'Anmelden'], ['fr-FR', 'en', 'Sign in'], ['en-GB', 'en', 'Sign in']]) {
		const context = await browser.newContext({ locale });
		const page = await context.newPage();
		const loaded = [];
		page.on('request', (request) => loaded.push(...(/messages\.\w+/.exec(request.url()) ?? [])));
		await page.goto(`${server.url}/sign_in`);
		await screenShown(page, 'address');
		assert.equal(await page.getAttribute('html', 'lang'), lang);
		assert.equal(await page.textContent('[data-screen=address] h1'), words);
		assert.deepEqual(loaded, lang === 'en' ? ['messages.en'] : ['messages.en', `messages.${lang}`]);
		await context.close();
	}
});

test('in German every page and screen fits a phone, and no text of ours is left in English', async () => {
	const german = await messagesOf('de');
	const context = await browser.newContext({ locale: 'de-DE', viewport: { width: 360, height: 640 } });
	context.setDefaultTimeout(30000);
	for (const path of await pagesOf(server)) {
		const page = await openPage(context, server.url + path.replace('/en/', '/de/'));
		const names = await screensOf(page);
		const isEmpty = /communication_iframe|relay|provision/.test(path);
		if (!isEmpty) assert.equal(await page.getAttribute('html', 'lang'), 'de', path);
		for (const name of names.length ? names : ['']) {
			if (name) await showScreen(page, name);
			await look(page, `de${path.replaceAll('/', '-')}${name && `-${name}`}`);
			const shown = await page.evaluate(() =>
				[...document.querySelectorAll('[data-text]')].filter((one) => one.offsetParent).map((one) => [one.dataset.text, one.textContent]),
			);
			for (const [key, words] of shown.filter(([key]) => !german[key].includes('{'))) assert.equal(words, german[key], `${path} ${name} ${key}`);
		}
		await page.close();
	}
	await context.close();
});

// ---- how they look ----

test('pages of text: nothing wider than a phone', async () => {
	const context = await newContext(browser, { phone: true });
	for (const path of ['/about', '/en/tos', '/en/privacy', '/unsupported_dialog', '/cookies_disabled']) {
		const page = await openPage(context, server.url + path);
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		assert.ok(width <= 360, `${path}: ${width} px wide`);
		for (const colorScheme of process.env.SCREENSHOTS ? ['light', 'dark'] : []) {
			await page.emulateMedia({ colorScheme });
			await picture(page, `static${path.replaceAll('/', '-')}-phone-${colorScheme}`, { fullPage: true });
		}
		await page.close();
	}
	await context.close();
});
