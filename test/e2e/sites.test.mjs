// doc/SITES.md: every program in it is run as it stands there, only with other addresses.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as keys from '../harness/assertion.mjs';
import { signUp } from '../harness/client.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { enterAddress, enterPassword, launchBrowser, newContext } from './lib/browser.mjs';
import { PASSWORD } from './lib/world.mjs';

const PAGE = readFileSync(new URL('../../doc/SITES.md', import.meta.url), 'utf8');
const EMAIL = 'reader@sites.example';
const OTHER_SITE = 'http://localhost:1';

let server;
let client; // of the account, for assertions
let dir;
before(async () => {
	server = await startPlimsoll();
	client = await signUp(server, EMAIL, PASSWORD);
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-sites-'));
	symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), path.join(dir, 'node_modules'));
});
after(async () => {
	await server?.stop();
	if (dir) rmSync(dir, { recursive: true, force: true });
});

// The text of the block that names that file in its first line, with our addresses for the page's.
function block(name, site = '') {
	const found = [...PAGE.matchAll(/```\w+\n(.*?)```/gs)].map((m) => m[1]).filter((text) => text.split('\n')[0].includes(name));
	assert.equal(found.length, 1, name);
	return ours(found[0], site);
}

function ours(text, site) {
	const host = new URL(server.url).hostname;
	return text
		.replaceAll('https://id.example.org', server.url)
		.replaceAll('id.example.org', host)
		.replaceAll('https://www.example.org', site)
		.replaceAll('3000', new URL(site).port);
}

function request(url, { method = 'GET', headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request(url, { method, headers, agent: false }, (res) => {
			let text = '';
			res.on('data', (chunk) => (text += chunk));
			res.on('end', () => resolve({ status: res.statusCode, text, cookies: res.headers['set-cookie'] ?? [] }));
		});
		req.on('error', reject);
		req.end(body);
	});
}

// Runs a program of the page; use(site) while it listens.
async function withSite(name, command, use) {
	const port = await freePort();
	const site = `http://localhost:${port}`;
	writeFileSync(path.join(dir, 'page.html'), block('page.html', site));
	writeFileSync(path.join(dir, name), block(name, site));
	const [program, ...args] = command(port);
	const child = spawn(program, args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '';
	child.stderr.on('data', (text) => (said += text));
	child.on('error', (error) => (said += error));
	const ended = new Promise((resolve) => child.once('close', resolve));
	try {
		for (let i = 0; !(await request(site).catch(() => null)); i++) {
			assert.ok(i < 200 && child.exitCode === null, `${name} does not start: ${said}`);
			await sleep(50);
		}
		await use(site);
	} finally {
		child.kill('SIGKILL');
		await ended;
	}
}

async function assertionFor(audience) {
	const key = keys.newKey(2048);
	const certificate = (await keys.askCertificate(client, EMAIL, key)).text;
	return keys.bundle([certificate], keys.assertion(key, audience));
}

const cookieOf = (answer) => answer.cookies.map((line) => line.split(';')[0]).join('; ');

// What the page promises of any server in it.
async function keepsItsPromises(site) {
	const assertion = await assertionFor(site);
	const post = (where, fields, headers = {}) =>
		request(`${site}${where}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', origin: site, ...headers },
			body: JSON.stringify(fields),
		});
	const who = async (cookie) => /<p id="who">(.*?)<\/p>/.exec((await request(site, { headers: { cookie } })).text)[1];

	assert.equal(await who(''), 'nobody');
	assert.equal((await post('/login', { assertion }, { origin: OTHER_SITE })).status, 403, 'a page of another site');
	assert.equal((await post('/login', { assertion: await assertionFor(OTHER_SITE) })).status, 403, 'made for another site');
	assert.equal((await post('/login', { assertion: 'x' })).status, 403);
	assert.ok([400, 403].includes((await post('/login', {})).status));
	const login = await post('/login', { assertion });
	assert.equal(login.status, 200, login.text);
	assert.match(login.cookies.at(-1), /HttpOnly/i);
	assert.match(login.cookies.at(-1), /SameSite=Lax/i);
	const cookie = cookieOf(login);
	assert.equal(await who(cookie), EMAIL);
	const planted = await post('/login', { assertion }, { cookie });
	assert.notEqual(cookieOf(planted), cookie, 'a new session for a new login');
	const out = await post('/logout', {}, { cookie: cookieOf(planted) });
	assert.equal(out.status, 200);
	assert.equal(await who(cookieOf(planted)), 'nobody', 'ended at the server, not only in the browser');
}

test('the Node.js server keeps its promises, and the page signs in with it', async () => {
	await withSite('server.mjs', () => [process.execPath, 'server.mjs'], async (site) => {
		await keepsItsPromises(site);
		const browser = await launchBrowser();
		try {
			const context = await newContext(browser);
			const page = await context.newPage();
			await page.goto(site);
			assert.equal(await page.textContent('#who'), 'nobody');
			const [dialog] = await Promise.all([page.waitForEvent('popup'), page.click('#sign-in')]);
			await enterAddress(dialog, EMAIL);
			await enterPassword(dialog, PASSWORD);
			await page.locator(`#who:has-text("${EMAIL}")`).waitFor();
			await page.click('#sign-out');
			await page.locator('#who:has-text("nobody")').waitFor();
			await context.close();
		} finally {
			await browser.close();
		}
	});
});

test('the Python server keeps its promises', () => withSite('server.py', () => ['python3', 'server.py'], keepsItsPromises));

test('the PHP server keeps its promises', () =>
	withSite('index.php', (port) => ['php', '-S', `localhost:${port}`, 'index.php'], keepsItsPromises));

test('the curl command, and the answer that the page shows', async () => {
	const site = 'http://localhost:3000';
	const [, command] = /```sh\n(curl .*?)\n```/s.exec(PAGE);
	const assertion = await assertionFor(site);
	const said = execFileSync('bash', ['-c', ours(command, site)], { encoding: 'utf8', env: { ...process.env, ASSERTION: assertion } });
	const answer = JSON.parse(said);
	const [, shown] = /```json\n(.*?)\n```/s.exec(PAGE);
	assert.deepEqual(Object.keys(answer), Object.keys(JSON.parse(shown)));
	assert.deepEqual([answer.status, answer.email, answer.audience], ['okay', EMAIL, site]);
	const wrong = execFileSync('bash', ['-c', ours(command, 'http://localhost:2')], { encoding: 'utf8', env: { ...process.env, ASSERTION: assertion } });
	assert.equal(JSON.parse(wrong).status, 'failure');
});

test('verifying by oneself: the right one, and one for another site', async () => {
	const site = 'http://localhost:3000';
	const file = path.join(dir, 'local.mjs');
	writeFileSync(file, block('local.mjs', site));
	const { verified } = await import(pathToFileURL(file));
	// The issuer has no port, so the document is fetched for it from where the server listens.
	const httpRequest = (domain, where, done) => {
		fetch(server.url + where).then(async (answer) => done(null, answer.status, Object.fromEntries(answer.headers), await answer.text()), done);
	};
	assert.equal(await verified(await assertionFor(site), { httpRequest }), EMAIL);
	await assert.rejects(verified(await assertionFor(OTHER_SITE), { httpRequest }), /audience mismatch/);
});
