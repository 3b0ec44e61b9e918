// HTTP/2 over TLS, chosen by ALPN: what lies between records and frames. The same server and client
// as the other http2 tests, with TLS on both sides.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { get, startServer, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';
import * as h2 from './lib/h2.mjs';

process.env.HTTP_TEST_TLS = '1';

const { headers, request, data, frame, END_HEADERS, END_STREAM } = h2;
const MB = 1 << 20;
const run = promisify(execFile);

function assertPattern(body, n) {
	assert.equal(body.length, n);
	for (let i = 0; i < n; i += 997) assert.equal(body[i], 97 + (i % 26), `byte ${i}`);
}

test('ALPN decides: h2 for those who ask for it, HTTP/1.1 for the others', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		assert.equal(client.raw.socket.alpnProtocol, 'h2');
		assert.equal(JSON.parse((await client.exchange('/describe/x')).body).https, true);
		client.destroy();
		const old = await Raw.connect(server.port, { ALPNProtocols: ['http/1.1'] });
		assert.equal(old.socket.alpnProtocol, 'http/1.1');
		assert.equal((await old.exchange(get('/hello'))).status, 200);
		old.destroy();
		assert.equal((await once(server.port, get('/hello'))).status, 200, 'without ALPN');
		// Who says h2 and speaks HTTP/1.1 is no client of either.
		const liar = await h2.H2.connect(server.port, { preface: false });
		await liar.send(Buffer.from(get('/hello')));
		assert.equal(await liar.end(), h2.PROTOCOL_ERROR);
		liar.destroy();
	});
});

test('frames in one record, across records, and byte by byte', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(...Array.from({ length: 90 }, (_, i) => headers(2 * i + 1, request(`/describe/${i}`))));
		for (let i = 0; i < 90; ) i += (await client.until((f) => f.type === h2.HEADERS)).headers[0][1] === '200' ? 1 : 0;
		await client.raw.sendPieces([...Buffer.concat([headers(201, request('/echo', [], 'POST'), END_HEADERS), data(201, 'bytes', END_STREAM)]).toString('latin1')], 0);
		assert.equal((await client.answer(201)).body.toString(), 'bytes');
		client.destroy();
	});
});

test('large bodies both ways, many at once', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		const up = await client.exchange('/upload', [], 'POST', Buffer.alloc(12 * MB, 'b'));
		assert.deepEqual(JSON.parse(up.body), { bytes: 12 * MB, sum: 12 * MB * 98 });
		for (const n of [0, 1, 16383, 16384, 16385, 3000000]) {
			assertPattern((await client.exchange(`/download/${n}`)).body, n);
			assertPattern((await client.exchange(`/chunked/${n}`)).body, n);
		}
		client.destroy();
		const session = http2.connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
		const bodies = await Promise.all(Array.from({ length: 30 }, () => new Promise((resolve, reject) => {
			const pieces = [];
			const stream = session.request({ ':path': '/download/500000' });
			stream.on('data', (piece) => pieces.push(piece)).on('error', reject).on('end', () => resolve(Buffer.concat(pieces)));
		})));
		for (const body of bodies) assertPattern(body, 500000);
		session.destroy();
	});
});

test('a client whose socket takes nothing is cut off; one that reads later gets everything', async () => {
	await withServer({ conf: { write_timeout: '1500ms' } }, async (server) => {
		const open = async () => {
			const client = await h2.H2.connect(server.port, { settings: [[h2.INITIAL_WINDOW_SIZE, 0x7fffffff]] });
			await client.send(h2.windowUpdate(0, 0x7fff0000 - 65535));
			client.raw.socket.pause();
			return client;
		};
		const [slow, stuck] = [await open(), await open()];
		await slow.send(headers(1, request(`/download/${20 * MB}`)));
		await stuck.send(headers(1, request('/download/100000000')));
		await sleep(500);
		slow.raw.socket.resume();
		assertPattern((await slow.answer(1, { update: false })).body, 20 * MB);
		slow.destroy();
		let closed = 0;
		for (let i = 0; i < 50 && closed === 0; i++) {
			await sleep(100);
			// The stream, or first the connection: which depends on what the kernel's buffers still take.
			const { families } = await server.metrics();
			closed = families.http_connections_closed_total.rows.write_timeout + families.http2_streams_reset_total.value;
		}
		assert.ok(closed > 0);
		stuck.destroy();
	});
});

test('a flood ends with GOAWAY and a clean end of TLS; a drain, too', async () => {
	const server = await startServer({});
	const flood = await h2.H2.connect(server.port);
	for (let i = 0; i < 30; i++) await flood.send(...Array.from({ length: 50 }, () => frame(h2.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 9]))));
	assert.equal(await flood.end(), h2.ENHANCE_YOUR_CALM);
	flood.destroy();
	const busy = await h2.H2.connect(server.port);
	await busy.send(headers(1, request('/slow/500')), frame(h2.PING, 0, 0, '12345678'));
	await busy.until((f) => f.type === h2.PING);
	server.kill('SIGTERM');
	assert.equal((await busy.until((f) => f.type === h2.GOAWAY)).last, 0x7fffffff);
	assert.equal((await busy.answer(1)).status, 200);
	assert.equal(await busy.end(), h2.NO_ERROR);
	busy.destroy();
	assert.deepEqual(await server.exited, { code: 0, signal: null });
});

test('curl and h2load', async () => {
	await withServer({}, async (server) => {
		const base = `https://127.0.0.1:${server.port}`;
		const { stdout } = await run('curl', ['-sSk', '--max-time', '20', '-w', ' %{http_version} %{http_code}', `${base}/hello`]);
		assert.match(stdout, /Hello, world!.* 2 200$/s);
		const load = await run('h2load', ['-n3000', '-c8', '-m20', '-H', 'X-Test-Rank: last', `${base}/hello`]);
		assert.match(load.stdout, /3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout/, load.stdout);
	});
});
