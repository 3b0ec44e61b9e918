// The old protocol where it is off, which is how a server is made, and where it takes no new users.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const basic = `Basic ${Buffer.from('someone:correct horse').toString('base64')}`;
const user = JSON.stringify({ email: 'a@example.org', password: 'correct horse' });

test('off: nothing of it is there', async () => {
	const server = await startPlimsoll();
	try {
		const client = new Client(server.url);
		const headers = { authorization: basic };
		for (const [method, path, body] of [
			['GET', '/1.1/someone/info/collections'],
			['PUT', '/1.1/someone/storage/col/a', '{}'],
			['POST', '/1.0/someone/storage/col', '[]'],
			['DELETE', '/1/someone'],
			['PUT', '/user/1.0/someone/', user],
			['GET', '/user/1.0/someone/node/weave'],
			['GET', '/misc/1.0/captcha_html'],
			['GET', '/weave-password-reset'],
		]) {
			assert.equal((await client.request(method, path, { body, headers })).status, 404, `${method} ${path}`);
		}
	} finally {
		await server.stop();
	}
});

test('closed: those that are there stay, new ones need the secret; open: everybody', async () => {
	const server = await startPlimsoll({ conf: { sync: { old_api: 'closed', old_api_secret: 'secret of scripts' } } });
	const client = new Client(server.url);
	try {
		const refused = await client.request('PUT', '/user/1.0/someone/', { body: user });
		assert.equal(`${refused.status} ${refused.text}`, '400 2');
		const made = await client.request('PUT', '/user/1.0/someone/', { body: user, headers: { 'x-weave-secret': 'secret of scripts' } });
		assert.equal(made.text, 'someone');
		assert.equal((await client.request('GET', '/1.1/someone/info/collections', { headers: { authorization: basic } })).status, 200);
	} finally {
		await server.stop();
	}
	const open = await startPlimsoll({ conf: { sync: { old_api: 'open' } } });
	try {
		const other = new Client(open.url);
		assert.equal((await other.request('PUT', '/user/1.0/someone', { body: user })).text, 'someone');
		// What cannot be served now is told in the words of that time.
		appendFileSync(open.confPath, '\n[store]\nread_only = yes\n');
		process.kill(open.pid, 'SIGHUP');
		let put;
		for (let i = 0; i < 400 && put?.status !== 503; i++) {
			put = await other.request('PUT', '/1.1/someone/storage/col/a', { body: '{"payload":"x"}', headers: { authorization: basic } });
			if (put.status !== 503) await sleep(50);
		}
		assert.match(put.text, /^"server issue: .*"$/);
		assert.equal(put.headers['retry-after'], put.headers['x-weave-backoff']);
		assert.ok(Number(put.headers['retry-after']) >= 1800);
		assert.equal((await other.request('GET', '/1.1/someone/info/collections', { headers: { authorization: basic } })).status, 200);
	} finally {
		await open.stop();
	}
});
