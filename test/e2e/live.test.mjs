// The live page of the admin listener: at rest, over the line, and when the server is gone; phone and
// desktop, light and dark, keyboard, and what it costs.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { launchBrowser, newContext, picture } from './lib/browser.mjs';

const EMAIL = 'somebody@example.org';
const PASS = 'correct horse';

let browser;
let server;
before(async () => {
	browser = await launchBrowser();
	server = await startPlimsoll({ conf: { grace: { tolerance: 1 }, capacity: { window: '3s' }, store: { slow_statement: '20s' }, accounts: { bcrypt_cost: 10 } } });
	await signUp(server, EMAIL, PASS);
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

const mood = (page) => page.getAttribute('main', 'data-mood');

async function open(options) {
	const context = await newContext(browser, options);
	const page = await context.newPage();
	await page.goto(server.adminUrl);
	await page.locator('#roles tbody tr').first().waitFor();
	return { context, page };
}

// Many more logins than the cores can hash, until stopped. Who is refused waits a moment: without that the ten thousand
// refusals a second leave this process no time for the browser.
function flood(clients = 60) {
	let stop = false;
	const ends = Array.from({ length: clients }, async () => {
		const client = new Client(server.url);
		while (!stop) {
			const answer = await client.login(EMAIL, PASS).catch(() => null);
			if (answer?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 250));
		}
		client.agent.destroy();
	});
	return async () => {
		stop = true;
		await Promise.all(ends);
	};
}

async function look(name) {
	for (const phone of [false, true]) {
		for (const dark of [false, true]) {
			const { context, page } = await open({ phone, dark });
			await page.waitForFunction(() => document.querySelector('#tiles .spark .value')?.getAttribute('d').includes('L'));
			await new Promise((resolve) => setTimeout(resolve, 2500)); // the water has come to rest, rates are there
			await picture(page, `live-${name}-${phone ? 'phone' : 'desktop'}${dark ? '-dark' : ''}`, { fullPage: true });
			const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
			assert.ok(width[0] <= width[1], `${width}`);
			assert.deepEqual(context.complaints, []);
			await context.close();
		}
	}
}

test('at rest it says so, with the figures of the table, and complains of nothing', async () => {
	const { context, page } = await open();
	await until('a calm page', async () => (await mood(page)) === 'calm', 30);
	assert.equal(await page.textContent('#verdict'), 'Well below the line');
	assert.match(await page.title(), /^\d+ % · Well below the line · Plimsoll$/);
	const roles = await page.locator('#roles tbody th').allTextContents();
	for (const role of ['web 0', 'web 1', 'store', 'signer', 'courier', 'admin']) assert.ok(roles.includes(role), `${roles}`);
	assert.deepEqual(await page.locator('#activities th').allTextContents(), ['sign in', 'log in', 'sign up', 'add email', 'reset password', 'verify', 'include js', 'sync', 'upload', 'download', 'download symbols', 'upload symbols', 'symbolicate', 'debug', 'list missing']);
	await until('the use of each role, once there are two readings', async () => {
		const used = await page.locator('#use tbody th').allTextContents();
		return ['web', 'store', 'signer', 'compute', 'courier', 'admin'].every((role) => used.includes(role));
	}, 30);
	assert.deepEqual(await page.locator('#classes tbody th').allTextContents(), ['health and what pages load', 'next steps of work begun', 'cheap and valuable', 'people who can try again', 'new work of many steps', 'asking again and again', 'what can wait']);
	await until('the headroom', async () => /^The day’s peak was \d+ % of the line, at \d/.test(await page.textContent('#headroom')), 30);
	assert.match(await page.textContent('#load'), /^load number [01]\.\d\d, ready$/);
	assert.ok((await page.locator('#links a').allTextContents()).includes('/metrics'));
	// A start beside other tests may fill a role for three seconds.
	const warnings = (await page.locator('#warnings li').allTextContents()).filter((text) => !/near line/.test(text));
	assert.ok(warnings.length === 0 || warnings[0] === 'None.', `${warnings}`);
	assert.deepEqual(context.complaints, []);
	await context.close();
	if (process.env.SCREENSHOTS) await look('idle');
});

test('keyboard and screen readers: everything has a name, the verdict is a status, Pause pauses', async () => {
	const { context, page } = await open();
	assert.equal(await page.getAttribute('#verdict', 'role'), 'status');
	for (const table of ['activities', 'times', 'roles']) assert.ok((await page.locator(`#${table} tbody th[scope=row]`).count()) > 0, table);
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'pause');
	await page.keyboard.press('Enter');
	assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true');
	await page.waitForTimeout(500); // one that is on its way
	let asked = 0;
	page.on('request', () => asked++);
	await page.waitForTimeout(4500);
	assert.equal(asked, 0);
	await page.keyboard.press('Enter');
	await until('another question', () => asked > 0);
	await context.close();
});

test('over the line: it says so, and what is refused for which reason', async () => {
	const { context, page } = await open(); // before, because a browser begins with much work of its own
	const stop = flood();
	try {
		await until('a warning page', async () => (await page.textContent('#verdict')) === 'At the line: requests are refused', 40);
		await until('the reasons', async () => /compute is full/.test(await page.textContent('#refused')));
		assert.match(await page.textContent('#refused'), /authenticate user/);
		assert.equal(await mood(page), 'over');
		await until('a full line', async () => parseInt(await page.textContent('#share'), 10) >= 80, 30);
		assert.match(await page.textContent('#fullest'), /compute|processors/);
		const refused = page.locator('#classes tr', { hasText: 'people who can try again' }).locator('td').nth(1);
		await until('refusals of that class', async () => Number(await refused.textContent()) > 0, 30);
		await until('the role that is full', async () => (await page.locator('#use .gauge[data-near]').count()) > 0, 30);
		assert.match(await page.textContent('#headroom'), /no room to grow|0\.\d months/);
		await context.close();
		if (process.env.SCREENSHOTS) await look('over');
	} finally {
		await stop();
	}
});

test('the server is gone: the page says so and comes back by itself', async () => {
	const { context, page } = await open();
	const { ports, dir } = server;
	await server.kill();
	await until('the loss', async () => (await mood(page)) === 'lost', 20);
	assert.equal(await page.textContent('#verdict'), 'The server does not answer');
	await picture(page, 'live-lost-desktop');
	await new Promise((resolve) => setTimeout(resolve, 300));
	server = await until('a new server', () => startPlimsoll({ dir, ports }), 40);
	await until('an answer', async () => (await mood(page)) !== 'lost', 30);
	await context.close();
});
