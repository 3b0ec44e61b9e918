// Limits and clocks: slow, long and numerous clients get the right status and cost little.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

test('a head that comes too slowly gets 408', async () => {
	await withServer({ conf: { header_timeout: '500ms' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		const started = Date.now();
		await raw.send('GET /hello HTTP/1.1\r\n');
		const drip = setInterval(() => raw.send('X: y\r\n'), 100);
		const answer = await raw.read();
		clearInterval(drip);
		assert.equal(answer.status, 408);
		assert.equal(answer.headers.connection, 'close');
		const took = Date.now() - started;
		assert.ok(took >= 450 && took < 5000, `after ${took} ms`);
		raw.destroy();
	});
});

test('a connection that never says anything is closed without a word', async () => {
	await withServer({ conf: { header_timeout: '300ms' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		assert.equal((await raw.readRest()).length, 0);
		raw.destroy();
	});
});

test('an idle connection is closed after idle_timeout, and not before', async () => {
	await withServer({ conf: { idle_timeout: '800ms' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		const started = Date.now();
		for (let i = 0; i < 4; i++) {
			assert.equal((await raw.exchange(get('/hello'))).status, 200);
			await sleep(400);
		}
		await raw.closed();
		const took = Date.now() - started;
		assert.ok(took >= 1900, `after ${took} ms`);
		raw.destroy();
		const { families } = await server.metrics();
		assert.equal(families.http_connections_closed_total.rows.idle, 1);
	});
});

test('a collected body below the minimum rate gets 408', async () => {
	await withServer({ conf: { body_grace: '400ms', min_body_rate: '1k' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		await raw.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
		const drip = setInterval(() => raw.send('x'), 50);
		const answer = await raw.read();
		clearInterval(drip);
		assert.equal(answer.status, 408);
		raw.destroy();
	});
});

test('a streamed body below the minimum rate gets 408; one above it is not hurried', async () => {
	await withServer({ conf: { body_grace: '400ms', min_body_rate: '1k' } }, async (server) => {
		const slow = await Raw.connect(server.port);
		await slow.send('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
		const drip = setInterval(() => slow.send('x'), 50);
		assert.equal((await slow.read()).status, 408);
		clearInterval(drip);
		slow.destroy();

		const steady = await Raw.connect(server.port);
		await steady.send('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n');
		for (let i = 0; i < 20; i++) {
			await steady.send('x'.repeat(400));
			await sleep(60);
		}
		assert.deepEqual(JSON.parse((await steady.read()).body), { bytes: 8000, sum: 8000 * 120 });
		steady.destroy();
	});
});

test('a body that is not here by the deadline of its row gets 408, whatever its rate', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		const started = Date.now();
		const answer = await raw.exchange(`POST /hasty HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50000)}`);
		assert.equal(answer.status, 408);
		assert.ok(Date.now() - started < 5000);
		raw.destroy();
	});
});

test('a long head gets 431, a long target 414, just below the limit 200', async () => {
	await withServer({}, async (server) => {
		const padding = (n) => `X: ${'a'.repeat(n)}\r\n`;
		assert.equal((await once(server.port, get('/hello', padding(20000)))).status, 431);
		assert.equal((await once(server.port, get('/hello', 'X: y\r\n'.repeat(200)))).status, 431);
		assert.equal((await once(server.port, get('/hello', padding(15000)))).status, 200);
		assert.equal((await once(server.port, get(`/hello?${'a'.repeat(9000)}`))).status, 414);
		assert.equal((await once(server.port, get(`/hello?${'a'.repeat(8000)}`))).status, 200);
	});
});

test('a head that never ends gets 431 in time and memory that do not grow', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		await raw.send('GET /hello HTTP/1.1\r\nHost: x\r\n');
		for (let i = 0; i < 40 && raw.received === 0; i++) await raw.sendPieces([`X${i}: ${'y'.repeat(1000)}\r\n`]);
		assert.equal((await raw.read()).status, 431);
		raw.destroy();
	});
});

test('a body beyond the limit of its row gets 413 before it is read', async () => {
	await withServer({}, async (server) => {
		const announced = await once(server.port, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n');
		assert.equal(announced.status, 413);
		const most = 'x'.repeat(1048576);
		assert.equal((await once(server.port, post('/echo', most))).body.length, 1048576);
		assert.equal((await once(server.port, post('/hello', '', 'X: y\r\n').replace('POST', 'GET'))).status, 200);
		assert.equal((await once(server.port, post('/hello', 'body').replace('POST', 'GET'))).status, 413);
		const streamed = await once(server.port, `POST /upload/small HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n`);
		assert.equal(streamed.status, 413);
	});
});

test('a chunked body beyond the limit of its row gets 413', async () => {
	await withServer({}, async (server) => {
		for (const target of ['/echo', '/upload/small']) {
			const raw = await Raw.connect(server.port);
			await raw.send(`POST ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
			const chunk = `4000\r\n${'x'.repeat(16384)}\r\n`;
			for (let i = 0; i < 80 && raw.received === 0; i++) await raw.send(chunk);
			assert.equal((await raw.read()).status, 413, target);
			raw.destroy();
		}
	});
});

test('a body is also refused when the memory for bodies is used up', async () => {
	await withServer({ conf: { max_body_memory: '256k' } }, async (server) => {
		const holders = [];
		for (let i = 0; i < 3; i++) {
			const raw = await Raw.connect(server.port);
			await raw.send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100000)}`);
			holders.push(raw);
		}
		await sleep(300);
		const refused = holders.filter((raw) => raw.received > 0);
		assert.ok(refused.length >= 1 && refused.length < 3, `${refused.length} of 3 refused`);
		const answer = await refused[0].read();
		assert.equal(answer.status, 503);
		assert.match(answer.headers['retry-after'], /^\d+$/);
		for (const raw of holders) raw.destroy();
		await sleep(200);
		assert.equal((await once(server.port, post('/echo', 'y'.repeat(200000)))).status, 200);
	});
});

test('one address has at most max_connections_per_address, trusted proxies any number', async () => {
	const open = (port, n) => Promise.all(Array.from({ length: n }, () => Raw.connect(port)));
	await withServer({ conf: { max_connections_per_address: 3, trusted_proxies: '10.0.0.0/8' } }, async (server) => {
		const clients = await open(server.port, 5);
		await sleep(300);
		assert.equal(clients.filter((raw) => raw.ended).length, 2);
		for (const raw of clients.filter((c) => !c.ended)) {
			assert.equal((await raw.exchange(get('/hello'))).status, 200);
		}
		clients.forEach((raw) => raw.destroy());
		await sleep(200);
		assert.equal((await once(server.port, get('/hello'))).status, 200, 'places are given back');
	});
	await withServer({ conf: { max_connections_per_address: 3 } }, async (server) => {
		const clients = await open(server.port, 5);
		await sleep(200);
		assert.equal(clients.filter((raw) => raw.ended).length, 0);
		clients.forEach((raw) => raw.destroy());
	});
});

test('connections beyond max_connections wait in the kernel and are served when one ends', async () => {
	await withServer({ conf: { max_connections: 2 } }, async (server) => {
		const first = await Raw.connect(server.port);
		const second = await Raw.connect(server.port);
		assert.equal((await first.exchange(get('/hello'))).status, 200);
		assert.equal((await second.exchange(get('/hello'))).status, 200);
		const third = await Raw.connect(server.port);
		await third.send(get('/hello'));
		await sleep(300);
		assert.equal(third.received, 0);
		assert.equal(third.ended, false);
		first.destroy();
		assert.equal((await third.read()).status, 200);
		second.destroy();
		third.destroy();
	});
});

test('a client that takes nothing is cut off after write_timeout', async () => {
	await withServer({ conf: { write_timeout: '500ms' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		raw.socket.pause();
		await raw.send(get('/download/50000000'));
		let closed = 0;
		for (let i = 0; i < 50 && closed === 0; i++) {
			await sleep(100);
			const { families } = await server.metrics();
			closed = families.http_connections_closed_total.rows.write_timeout;
		}
		assert.equal(closed, 1);
		raw.destroy();
	});
});
