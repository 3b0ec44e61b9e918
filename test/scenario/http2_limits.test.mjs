// Floods, slow clients and greedy ones over HTTP/2: each has a bound, a counter and an answer.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, withServer } from './lib/http_server.mjs';
import { once } from './lib/raw.mjs';
import * as h2 from './lib/h2.mjs';

const { frame, headers, request, literals, data, rst, windowUpdate, settings, END_HEADERS, END_STREAM } = h2;
const MB = 1 << 20;

async function families(server) {
	return (await server.metrics()).families;
}

// Sends frames made by make(i) until the server ends the connection; its error and how many went out.
async function flood(client, make, most = 20000) {
	let sent = 0;
	for (; sent < most && !client.raw.ended; sent += 50) {
		await client.send(...Array.from({ length: 50 }, (_, i) => make(sent + i)));
		// Round trips, so that streams which the server resets are gone before the next come.
		const seen = client.seen.length;
		await client.send(frame(h2.PING, 0, 0, 'flooding'));
		while (client.seen.length - seen < 200) {
			const f = await client.read(5000);
			if (f === null || f.type === h2.GOAWAY || (f.type === h2.PING && f.payload.toString() === 'flooding')) break;
		}
	}
	await client.end();
	return { code: client.seen.find((f) => f.type === h2.GOAWAY)?.code, sent };
}

const id = (i) => 2 * i + 1;
const block = literals(request());
const FLOODS = [
	['resets', 'rapid reset (CVE-2023-44487)', (i) => Buffer.concat([headers(id(i), request('/slow/1000')), rst(id(i))])],
	['resets', 'streams that must be reset for their errors', (i) => Buffer.concat([headers(id(i), request('/upload', [['content-length', '1']], 'POST'), END_HEADERS), data(id(i), 'ab')])],
	['noise', 'PING', () => frame(h2.PING, 0, 0, '12345678')],
	['noise', 'SETTINGS', () => settings([[h2.INITIAL_WINDOW_SIZE, 65535]])],
	['noise', 'empty SETTINGS', () => settings()],
	['noise', 'PRIORITY', () => frame(h2.PRIORITY, 0, 1, Buffer.concat([h2.u32(0), Buffer.from([16])]))],
	['noise', 'WINDOW_UPDATE', () => windowUpdate(0, 1)],
	['noise', 'empty DATA', (i) => (i === 0 ? headers(1, request('/upload', [], 'POST'), END_HEADERS) : data(1, ''))],
	['noise', 'HEADERS of old streams', (i) => headers(i === 0 ? 9 : 1, request())],
	['flooded', 'CONTINUATION', (i) => (i === 0 ? frame(h2.HEADERS, END_STREAM, 1, block) : frame(h2.CONTINUATION, 0, 1, literals([[`x${i}`, 'y']])))],
	['flooded', 'empty CONTINUATION', (i) => (i === 0 ? frame(h2.HEADERS, END_STREAM, 1, block) : frame(h2.CONTINUATION, 0, 1, ''))],
];

for (const [why, name, make] of FLOODS) {
	test(`a flood of ${name} is told to be calm`, async () => {
		await withServer({}, async (server) => {
			const client = await h2.H2.connect(server.port);
			const { code } = await flood(client, make);
			client.destroy();
			assert.ok(code === h2.ENHANCE_YOUR_CALM, `error ${code}`);
			const cut = (await families(server)).http2_connections_cut_total.rows;
			// Of PING and SETTINGS too many in one packet are nghttp2's affair.
			assert.equal(cut[why] + (why === 'noise' ? cut.flooded : 0), 1, JSON.stringify(cut));
			const other = await h2.H2.connect(server.port);
			assert.equal((await other.exchange('/hello')).status, 200, 'others are served');
			other.destroy();
		});
	});
}

test('a rapid reset cancels the work it asked for', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		for (let i = 0; i < 50; i++) await client.send(headers(id(i), request('/slow/60000')));
		await client.send(frame(h2.PING, 0, 0, '12345678'));
		await client.until((f) => f.type === h2.PING);
		for (let i = 0; i < 50; i++) await client.send(rst(id(i)));
		client.next = 101;
		let cancelled = 0;
		for (let i = 0; i < 50 && cancelled < 50; i++) {
			await sleep(20);
			cancelled = Number((await client.exchange('/cancelled')).body);
		}
		assert.equal(cancelled, 50);
		client.destroy();
	});
});

test('a header list that is small on the wire and huge in memory ends the connection', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		// One literal of 4000 bytes goes into the table; each of the 16000 bytes behind it is a copy.
		const big = Buffer.concat([Buffer.from([0x40]), literals([['big', 'b'.repeat(4000)]]).subarray(1)]);
		await client.send(frame(h2.HEADERS, 5, 1, Buffer.concat([literals(request()), big, Buffer.alloc(10000, 0xbe)])));
		assert.equal(await client.end(), h2.ENHANCE_YOUR_CALM);
		assert.equal((await families(server)).http2_connections_cut_total.rows.header_list, 1);
		client.destroy();
	});
});

test('a long head gets 431, a long target 414, just below the limit 200', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		const long = (n) => [['x', 'a'.repeat(n)]];
		assert.equal((await client.exchange('/hello', long(15000))).status, 200);
		assert.equal((await client.exchange(`/hello?${'a'.repeat(9000)}`)).status, 414);
		assert.equal((await client.exchange(`/hello?${'a'.repeat(8000)}`)).status, 200);
		assert.equal((await client.exchange('/hello', Array.from({ length: 100 }, (_, i) => [`x${i}`, 'y']))).status, 431);
		const stream = client.next;
		client.next += 2;
		const block431 = literals(request('/hello', long(17000)));
		await client.send(frame(h2.HEADERS, END_STREAM, stream, block431.subarray(0, 16000)), frame(h2.CONTINUATION, END_HEADERS, stream, block431.subarray(16000)));
		assert.equal((await client.answer(stream)).status, 431);
		assert.equal((await client.exchange('/hello')).status, 200, 'the connection serves on');
		client.destroy();
	});
});

test('a header block that comes too slowly ends the connection', async () => {
	await withServer({ conf: { header_timeout: '500ms' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		const started = Date.now();
		await client.send(frame(h2.HEADERS, END_STREAM, 1, block));
		assert.equal(await client.end(), h2.ENHANCE_YOUR_CALM);
		assert.ok(Date.now() - started >= 450);
		const all = await families(server);
		assert.equal(all.http2_connections_cut_total.rows.slow_head, 1);
		client.destroy();
	});
});

test('a connection without a stream is closed: at first after header_timeout, later after idle_timeout', async () => {
	await withServer({ conf: { header_timeout: '400ms', idle_timeout: '900ms' } }, async (server) => {
		const silent = await h2.H2.connect(server.port);
		assert.equal(await silent.end(), h2.NO_ERROR);
		const client = await h2.H2.connect(server.port);
		await client.exchange('/hello');
		const started = Date.now();
		assert.equal(await client.end(), h2.NO_ERROR);
		assert.ok(Date.now() - started >= 850, `after ${Date.now() - started} ms`);
		assert.equal((await families(server)).http_connections_closed_total.rows.idle, 2);
	});
});

test('a body below the minimum rate gets 408, collected or streamed, and the connection serves on', async () => {
	await withServer({ conf: { body_grace: '400ms', min_body_rate: '1k' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		for (const [i, path] of ['/echo', '/upload'].entries()) {
			await client.send(headers(id(i), request(path, [['content-length', '100000']], 'POST'), END_HEADERS));
			const drip = setInterval(() => client.send(data(id(i), 'x')), 50);
			assert.equal((await client.answer(id(i))).status, 408, path);
			clearInterval(drip);
		}
		client.next = 5;
		assert.equal((await client.exchange('/hello')).status, 200);
		client.destroy();
	});
});

test('a body beyond the limit of its row gets 413, with a length and without', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(headers(1, request('/echo', [['content-length', '1048577']], 'POST'), END_HEADERS));
		assert.equal((await client.answer(1)).status, 413);
		client.next = 3;
		assert.equal((await client.exchange('/echo', [], 'POST', Buffer.alloc(MB, 'x'))).body.length, MB);
		assert.equal((await client.exchange('/echo', [], 'POST', Buffer.alloc(MB + 1, 'x'))).status, 413);
		assert.equal((await client.exchange('/upload/small', [], 'POST', Buffer.alloc(1001, 'x'))).status, 413);
		assert.equal((await client.exchange('/hello')).status, 200);
		assert.equal((await client.exchange('/hello', [], 'GET', Buffer.alloc(0))).status, 200, 'an empty body is none');
		assert.equal((await client.exchange('/hello', [], 'GET', Buffer.from('body'))).status, 413);
		client.destroy();
	});
});

test('what a handler does not read yet is bounded by the windows, and waits', async () => {
	await withServer({ conf: { http2_window: '128k' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		assert.equal(client.serverSettings[h2.INITIAL_WINDOW_SIZE], 65536);
		const answer = await client.exchange('/upload/late/300', [], 'POST', Buffer.alloc(300000, 'b'));
		assert.deepEqual(JSON.parse(answer.body), { bytes: 300000, sum: 300000 * 98 });
		await client.send(headers(3, request('/upload/late/60000', [], 'POST'), END_HEADERS), headers(5, request('/upload/late/60000', [], 'POST'), END_HEADERS));
		await client.send(frame(h2.PING, 0, 0, '12345678'));
		await client.until((f) => f.type === h2.PING);
		for (let i = 0; i < 4; i++) await client.send(data(3, Buffer.alloc(16384)));
		await client.send(data(3, 'x'));
		const f = await client.until((g) => g.type === h2.RST_STREAM || g.type === h2.GOAWAY);
		assert.equal(f.code, h2.FLOW_CONTROL_ERROR, 'beyond the window is an error');
		client.destroy();
	});
});

test('an upload far beyond the windows goes through in bounded memory', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.exchange('/upload', [], 'POST', Buffer.alloc(MB, 'b'));
		const before = server.rss();
		const answer = await client.exchange('/upload', [], 'POST', Buffer.alloc(30 * MB, 'b'));
		assert.deepEqual(JSON.parse(answer.body), { bytes: 30 * MB, sum: 30 * MB * 98 });
		assert.ok(server.rss() - before < 8 * MB, `grew by ${server.rss() - before} bytes`);
		client.destroy();
	});
});

test('bodies are refused when the memory for them is used up', async () => {
	await withServer({ conf: { max_body_memory: '256k' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		for (let i = 0; i < 3; i++) {
			await client.send(headers(id(i), request('/echo', [['content-length', '200000']], 'POST'), END_HEADERS));
			for (let k = 0; k < 6; k++) await client.send(data(id(i), Buffer.alloc(16384, 'x')));
		}
		const refused = await client.until((f) => f.type === h2.HEADERS);
		const all = Object.fromEntries(refused.headers);
		assert.equal(all[':status'], '503');
		assert.match(all['retry-after'], /^\d+$/);
		client.destroy();
	});
});

test('a client that gives no window is cut off after write_timeout: the stream, not the connection', async () => {
	await withServer({ conf: { write_timeout: '500ms' } }, async (server) => {
		const client = await h2.H2.connect(server.port, { settings: [[h2.INITIAL_WINDOW_SIZE, 0]] });
		await client.send(headers(1, request('/download/100000')), headers(3, request('/file')));
		const codes = [(await client.until((f) => f.type === h2.RST_STREAM)).code, (await client.until((f) => f.type === h2.RST_STREAM)).code];
		assert.deepEqual(codes, [h2.CANCEL, h2.CANCEL]);
		await client.send(settings([[h2.INITIAL_WINDOW_SIZE, 65535]]));
		client.next = 5;
		assert.equal((await client.exchange('/hello')).status, 200);
		client.destroy();
	});
});

test('a client whose socket takes nothing is cut off after write_timeout', async () => {
	await withServer({ conf: { write_timeout: '500ms' } }, async (server) => {
		const client = await h2.H2.connect(server.port, { settings: [[h2.INITIAL_WINDOW_SIZE, 0x7fffffff]] });
		await client.send(windowUpdate(0, 0x7fff0000 - 65535));
		client.raw.socket.pause();
		await client.send(headers(1, request('/download/50000000')));
		let closed = 0;
		for (let i = 0; i < 50 && closed === 0; i++) {
			await sleep(100);
			// The stream, or first the connection: which depends on what the kernel's buffers still take.
			const all = await families(server);
			closed = all.http_connections_closed_total.rows.write_timeout + all.http2_streams_reset_total.value;
		}
		assert.ok(closed > 0);
		client.destroy();
	});
});

test('a window of one byte at a time is a flood, too', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port, { settings: [[h2.INITIAL_WINDOW_SIZE, 0]] });
		await client.send(headers(1, request('/download/100000')));
		const { code } = await flood(client, () => windowUpdate(1, 1));
		assert.equal(code, h2.ENHANCE_YOUR_CALM);
		client.destroy();
	});
});

test('a slow reader holds its streams and no memory, and others are served meanwhile', async () => {
	await withServer({}, async (server) => {
		assert.equal((await once(server.port, get('/hello'))).status, 200);
		const before = server.rss();
		const client = await h2.H2.connect(server.port, { settings: [[h2.INITIAL_WINDOW_SIZE, 0x7fffffff]] });
		await client.send(windowUpdate(0, 0x7fff0000 - 65535));
		client.raw.socket.pause();
		await client.send(...[0, 1, 2, 3].map((i) => headers(id(i), request(`/download/${20 * MB}`))));
		await sleep(500);
		assert.ok(server.rss() - before < 6 * MB, `grew by ${server.rss() - before} bytes`);
		for (let i = 0; i < 20; i++) assert.equal((await once(server.port, get('/hello'))).status, 200);
		client.destroy();
	});
});

test('streams of all connections together are bounded: more are refused and may be tried again', async () => {
	await withServer({ conf: { http2_streams_total: '10' } }, async (server) => {
		const a = await h2.H2.connect(server.port);
		const b = await h2.H2.connect(server.port);
		for (let i = 0; i < 8; i++) await a.send(headers(id(i), request('/slow/60000')));
		await a.send(frame(h2.PING, 0, 0, '12345678'));
		await a.until((f) => f.type === h2.PING);
		for (let i = 0; i < 3; i++) await b.send(headers(id(i), request('/slow/60000')));
		const refused = await b.until((f) => f.type === h2.RST_STREAM);
		assert.deepEqual([refused.stream, refused.code], [5, h2.REFUSED_STREAM]);
		for (let i = 0; i < 8; i++) await a.send(rst(id(i)));
		await a.send(frame(h2.PING, 0, 0, '12345678'));
		await a.until((f) => f.type === h2.PING);
		b.next = 7;
		assert.equal((await b.exchange('/hello')).status, 200);
		a.destroy();
		b.destroy();
	});
});

test('a full class queue refuses streams with 503 and Retry-After', async () => {
	await withServer({ conf: { max_queue: '5' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(headers(1, request('/burn/200000')));
		await sleep(50);
		await client.send(...Array.from({ length: 20 }, (_, i) => headers(id(i + 1), request('/burn/1'))));
		const statuses = [];
		for (let i = 0; i < 21; i++) {
			const f = await client.until((g) => g.type === h2.HEADERS);
			const all = Object.fromEntries(f.headers);
			statuses.push(all[':status']);
			if (all[':status'] === '503') assert.match(all['retry-after'], /^\d+$/);
		}
		assert.ok(statuses.filter((s) => s === '503').length >= 10, statuses.join());
		assert.ok(statuses.filter((s) => s === '200').length >= 6, statuses.join());
		client.destroy();
	});
});
