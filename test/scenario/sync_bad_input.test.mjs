// What nobody sends who means well, with raw bytes, at the storage, the token server and the accounts
// server: refused with the right code, and nothing is stored by it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test, { after, before } from 'node:test';
import { signUp } from '../harness/client.mjs';
import { Firefox, hawk, stretching } from '../harness/firefox.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { hawkHeader, SECRET, SyncUser } from '../harness/sync_client.mjs';
import { Raw } from './lib/raw.mjs';

const KIB = 1024;
const YEAR_S = 365 * 24 * 3600;
const LARGE = 'x'.repeat(300 * KIB);
const EMAIL = 'ada@example.org';
let server, user, firefox;

stretching.rounds = 1000;
before(async () => {
	server = await startPlimsoll({
		conf: { sync: { master_secret: SECRET, max_record_payload_bytes: '256k', max_post_bytes: '512k', max_request_bytes: '1M' } },
	});
	user = new SyncUser(server, 42);
	assert.equal((await user.post('/storage/c', [{ id: 'a', payload: 'A', sortindex: 1 }])).status, 200);
	await signUp(server, EMAIL, 'correct horse');
	firefox = new Firefox(server);
	assert.equal((await firefox.signIn(EMAIL, 'correct horse')).status, 200);
	assert.equal((await firefox.setKeys()).status, 200);
});
after(async () => {
	user?.close();
	firefox?.close();
	if (server) execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	await server?.stop();
});

async function everything() {
	const seen = {};
	for (const path of ['/info/collections', '/info/collection_counts', '/info/quota', '/storage/c?full=1', '/storage/d?full=1']) {
		const answer = await user.get(path);
		assert.equal(answer.status, 200, answer.text);
		seen[path] = [answer.text, answer.headers['x-last-modified']];
	}
	return seen;
}

// Refused like that, and everything is as it was.
async function refused(what, status, code, send) {
	const before = await everything();
	const answer = await send();
	assert.deepEqual([answer.status, answer.text], [status, String(code)], what);
	user.close(); // it may be cut after what was refused
	assert.deepEqual(await everything(), before, what);
}

test('payloads of 300 KB where fewer are allowed', async () => {
	await refused('a record', 413, 17, () => user.put('/storage/c/a', { payload: LARGE }));
	await refused('what is announced', 400, 17, () => user.post('/storage/c', '[]', { 'X-Weave-Bytes': 600 * KIB }));
	await refused('a body', 413, 17, () => user.post('/storage/c', [{ id: 'a', payload: LARGE.repeat(4) }]));
	const some = await user.post('/storage/c', [{ id: 'large', payload: LARGE }, { id: 'a', payload: 'A', sortindex: 1 }]);
	assert.deepEqual([some.status, some.json.success, some.json.failed], [200, ['a'], { large: 'retry bytes' }]);
	assert.deepEqual((await user.get('/storage/c')).json, ['a']);
	// In a batch, too.
	const { batch, failed } = (await user.post('/storage/c?batch=true', [{ id: 'large', payload: LARGE }])).json;
	assert.deepEqual(failed, { large: 'retry bytes' });
	assert.equal((await user.post(`/storage/c?batch=${batch}&commit=true`, '[]')).status, 200);
	assert.deepEqual((await user.get('/storage/c')).json, ['a']);
});

test('10,000 records at once', async () => {
	const many = Array.from({ length: 10000 }, (_, i) => ({ id: `i${i}`, payload: 'x' }));
	await refused('with their number', 400, 17, () => user.post('/storage/d', many, { 'X-Weave-Records': 10000 }));
	await refused('with the number of a batch', 400, 17, () => user.post('/storage/d?batch=true', many.slice(0, 1), { 'X-Weave-Total-Records': 10001 }));
	const answer = await user.post('/storage/d', many);
	assert.deepEqual([answer.status, answer.json.success.length, Object.keys(answer.json.failed).length], [200, 100, 9900]);
	assert.ok(Object.values(answer.json.failed).every((reason) => reason === 'retry bso'));
	assert.deepEqual((await user.get('/info/collection_counts')).json, { c: 1, d: 100 });
});

test('broken UTF-8', async () => {
	const broken = ['ff', 'c0af', 'eda080', 'e282', 'f8888080', 'f4908080', '80'];
	for (const hex of broken) {
		const bytes = (before, after) => Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex'), Buffer.from(after)]);
		await refused(`PUT ${hex}`, 400, 8, () => user.put('/storage/c/a', bytes('{"payload":"', '"}')));
		await refused(`POST ${hex}`, 400, 8, () => user.post('/storage/c', bytes('[{"id":"b","payload":"', '"}]')));
		await refused(`a key ${hex}`, 400, 8, () => user.post('/storage/c', bytes('[{"id":"b","', '":1}]')));
		await refused(`lines ${hex}`, 400, 8, () => user.post('/storage/c', bytes('{"id":"b"}\n{"id":"c","payload":"', '"}\n'), { 'Content-Type': 'application/newlines' }));
		const place = await user.put(`/storage/c/%${hex.match(/../g).join('%')}`, '{}');
		assert.equal(place.status, 404, place.text);
		const answer = await firefox.request('POST', '/v1/account/login', { body: bytes(`{"email":"${EMAIL}`, '","authPW":"x"}') });
		assert.equal(answer.status, 400, answer.text);
	}
});

test('JSON that is nested deep', async () => {
	for (const depth of [33, 1000, 100000]) {
		const nested = '['.repeat(depth) + ']'.repeat(depth);
		const objects = '{"a":'.repeat(depth);
		await refused(`PUT ${depth}`, 400, 8, () => user.put('/storage/c/a', `{"payload":${nested}}`));
		await refused(`POST ${depth}`, 400, 8, () => user.post('/storage/c', nested));
		await refused(`records ${depth}`, 400, 8, () => user.post('/storage/c', `[{"id":"b","payload":${objects}`));
		if (depth > 1000) continue; // more than a body of the accounts server may have
		const answer = await firefox.request('POST', '/v1/account/login', { body: `{"email":${nested}}` });
		assert.deepEqual([answer.status, answer.json.errno], [400, depth > 32 ? 106 : 108], answer.text);
	}
});

test('gigantic headers', async () => {
	user.close();
	const before = await everything();
	const paths = [['PUT', `${user.prefix}/storage/c/a`], ['GET', '/token/1.0/sync/1.5'], ['POST', '/v1/account/login'], ['GET', '/firefox/']];
	for (const [method, path] of paths) {
		const heads = [
			`X-Junk: ${'j'.repeat(100 * KIB)}\r\n`, `Authorization: Hawk id="${'i'.repeat(100 * KIB)}"\r\n`,
			Array.from({ length: 5000 }, (_, i) => `X-${i}: j\r\n`).join(''),
		];
		for (const head of heads) {
			const raw = await Raw.connect(server.ports.web);
			raw.send(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.ports.web}\r\n${head}\r\n`);
			assert.equal((await raw.readHead()).status, 431, path);
			raw.destroy();
		}
		const raw = await Raw.connect(server.ports.web);
		raw.send(`${method} ${path}?${'q'.repeat(100 * KIB)} HTTP/1.1\r\nHost: x\r\n\r\n`);
		assert.ok([414, 431].includes((await raw.readHead()).status), path);
		raw.destroy();
	}
	// As long as a head may be, each field is still refused for what it is.
	const long = 'k'.repeat(12 * KIB);
	for (const headers of [{ Authorization: `Hawk id="${long}", ts="1", nonce="n", mac="m"` }, { Authorization: `Bearer ${long}` }, { Authorization: long }]) {
		await refused(headers.Authorization.slice(0, 12), 401, 0, () => user.put('/storage/c/a', '{}', headers));
	}
	await refused('a number', 400, 17, () => user.post('/storage/c', '[]', { 'X-Weave-Records': '9'.repeat(12 * KIB) }));
	await refused('a time', 400, 0, () => user.post('/storage/c', '[]', { 'X-If-Unmodified-Since': `${'9'.repeat(12 * KIB)}x` }));
	const access = (await firefox.accessToken()).json.access_token;
	for (const [name, status] of [['X-KeyID', 'invalid-key-id'], ['X-Client-State', 'error']]) {
		const answer = await firefox.token(access, { [name]: long });
		assert.equal(answer.json?.status, status, answer.text);
	}
	assert.equal((await firefox.request('POST', '/v1/account/login', { body: { email: EMAIL, authPW: 'a'.repeat(70 * KIB) } })).json.errno, 113);
	assert.deepEqual(await everything(), before);
});

test('clocks that are off by a year', async () => {
	const now = Math.floor(Date.now() / 1000);
	for (const ts of [now - YEAR_S, now + YEAR_S, 0, 9999999999999, -1, 'x', '']) {
		const sign = (method, path) => ({ Authorization: hawkHeader(user.token, method, user.prefix + path, '127.0.0.1', user.port, { ts }) });
		await refused(`PUT at ${ts}`, 401, 0, () => user.put('/storage/c/a', { payload: 'B' }, sign('PUT', '/storage/c/a')));
		await refused(`DELETE at ${ts}`, 401, 0, () => user.del('/storage', sign('DELETE', '/storage')));
		const answer = await firefox.signed('POST', '/v1/session/destroy', { body: {}, ts });
		assert.equal(answer.status, 401, answer.text);
	}
	assert.equal((await firefox.signed('GET', '/v1/session/status')).status, 200);
});

test('requests that were sent before', async () => {
	const before = await user.put('/storage/c/a', { payload: 'A' });
	const authorization = hawkHeader(user.token, 'PUT', `${user.prefix}/storage/c/a`, '127.0.0.1', user.port);
	assert.equal((await user.put('/storage/c/a', { payload: 'A2' }, { Authorization: authorization })).status, 200);
	for (let i = 0; i < 6; i++) {
		// Connections of their own, so that every web process gets some.
		await refused('again', 401, 0, () => user.put('/storage/c/a', { payload: 'A' }, { Authorization: authorization }));
	}
	await refused('on another path', 401, 0, () => user.put('/storage/c/b', { payload: 'A' }, { Authorization: authorization }));
	await refused('with another method', 401, 0, () => user.del('/storage/c/a', { Authorization: authorization }));
	assert.notEqual((await user.get('/storage/c/a')).headers['x-last-modified'], before.text);
	const url = `${server.url}/v1/account/device`;
	const body = '{"name":"Laptop","type":"desktop"}';
	const once = { Authorization: hawk(firefox.session, 'POST', url, { body }) };
	assert.equal((await firefox.request('POST', '/v1/account/device', { body, headers: once })).status, 200);
	for (let i = 0; i < 6; i++) {
		const other = new Firefox(server);
		assert.equal((await other.request('POST', '/v1/account/device', { body, headers: once })).status, 401);
		other.close();
	}
});

test('the store of somebody else', async () => {
	const thief = new SyncUser(server, 43);
	thief.prefix = user.prefix;
	for (const [method, path, body] of [['GET', '/storage/c'], ['GET', '/info/collections'], ['PUT', '/storage/c/a', '{}'], ['POST', '/storage/c', '[{"id":"b"}]'], ['DELETE', '/storage/c/a'], ['DELETE', '/storage/c'], ['DELETE', '/storage'], ['DELETE', '']]) {
		await refused(`${method} ${path}`, 401, 0, async () => {
			const answer = await thief.request(method, path, body === undefined ? {} : { body, headers: { 'Content-Type': 'application/json' } });
			thief.close();
			return answer;
		});
	}
	for (const uid of ['+42', '42.0', '0x2a', '42%00', '18446744073709551658']) {
		const other = new SyncUser(server, 42);
		other.prefix = `/1.5/${uid}`;
		const answer = await other.put('/storage/c/a', { payload: 'B' });
		assert.ok([400, 401, 404].includes(answer.status), `${uid}: ${answer.status} ${answer.text}`);
		other.close();
	}
	assert.equal((await user.get('/storage/c/a')).json.payload, 'A2');
});
