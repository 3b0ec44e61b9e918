// HTTP over TLS: what lies between records and requests. The same server and client as the other
// http tests, with TLS on both sides.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

process.env.HTTP_TEST_TLS = '1';

const MB = 1 << 20;
const PATTERN = Buffer.from(Array.from({ length: 26 }, (_, i) => 97 + i));

function assertPattern(body, n) {
	assert.equal(body.length, n);
	for (let i = 0; i < n; i += 997) assert.equal(body[i], PATTERN[i % 26], `byte ${i}`);
}

test('a handler knows that it is https', async () => {
	await withServer({}, async (server) => {
		assert.equal(JSON.parse((await once(server.port, get('/describe/x'))).body).https, true);
	});
});

test('requests in one record, across records, and byte by byte', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		// One record with more than a head's buffer in it: the rest waits inside of libssl.
		const many = Array.from({ length: 200 }, (_, i) => post('/echo', `number ${i}`)).join('');
		await raw.send(many.slice(0, 16000));
		await raw.send(many.slice(16000));
		for (let i = 0; i < 200; i++) assert.equal((await raw.read()).body.toString(), `number ${i}`);
		const one = post('/echo', 'x'.repeat(30));
		await raw.sendPieces([...one], 0);
		assert.equal((await raw.read()).body.toString(), 'x'.repeat(30));
		// A handler that waits while the next request is decrypted already.
		await raw.send(get('/slow/100') + get('/hello'));
		assert.equal((await raw.read()).status, 200);
		assert.equal((await raw.read()).status, 200);
		// A body that is collected from many records, and a head of 15 KB.
		assert.equal((await raw.exchange(post('/echo', 'y'.repeat(900000)))).body.length, 900000);
		assert.equal((await raw.exchange(get('/hello', `X-Long: ${'z'.repeat(15000)}\r\n`))).status, 200);
		raw.destroy();
	});
});

test('large streams both ways, with a length and chunked', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		const piece = Buffer.alloc(MB, 'b');
		for (const chunked of [false, true]) {
			await raw.send(`POST /upload HTTP/1.1\r\nHost: x\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${12 * MB}`}\r\n\r\n`);
			for (let i = 0; i < 12; i++) {
				if (chunked) await raw.send(`${MB.toString(16)}\r\n`);
				await raw.send(piece);
				if (chunked) await raw.send('\r\n');
			}
			if (chunked) await raw.send('0\r\n\r\n');
			assert.deepEqual(JSON.parse((await raw.read()).body), { bytes: 12 * MB, sum: 12 * MB * 98 });
		}
		for (const n of [0, 1, 16383, 16384, 16385, 3000000]) {
			assertPattern((await raw.exchange(get(`/download/${n}`))).body, n);
			assertPattern((await raw.exchange(get(`/chunked/${n}`))).body, n);
		}
		raw.destroy();
	});
});

test('a slow reader gets everything, others are served meanwhile; one that takes nothing is cut off', async () => {
	await withServer({ conf: { write_timeout: '1500ms' } }, async (server) => {
		const slow = await Raw.connect(server.port);
		const stuck = await Raw.connect(server.port);
		slow.socket.pause();
		stuck.socket.pause();
		await slow.send(get(`/download/${20 * MB}`));
		await stuck.send(get('/download/50000000'));
		await sleep(500);
		for (let i = 0; i < 10; i++) assert.equal((await once(server.port, get('/hello'))).status, 200);
		slow.socket.resume();
		assertPattern((await slow.read()).body, 20 * MB);
		assert.equal((await slow.exchange(get('/hello'))).status, 200);
		slow.destroy();
		let cut = 0;
		for (let i = 0; i < 50 && cut === 0; i++) {
			await sleep(100);
			cut = (await server.metrics()).families.http_connections_closed_total.rows.write_timeout;
		}
		assert.equal(cut, 1);
		stuck.destroy();
	});
});

test('whole answers larger than the socket takes are completed when the client reads', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		raw.socket.pause();
		const body = 'z'.repeat(MB);
		const sent = Array.from({ length: 6 }, () => raw.send(post('/echo', body)));
		await sleep(300);
		raw.socket.resume();
		for (let i = 0; i < 6; i++) assert.equal((await raw.read()).body.toString('latin1'), body);
		await Promise.all(sent);
		raw.destroy();
	});
});

test('Connection: close ends TLS in order; a client that only ends its own side still gets its answer', async () => {
	await withServer({ conf: { idle_timeout: '700ms' } }, async (server) => {
		const raw = await Raw.connect(server.port);
		assert.equal((await raw.exchange(get('/hello', 'Connection: close\r\n'))).headers.connection, 'close');
		await raw.closed(3000);
		assert.equal(raw.reset, false);
		const half = await Raw.connect(server.port);
		await half.send(get('/slow/200'));
		half.finish();
		assert.equal((await half.read()).status, 200);
		await half.closed(3000);
		const idle = await Raw.connect(server.port);
		assert.equal((await idle.exchange(get('/hello'))).status, 200);
		await idle.closed(6000); // idle_timeout
		assert.equal(idle.reset, false);
	});
});

test('many connections that come and go leave nothing behind', async () => {
	await withServer({}, async (server) => {
		const rounds = Array.from({ length: 20 }, async (_, i) => {
			for (let k = 0; k < 4; k++) {
				const raw = await Raw.connect(server.port);
				if (k > 0) await raw.send(['G', get('/slow/50'), get('/download/9000000'), 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nxx'][(i + k) % 4]);
				raw.destroy();
			}
		});
		await Promise.all(rounds);
		let open;
		for (let i = 0; i < 50 && open !== 1; i++) {
			await sleep(100);
			open = (await server.metrics()).processes[0].connections;
		}
		assert.equal(open, 1, 'only the one that asks');
	});
});
