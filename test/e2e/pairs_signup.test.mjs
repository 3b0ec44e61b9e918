// The page for signing up while many do: it shows how long it takes, keeps the place over a reload, comes back by
// itself in its slot, and says so when the mail is on its way. The load is held by stopping compute.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { call, mailTokens, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { pidOf } from '../harness/roles.mjs';
import { launchBrowser, look, newContext } from './lib/browser.mjs';

const SLOT_MS = 4000;

let server;
let browser;
let compute;
before(async () => {
	server = await startPairs({ conf: { grace: { tolerance: 1 }, plimsoll: { watchdog: '0s' }, web: { instances: 1 }, compute: { instances: 1 }, accounts: { bcrypt_cost: 8 } } });
	browser = await launchBrowser();
	compute = await pidOf(server, 'compute');
});
after(async () => {
	if (compute) process.kill(compute, 'SIGCONT');
	await browser?.close();
	await server?.stop();
});

const isShown = (page, name) => page.locator(`[data-screen=${name}]:not([hidden])`).waitFor();

async function fill(page, email) {
	await page.fill('[name=first_name]', 'Ada');
	await page.fill('[name=email]', email);
	await page.fill('[name=password]', PASSWORD);
	await page.press('[name=password]', 'Enter');
}

// As many sign-ups as compute is let have, and so many more that slots begin in some seconds.
async function crowd() {
	const waiting = [];
	for (let far = false; !far; ) {
		assert.ok(waiting.length < 3000);
		const answer = call(server, 'POST', '/api/v1/signup', { body: { email: `crowd${waiting.length}@example.org`, password: PASSWORD } });
		waiting.push(answer);
		answer.then(({ json }) => (far ||= json?.error?.retry_ms > SLOT_MS));
		await call(server, 'GET', '/api/v1/push/key');
	}
	return waiting;
}

test('signing up at once', async () => {
	const context = await newContext(browser, { phone: true });
	const page = await context.newPage();
	await page.goto(`${server.pairsUrl}/signup`);
	await isShown(page, 'form');
	await look(page, 'pairs-signup');
	await fill(page, 'ada@example.org');
	await isShown(page, 'mail');
	assert.match(await page.textContent('[data-screen=mail]'), /ada@example\.org/);
	await look(page, 'pairs-signup-mail');
	assert.equal((await mailTokens(server, 'ada@example.org', 'pairs-signup')).length, 1);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('in a crowd: the waiting time, a reload, and in by itself', async () => {
	process.kill(compute, 'SIGSTOP');
	const waiting = await crowd();
	const context = await newContext(browser, { phone: true });
	const page = await context.newPage();
	await page.goto(`${server.pairsUrl}/signup`);
	await fill(page, 'patient@example.org');
	await isShown(page, 'waiting');
	assert.match(await page.textContent('[data-time]'), /^\d+ seconds?$/);
	assert.match(await page.title(), /^\d+ seconds? – Sign up$/);
	await look(page, 'pairs-signup-waiting');

	await page.reload();
	await isShown(page, 'form');
	assert.equal(await page.inputValue('[name=email]'), 'patient@example.org');
	assert.equal(await page.inputValue('[name=password]'), '');
	assert.ok(await page.isVisible('[data-kept]'));
	const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
	assert.ok(stored.includes('patient@example.org') && !stored.includes(PASSWORD), 'the password is not kept');
	await fill(page, 'patient@example.org');

	process.kill(compute, 'SIGCONT');
	await isShown(page, 'mail');
	assert.equal((await mailTokens(server, 'patient@example.org', 'pairs-signup')).length, 1);
	const answers = await Promise.all(waiting);
	assert.ok(answers.every(({ status }) => status === 202 || status === 503) && answers[0].status === 202, 'and everybody before');
	assert.deepEqual(context.complaints, []);
	await context.close();
});
