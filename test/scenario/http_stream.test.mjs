// Streams both ways, of any size in bounded memory.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

const MB = 1 << 20;
const PATTERN = Buffer.from(Array.from({ length: 26 }, (_, i) => 97 + i));

function assertPattern(body, n) {
	assert.equal(body.length, n);
	for (let i = 0; i < n; i += 997) assert.equal(body[i], PATTERN[i % 26], `byte ${i}`);
}

test('50 MB up, with a length and chunked, in bounded memory', async () => {
	await withServer({}, async (server) => {
		const piece = Buffer.alloc(MB, 'b');
		const total = 50;
		assert.equal((await once(server.port, get('/hello'))).status, 200);
		const before = server.rss();
		let most = 0;
		for (const chunked of [false, true]) {
			const raw = await Raw.connect(server.port);
			await raw.send(`POST /upload HTTP/1.1\r\nHost: x\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${total * MB}`}\r\n\r\n`);
			for (let i = 0; i < total; i++) {
				if (chunked) await raw.send(`${MB.toString(16)}\r\n`);
				await raw.send(piece);
				if (chunked) await raw.send('\r\n');
				most = Math.max(most, server.rss());
			}
			if (chunked) await raw.send('0\r\n\r\n');
			assert.deepEqual(JSON.parse((await raw.read()).body), { bytes: total * MB, sum: total * MB * 98 });
			assert.equal((await raw.exchange(get('/hello'))).status, 200);
			raw.destroy();
		}
		assert.ok(most - before < 8 * MB, `grew by ${most - before} bytes`);
	});
});

test('a stream down is whole, with a length and chunked', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		for (const n of [0, 1, 53247, 53248, 53249, 5000000]) {
			assertPattern((await raw.exchange(get(`/download/${n}`))).body, n);
			assertPattern((await raw.exchange(get(`/chunked/${n}`))).body, n);
		}
		raw.destroy();
	});
});

test('a slow reader holds its stream and no memory, and others are served meanwhile', async () => {
	await withServer({}, async (server) => {
		const total = 20 * MB;
		assert.equal((await once(server.port, get('/hello'))).status, 200);
		const before = server.rss();
		const raw = await Raw.connect(server.port);
		raw.socket.pause();
		await raw.send(get(`/download/${total}`));
		await sleep(500);
		assert.ok(server.rss() - before < 6 * MB, `grew by ${server.rss() - before} bytes`);
		const started = Date.now();
		for (let i = 0; i < 20; i++) assert.equal((await once(server.port, get('/hello'))).status, 200);
		assert.ok(Date.now() - started < 5000);
		raw.socket.resume();
		assertPattern((await raw.read()).body, total);
		assert.equal((await raw.exchange(get('/hello'))).status, 200);
		raw.destroy();
	});
});

test('an answer larger than the socket takes is completed when the client reads', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		const body = 'z'.repeat(MB);
		raw.socket.pause();
		for (let i = 0; i < 8; i++) await raw.send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${MB}\r\n\r\n${body}`).catch(() => {});
		raw.socket.resume();
		for (let i = 0; i < 8; i++) assert.equal((await raw.read()).body.toString('latin1'), body);
		raw.destroy();
	});
});

test('a stream that ends too early does not look complete', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		await raw.send(get('/short'));
		const head = await raw.readHead();
		assert.equal(head.headers['content-length'], '2000');
		assert.equal((await raw.readRest(5000)).length, 1000);
		raw.destroy();
	});
});

test('a client that gives up stops expensive work, whether it resets or just closes', async () => {
	await withServer({}, async (server) => {
		const cancelled = async () => Number((await once(server.port, get('/cancelled'))).body);
		for (const [target, how] of [['/compute/20000', 'close'], ['/slow/20000', 'reset']]) {
			const before = await cancelled();
			const raw = await Raw.connect(server.port);
			await raw.send(get(target));
			await sleep(100);
			if (how === 'reset' && raw.socket.resetAndDestroy) raw.socket.resetAndDestroy();
			else if (how === 'reset') continue; // Node before 18.3
			raw.destroy();
			for (let i = 0; i < 50 && (await cancelled()) === before; i++) await sleep(50);
			assert.equal(await cancelled(), before + 1, target);
		}
	});
});
