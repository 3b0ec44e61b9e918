// Engine.IO v4 over long polling, byte by byte: what requests are answered, and what each violation
// leads to (doc/PROTOCOLS.md).
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Raw, once } from './lib/raw.mjs';
import { getText, Polling, postText, SEPARATOR, startAll, upgradeText } from './lib/engineio.mjs';

let port, quick, patient, stop;
before(async () => ({ port, quick, patient, stop } = await startAll()));
after(() => stop());

const plain = (method, path, headers = '') => `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const refused = async (bytes, status, code, message) => {
	const answer = await once(port, bytes);
	assert.equal(answer.status, status);
	assert.equal(answer.headers['content-type'], 'application/json');
	assert.equal(answer.body.toString(), JSON.stringify({ code, message }));
};

test('the first packet has exactly its five keys', async () => {
	const { hello } = await Polling.open(quick);
	assert.deepEqual(Object.keys(hello), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
	assert.match(hello.sid, /^[A-Za-z0-9_-]{27}$/);
	assert.deepEqual({ ...hello, sid: '' }, { sid: '', upgrades: ['websocket'], pingInterval: 300, pingTimeout: 200, maxPayload: 1000000 });
});

test('requests that are refused, with their codes', async () => {
	await refused(plain('GET', '/engine.io/?EIO=4'), 400, 0, 'Transport unknown');
	await refused(plain('GET', '/engine.io/?EIO=4&transport=abc'), 400, 0, 'Transport unknown');
	await refused(plain('GET', '/engine.io/?EIO=3&transport=polling'), 400, 5, 'Unsupported protocol version');
	await refused(plain('GET', '/engine.io/?transport=polling'), 400, 5, 'Unsupported protocol version');
	await refused(plain('GET', '/engine.io/?EIO=abc&transport=polling'), 400, 5, 'Unsupported protocol version');
	await refused(plain('GET', '/engine.io/?EIO=4&transport=websocket'), 400, 3, 'Bad request');
	await refused(getText('&sid=lv_VI97HAXpY6yYWAAAC'), 400, 1, 'Session ID unknown');
	await refused(getText(`&sid=${'A'.repeat(27)}`), 400, 1, 'Session ID unknown');
	await refused(getText('&sid='), 400, 1, 'Session ID unknown');
	for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
		await refused(plain(method, '/engine.io/?EIO=4&transport=polling', 'Content-Length: 0\r\n'), 400, 2, 'Bad handshake method');
	}
	assert.equal((await once(port, plain('GET', '/engine.io'))).status, 404);
});

test('a session is met with its own transport only', async () => {
	const session = await Polling.open(port);
	await refused(plain('GET', `/engine.io/?EIO=4&transport=websocket&sid=${session.sid}`), 400, 3, 'Bad request');
	const put = await once(port, plain('PUT', `/engine.io/?EIO=4&transport=polling&sid=${session.sid}`, 'Content-Length: 0\r\n'));
	assert.deepEqual([put.status, put.body.length], [405, 0]);
	assert.deepEqual((await session.post('4still here')).body, 'ok');
});

test('messages go both ways, text and bytes, several in one body', async () => {
	const session = await Polling.open(port);
	const answer = await session.post(`4test1${SEPARATOR}4test2${SEPARATOR}4test3`);
	assert.deepEqual([answer.status, answer.body, answer.headers['content-type'], answer.headers['content-length']], [200, 'ok', 'text/html', '2']);
	assert.deepEqual(await session.packets(3), ['4test1', '4test2', '4test3']);
	await session.post(`4hello${SEPARATOR}bAQIDBA==`);
	assert.deepEqual(await session.packets(2), ['4hello', 'bAQIDBA==']);
	const waiting = await session.begin();
	await session.post('4h\xc3\xa4\xe2\x82\xac');
	assert.equal((await waiting.read()).body.toString('latin1').split(SEPARATOR).at(-1), '4h\xc3\xa4\xe2\x82\xac');
	waiting.destroy();
});

test('a body of exactly the longest length is taken, one more is not and ends nothing', async () => {
	const session = await Polling.open(port);
	assert.equal((await session.post(`4${'a'.repeat(999999)}`)).status, 200);
	assert.equal((await session.packets(1))[0].length, 1000000);
	const answer = await session.post(`4${'a'.repeat(1000000)}`);
	assert.deepEqual([answer.status, answer.body], [413, '']);
	await session.post('4after');
	assert.deepEqual(await session.packets(1), ['4after']);
});

test('malformed posts close the session', async () => {
	for (const [body, status, said] of [['abc', 400, ''], ['', 200, 'ok'], [`4a${SEPARATOR}`, 400, ''], ['bA', 400, ''], ['b====', 400, ''], ['2', 200, 'ok']]) {
		const session = await Polling.open(port);
		const answer = await session.post(body);
		assert.deepEqual([body, answer.status, answer.body], [body, status, said]);
		await session.expectGone();
	}
	const session = await Polling.open(port);
	const answer = await session.post('\x01\x02', 'Content-Type: application/octet-stream\r\n');
	assert.deepEqual([answer.status, answer.body], [400, '']);
	await session.expectGone();
});

test('what only servers send is ignored', async () => {
	const session = await Polling.open(port);
	for (const packet of ['0', '6', '3', '5']) assert.equal((await session.post(packet)).body, 'ok');
	await session.post('4x');
	assert.deepEqual(await session.packets(1), ['4x']);
});

test('a second poll ends the first one and the session', async () => {
	const session = await Polling.open(port);
	const first = await session.begin();
	await sleep(20);
	const second = await session.get();
	assert.deepEqual([second.status, second.body], [400, '']);
	const answer = await first.read();
	assert.deepEqual([answer.status, answer.body.toString()], [200, '1']);
	first.destroy();
	await session.expectGone();
});

test('a second post while the first is on its way closes the session', async () => {
	const session = await Polling.open(port);
	const first = await Raw.connect(port);
	await first.send(postText(`&sid=${session.sid}`, '4abcdef').slice(0, -3));
	await sleep(100); // it is being read by then, or the second one is the first
	const second = await session.post('4x');
	assert.equal(second.status, 400);
	await session.expectGone();
	first.destroy();
});

test('three heartbeats, and none missed', async () => {
	const session = await Polling.open(patient);
	for (let i = 0; i < 3; i++) {
		assert.equal((await session.get()).body, '2');
		assert.equal((await session.post('3')).body, 'ok');
	}
});

test('without a pong the session is gone at the interval and the timeout after it began', async () => {
	const polled = await Polling.open(quick);
	assert.equal((await polled.get()).body, '2');
	const late = await polled.get(); // told when it ends
	assert.ok(late.body === '1' || late.status === 400, late.body);
	await polled.expectGone();
	const session = await Polling.open(quick);
	await sleep(501);
	await session.expectGone();
});

test('a client that closes gets ok, its poll a noop, and is unknown from then on', async () => {
	const session = await Polling.open(port);
	const waiting = await session.begin();
	await sleep(20);
	assert.equal((await session.post('1')).body, 'ok');
	assert.equal((await waiting.read()).body.toString(), '6');
	waiting.destroy();
	await session.expectGone();
});

test('a poll that is given up harms nothing', async () => {
	const session = await Polling.open(port);
	const waiting = await session.begin();
	await sleep(20);
	waiting.destroy();
	await sleep(20);
	await session.post('4x');
	assert.deepEqual(await session.packets(1), ['4x']);
});

test('pages of other origins are told that they may', async () => {
	const headers = 'Origin: https://app.example\r\n';
	const get = await once(port, getText('', { headers }));
	assert.equal(get.headers['access-control-allow-origin'], '*');
	const failed = await once(port, getText('&sid=x', { headers }));
	assert.deepEqual([failed.status, failed.headers['access-control-allow-origin']], [400, '*']);
	const preflight = await once(
		port,
		plain('OPTIONS', '/engine.io/?EIO=4&transport=polling', `${headers}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: X-One, X-Two\r\n`),
		'OPTIONS',
	);
	assert.equal(preflight.status, 204);
	assert.equal(preflight.headers['access-control-allow-methods'], 'GET, POST');
	assert.equal(preflight.headers['access-control-allow-headers'], 'X-One, X-Two');
});

test('handshakes of WebSockets that are refused, and their connections closed', async () => {
	const session = await Polling.open(port);
	const rows = [
		[upgradeText('', { version: '12' }), 'Bad request'],
		[upgradeText('', { key: 'short' }), 'Bad request'],
		[upgradeText('', { key: 'dGhlIHNhbXBsZSBub25jZQ=!' }), 'Bad request'],
		[upgradeText('').replace('EIO=4', 'EIO=3'), 'Unsupported protocol version'],
		[upgradeText('', { transport: 'abc' }), 'Transport unknown'],
		[upgradeText('', { transport: 'polling' }), 'Bad request'],
		[upgradeText(`&sid=${session.sid}`, { transport: 'polling' }), 'Bad request'],
		[upgradeText(`&sid=${'A'.repeat(27)}`), 'Session ID unknown'],
	];
	for (const [bytes, message] of rows) {
		const raw = await Raw.connect(port);
		await raw.send(bytes);
		const answer = await raw.read();
		assert.deepEqual([answer.status, answer.body.toString(), answer.headers.connection], [400, message, 'close']);
		if (bytes.includes('Version: 12')) assert.equal(answer.headers['sec-websocket-version'], '13');
		await raw.closed();
		raw.destroy();
	}
	assert.equal((await session.post('4x')).body, 'ok');
});
