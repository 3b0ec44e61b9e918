// WebSocket (RFC 6455) and Engine.IO on it, frame by frame; the way from polling to it.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { BINARY, CLOSE, frame, PING, Polling, PONG, startAll, TEXT, Ws } from './lib/engineio.mjs';

let port, quick, patient, stop;
before(async () => ({ port, quick, patient, stop } = await startAll()));
after(() => stop());

async function opened(query = '', at = port) {
	const ws = await Ws.open(at, query);
	if (query === '') {
		const hello = await ws.packet();
		assert.equal(hello[0], '0');
		assert.deepEqual(JSON.parse(hello.slice(1)).upgrades, []);
	}
	return ws;
}

test('messages of text and bytes come back', async () => {
	const ws = await opened();
	ws.send('4hello');
	await ws.expect('4hello');
	ws.send(Buffer.from([1, 2, 3, 0, 255]));
	await ws.expect(Buffer.from([1, 2, 3, 0, 255]));
	for (const n of [124, 125, 126, 65534, 65535, 999999]) {
		ws.send(`4${'x'.repeat(n)}`);
		assert.equal((await ws.packet()).length, n + 1);
	}
	ws.end();
});

test('a message in pieces, with a ping between them, a byte at a time', async () => {
	const ws = await opened();
	const bytes = Buffer.concat([
		frame(TEXT, '4hal', { fin: false }),
		frame(PING, 'are you there'),
		frame(0, Buffer.from([0xc3]), { fin: false }),
		frame(0, '', { fin: false }),
		frame(0, Buffer.from([0xa4])),
	]);
	for (const byte of bytes) ws.write(Buffer.from([byte]));
	const pong = await ws.frame();
	assert.deepEqual([pong.opcode, pong.payload.toString()], [PONG, 'are you there']);
	await ws.expect('4hal\u00e4');
	ws.end();
});

test('many messages in one write come back in order', async () => {
	const ws = await opened();
	ws.write(Buffer.concat(Array.from({ length: 500 }, (_, i) => frame(TEXT, `4${i}`))));
	for (let i = 0; i < 500; i++) await ws.expect(`4${i}`);
	ws.end();
});

test('frames against the rules close with the code that says why', async () => {
	const rows = [
		['no mask', frame(TEXT, '4a', { masked: false }), 1002],
		['a reserved bit', frame(TEXT, '4a', { rsv: 4 }), 1002],
		['an unknown kind', frame(3, ''), 1002],
		['an unknown control frame', frame(11, ''), 1002],
		['a ping in pieces', frame(PING, '', { fin: false }), 1002],
		['a long ping', frame(PING, 'x'.repeat(126)), 1002],
		['a continuation of nothing', frame(0, 'x'), 1002],
		['a message inside a message', Buffer.concat([frame(TEXT, '4a', { fin: false }), frame(TEXT, '4b')]), 1002],
		['text that is not UTF-8', frame(TEXT, Buffer.from([0x34, 0xff])), 1007],
		['text cut in a character', frame(TEXT, Buffer.from([0x34, 0xc3])), 1007],
		['a surrogate', frame(TEXT, Buffer.from([0x34, 0xed, 0xa0, 0x80])), 1007],
		['too long', frame(BINARY, Buffer.alloc(1000001)), 1009],
		['too long in pieces', Buffer.concat([frame(BINARY, Buffer.alloc(600000), { fin: false }), frame(0, Buffer.alloc(400001))]), 1009],
		['too long by its head', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4, 5]), 1009],
		['a length with the top bit', Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5]), 1002],
		['a close code that is none', frame(CLOSE, Buffer.from([0x03, 0xed])), 1002],
		['half a close code', frame(CLOSE, Buffer.from([0x03])), 1002],
		['a reason that is not UTF-8', frame(CLOSE, Buffer.from([0x03, 0xe8, 0xff])), 1007],
	];
	await Promise.all(
		rows.map(async ([what, bytes, code]) => {
			const ws = await opened();
			ws.write(bytes);
			assert.equal(await ws.closed(), code, what);
			await ws.raw.closed();
			ws.end();
		}),
	);
});

test('a close is answered with its own code', async () => {
	for (const [payload, code] of [[Buffer.from([0x03, 0xe8]), 1000], [Buffer.alloc(0), 1005], [Buffer.from([0x0f, 0xa0]), 4000]]) {
		const ws = await opened();
		ws.write(frame(CLOSE, payload));
		assert.equal(await ws.closed(), code);
		await ws.raw.closed();
	}
});

test('packets against the rules close without a code', async () => {
	for (const packet of ['abc', '', '7', '2', 'bAQID', '1']) {
		const ws = await opened();
		ws.send(packet);
		assert.equal(await ws.closed(), 1005, packet);
		await ws.raw.closed();
	}
});

test('pings come in time; without a pong it closes', async () => {
	const ws = await opened('', patient);
	for (let i = 0; i < 3; i++) {
		const { payload } = await ws.frame();
		assert.equal(payload.toString(), '2');
		ws.send('3');
	}
	ws.end();
	const silent = await opened('', quick);
	assert.equal((await silent.frame()).payload.toString(), '2');
	assert.equal(await silent.closed(), 1005);
	silent.end();
});

test('from polling to WebSocket: probe, noop for the poll, and nothing lost on the way', async () => {
	const session = await Polling.open(port);
	const ws = await opened(`&sid=${session.sid}`);
	const waiting = await session.begin();
	ws.send('2probe');
	assert.equal((await ws.frame()).payload.toString(), '3probe');
	assert.equal((await waiting.read()).body.toString(), '6');
	waiting.destroy();
	assert.equal((await session.post('4before')).body, 'ok'); // its echo waits, for polls or for the WebSocket
	ws.send('5');
	ws.send('4after');
	await ws.expect('4before', '4after');
	const late = await session.get();
	assert.deepEqual([late.status, JSON.parse(late.body).code], [400, 3]);
	assert.equal((await session.post('4late')).status, 400);
	const second = await opened(`&sid=${session.sid}`);
	assert.equal(await second.closed(), 1005);
	ws.send('4still');
	await ws.expect('4still');
	ws.end();
});

test('probe and upgrade in one write are done before a poll that follows', async () => {
	for (let i = 0; i < 20; i++) {
		const session = await Polling.open(port);
		const ws = await opened(`&sid=${session.sid}`);
		await new Promise((resolve) => ws.raw.socket.write(Buffer.concat([frame(TEXT, '2probe'), frame(TEXT, '5')]), resolve));
		assert.equal((await session.get()).status, 400);
		await ws.expect('3probe');
		ws.end();
	}
});

test('what else comes on the new WebSocket ends it and not the session', async () => {
	for (const send of [
		(ws) => ws.send('2abc'),
		(ws) => ws.send('4message'),
		(ws) => ws.send('5'),
		(ws) => ws.send(Buffer.from('2probe')),
		(ws) => ws.write(frame(TEXT, '2probe', { masked: false })),
		(ws) => ws.write(frame(CLOSE, '')),
	]) {
		const session = await Polling.open(port);
		const ws = await opened(`&sid=${session.sid}`);
		send(ws);
		await ws.closed();
		ws.end();
		await session.post('4x');
		assert.deepEqual(await session.packets(1), ['4x']);
	}
	const session = await Polling.open(port);
	const ws = await opened(`&sid=${session.sid}`);
	ws.end();
	await session.post('4x');
	assert.deepEqual(await session.packets(1), ['4x']);
});

test('a second WebSocket while the first is on its way is closed', async () => {
	const session = await Polling.open(port);
	const first = await opened(`&sid=${session.sid}`);
	const second = await opened(`&sid=${session.sid}`);
	assert.equal(await second.closed(), 1005);
	first.send('2probe');
	await first.expect('3probe');
	first.send('5');
	first.send('4x');
	await first.expect('4x');
	first.end();
});

test('a client that reads nothing is sent a bounded number of pongs', async () => {
	const ws = await opened();
	ws.raw.socket.pause();
	const flood = Buffer.concat(Array.from({ length: 2000 }, () => frame(PING, 'x'.repeat(125))));
	for (let i = 0; i < 5; i++) await new Promise((resolve) => ws.raw.socket.write(flood, resolve));
	ws.raw.socket.resume();
	await sleep(0);
	const other = await opened();
	other.send('4x');
	await other.expect('4x');
	other.end();
	ws.end();
});
