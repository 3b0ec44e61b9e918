// Ordinary traffic over HTTP/2, from Node's own client, curl, h2load and ours: everything is as over
// HTTP/1.1 but for the fields of the connection.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { get, startServer, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';
import * as h2 from './lib/h2.mjs';

const { frame, headers, request, data, rst, settings, END_HEADERS, END_STREAM } = h2;
const MB = 1 << 20;
const run = promisify(execFile);

function assertPattern(body, n) {
	assert.equal(body.length, n);
	for (let i = 0; i < n; i += 997) assert.equal(body[i], 97 + (i % 26), `byte ${i}`);
}

// One request of Node's client: { status, headers, body }.
function ask(session, fields, body) {
	return new Promise((resolve, reject) => {
		const stream = session.request(fields, { endStream: body === undefined });
		const answer = { body: [] };
		stream.on('response', (all) => Object.assign(answer, { status: all[':status'], headers: all }));
		stream.on('data', (piece) => answer.body.push(piece));
		stream.on('end', () => resolve({ ...answer, body: Buffer.concat(answer.body) }));
		stream.on('error', reject);
		if (body !== undefined) stream.end(body);
	});
}

async function withNode(server, fn) {
	const session = http2.connect(`http://127.0.0.1:${server.port}`);
	try {
		await fn(session);
	} finally {
		session.destroy();
	}
}

// [method, target, fields, body]: the same over both protocols.
const SAME = [
	['GET', '/hello'], ['HEAD', '/hello'], ['GET', '/file'], ['GET', '/file', { 'if-none-match': '"0123456789"' }],
	['GET', '/file', { 'if-match': '"other"' }], ['GET', '/file', { range: 'bytes=3-9' }], ['GET', '/file', { range: 'bytes=900-' }],
	['GET', '/nothing'], ['DELETE', '/hello'], ['OPTIONS', '/hello'], ['BREW', '/hello'], ['GET', '/describe/a%20b?q=1%262&x', { cookie: 'a=b; c=d' }],
	['GET', '/describe/x', { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' }], ['GET', '/%zz'], ['GET', '/describe/..%2f'],
	['GET', '/cors', { origin: 'http://a.example' }],
	['OPTIONS', '/cors', { origin: 'http://a.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' }],
	['POST', '/echo', {}, ''], ['POST', '/echo', {}, 'some text'], ['POST', '/upload', {}, 'x'.repeat(100000)], ['POST', '/hello', {}, 'unwanted'],
	['POST', '/upload/small', {}, 'x'.repeat(1001)], ['POST', '/echo', { expect: 'magic' }, 'x'],
	['GET', '/download/70000'], ['GET', '/chunked/70000'], ['GET', '/chunked/0'], ['HEAD', '/chunked/100'], ['GET', '/split'],
	...['ERR_TOO_BUSY', 'ERR_DEADLINE', 'ERR_NOT_FOUND', 'ERR_SYNTAX', 'ERR_MEMORY'].map((name) => ['GET', `/fail/${name}`]),
	['GET', '/hasty/2000'],
];
const OF_CONNECTIONS = ['connection', 'transfer-encoding', 'keep-alive', 'date', 'retry-after'];
const comparable = (all) => Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith(':') && !OF_CONNECTIONS.includes(name)));

test('the same requests over HTTP/1.1 and HTTP/2 get the same answers', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		for (const [method, target, fields = {}, body] of SAME) {
			const lines = Object.entries(fields).map(([n, v]) => `${n}: ${v}\r\n`).join('');
			const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
			const old = await once(server.port, `${method} ${target} HTTP/1.1\r\nHost: x\r\n${lines}${length}\r\n${body ?? ''}`, method);
			const more = [...Object.entries(fields), ...(body === undefined ? [] : [['content-length', String(body.length)]])];
			const now = await client.exchange(target, more, method, body === undefined ? undefined : Buffer.from(body));
			assert.equal(now.status, old.status, `${method} ${target}`);
			assert.deepEqual(comparable(now.headers), comparable(old.headers), `${method} ${target}`);
			assert.equal(now.body.toString('latin1'), old.body.toString('latin1'), `${method} ${target}`);
			for (const name of ['connection', 'transfer-encoding', 'keep-alive']) assert.ok(!(name in now.headers), name);
			assert.match(now.headers.date, / GMT$/);
			assert.equal('retry-after' in now.headers, 'retry-after' in old.headers, target);
		}
		client.destroy();
	});
});

test("Node's client: many streams at once, up and down", async () => {
	await withServer({}, async (server) => {
		await withNode(server, async (session) => {
			const up = Buffer.alloc(3 * MB, 'u');
			const answers = await Promise.all([
				...Array.from({ length: 60 }, () => ask(session, { ':path': '/hello' })),
				ask(session, { ':path': '/download/5000000' }),
				ask(session, { ':path': '/chunked/5000000' }),
				ask(session, { ':path': '/slow/200' }),
				ask(session, { ':path': '/upload', ':method': 'POST' }, up),
				ask(session, { ':path': '/echo', ':method': 'POST' }, Buffer.alloc(MB, 'e')),
			]);
			for (const answer of answers) assert.equal(answer.status, 200);
			assertPattern(answers[60].body, 5000000);
			assertPattern(answers[61].body, 5000000);
			assert.deepEqual(JSON.parse(answers[63].body), { bytes: up.length, sum: up.length * 117 });
			assert.equal(answers[64].body.length, MB);
		});
	});
});

test('cookies in crumbs are one field again, wherever they stand', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		for (const crumbs of [
			[['cookie', 'a=1'], ['cookie', 'c=crumb']],
			[['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['z', ''], ['cookie', 'c=crumb'], ['w', 'w'.repeat(5000)]],
			[['cookie', 'c=crumb; d=4'], ['cookie', 'e=5']],
		]) {
			assert.equal(JSON.parse((await client.exchange('/describe/x', crumbs)).body).cookie, 'crumb');
		}
		client.destroy();
	});
});

test('requests cut at any byte give the same answers', async () => {
	await withServer({}, async (server) => {
		const bytes = Buffer.concat([
			Buffer.from(h2.PREFACE), settings(), headers(1, request()), headers(3, request('/echo', [], 'POST'), END_HEADERS),
			data(3, 'some'), data(3, ' text', END_STREAM), headers(5, request('/nothing')),
		]);
		for (let at = 1; at < bytes.length; at += 3) {
			const client = await h2.H2.connect(server.port, { preface: false });
			await client.raw.send(bytes.subarray(0, at));
			await new Promise((resolve) => setImmediate(resolve));
			await client.raw.send(bytes.subarray(at));
			const seen = new Map();
			while (seen.size < 3) {
				const f = await client.until((g) => g.type === h2.HEADERS);
				seen.set(f.stream, Object.fromEntries(f.headers)[':status']);
			}
			assert.deepEqual([seen.get(1), seen.get(3), seen.get(5)], ['200', '200', '404'], `cut at ${at}`);
			client.destroy();
		}
	});
});

test('100-continue: asked for a body that is wanted, not for one that is not', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		const expecting = (path, length) => request(path, [['expect', '100-continue'], ['content-length', String(length)]], 'POST');
		for (const [stream, path] of [[1, '/echo'], [3, '/upload']]) {
			await client.send(headers(stream, expecting(path, 5), END_HEADERS));
			const interim = await client.until((f) => f.type === h2.HEADERS);
			assert.deepEqual(interim.headers, [[':status', '100']]);
			await client.send(data(stream, 'hello', END_STREAM));
			assert.equal((await client.answer(stream)).status, 200);
		}
		await client.send(headers(5, expecting('/echo', 2 * MB), END_HEADERS));
		const refused = await client.answer(5);
		assert.equal(refused.status, 413);
		assert.deepEqual(refused.interim, []);
		client.destroy();
	});
});

test('a small body that nobody reads is read over, a large one is told to stop', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(headers(1, request('/careless', [], 'POST'), END_HEADERS));
		assert.equal((await client.answer(1)).status, 200);
		client.credit.set(1, client.left(1)).set(0, client.left(0) - 32768);
		await client.send(data(1, Buffer.alloc(16384)), data(1, Buffer.alloc(16384), END_STREAM), frame(h2.PING, 0, 0, '12345678'));
		await client.until((f) => f.type === h2.PING);
		assert.equal(client.seen.filter((f) => f.type === h2.RST_STREAM).length, 0);
		await client.send(headers(3, request('/careless', [], 'POST'), END_HEADERS));
		assert.equal((await client.answer(3)).status, 200);
		await client.sendBody(3, Buffer.alloc(262144));
		const reset = client.early ?? (await client.until((f) => f.type === h2.RST_STREAM));
		client.early = undefined;
		assert.deepEqual([reset.type, reset.stream, reset.code], [h2.RST_STREAM, 3, h2.NO_ERROR]);
		// What was on its way already does no harm, and its bytes are given back to the connection's window.
		client.next = 5;
		const answer = await client.exchange('/upload', [], 'POST', Buffer.alloc(2 * MB, 'b'));
		assert.equal(JSON.parse(answer.body).bytes, 2 * MB);
		client.destroy();
	});
});

test('a stream that ends too early does not look complete', async () => {
	await withServer({}, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(headers(1, request('/short')));
		const answer = await client.answer(1);
		assert.equal(answer.headers['content-length'], '2000');
		assert.equal(Buffer.concat(answer.body).length, 1000);
		assert.equal(answer.reset, h2.INTERNAL_ERROR);
		client.next = 3;
		assert.equal((await client.exchange('/hello')).status, 200);
		client.destroy();
	});
});

test('a client that resets a stream, or goes away, stops the work for it', async () => {
	await withServer({}, async (server) => {
		const cancelled = async () => Number((await once(server.port, get('/cancelled'))).body);
		for (const how of ['reset', 'close']) {
			const before = await cancelled();
			const client = await h2.H2.connect(server.port);
			await client.send(headers(1, request('/compute/20000')), headers(3, request('/slow/20000')), frame(h2.PING, 0, 0, '12345678'));
			await client.until((f) => f.type === h2.PING);
			if (how === 'reset') await client.send(rst(1), rst(3));
			else client.destroy();
			for (let i = 0; i < 100 && (await cancelled()) < before + 2; i++) await sleep(20);
			assert.equal(await cancelled(), before + 2, how);
			client.destroy();
		}
	});
});

test('a connection that vanishes in the middle of anything leaves nothing behind', async () => {
	await withServer({}, async (server) => {
		const hello = [Buffer.from(h2.PREFACE), settings()];
		const beginnings = [
			[hello[0].subarray(0, 20)], [hello[0]], hello, [...hello, headers(1, request()).subarray(0, 20)], [...hello, frame(h2.HEADERS, 1, 1, '')],
			[...hello, headers(1, request('/echo', [], 'POST'), END_HEADERS), data(1, 'xx')],
			[...hello, headers(1, request('/upload', [], 'POST'), END_HEADERS), data(1, 'xx')],
			[...hello, ...[1, 3, 5, 7].map((id) => headers(id, request('/slow/100')))], [...hello, headers(1, request('/compute/5000'))],
			[...hello, headers(1, request('/download/50000000')), headers(3, request('/chunked/50000000'))],
			[...hello, headers(1, request('/upload/late/100', [], 'POST'), END_HEADERS), data(1, 'xx')],
			[...hello, headers(1, request('/echo', [], 'POST'), END_HEADERS), data(1, 'xx'), headers(1, [['a', 'b']], END_HEADERS)],
		];
		for (const how of ['destroy', 'reset']) {
			for (const bytes of beginnings) {
				const raw = await Raw.connect(server.port);
				await raw.send(Buffer.concat(bytes));
				await sleep(20);
				if (how === 'reset') raw.socket.resetAndDestroy?.();
				raw.destroy();
			}
		}
		let open;
		for (let i = 0; i < 50 && open !== 1; i++) {
			await sleep(100);
			open = (await server.metrics()).processes[0].connections;
		}
		assert.equal(open, 1, 'only the one that asks');
	});
});

test('refusals for load: 503 with Retry-After on the stream, health is answered all the same', async () => {
	await withServer({ tasks: 2 }, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(headers(1, request('/slow/3000')), headers(3, request('/slow/3000')));
		client.next = 5;
		const refused = await client.exchange('/slow/1');
		assert.equal(refused.status, 503);
		assert.match(refused.headers['retry-after'], /^\d+$/);
		assert.equal((await client.exchange('/__lbheartbeat__')).status, 200);
		client.destroy();
	});
	await withServer({}, async (server) => {
		await once(server.port, 'POST /set/compute_wait/60000000 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
		const client = await h2.H2.connect(server.port);
		// The body of a refused request is never asked for.
		const statuses = [];
		for (let i = 0; i < 20; i++) {
			await client.send(headers(2 * i + 1, request('/compute', [['content-length', '1000000']], 'POST'), END_HEADERS));
			const f = await client.until((g) => g.type === h2.HEADERS || g.type === h2.WINDOW_UPDATE || g.type === h2.RST_STREAM);
			if (f.type === h2.HEADERS) statuses.push(Object.fromEntries(f.headers)[':status']);
		}
		assert.ok(statuses.includes('503'), statuses.join());
		client.destroy();
	});
});

test('the access log and the counters know requests of both protocols', async () => {
	await withServer({ log: true }, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.exchange('/describe/here?secret=1');
		await client.exchange('/nothing');
		const { families, processes } = await server.metrics();
		assert.equal(families.http_requests_total.rows['test.describe'], 1);
		assert.equal(families.http_responses_total.rows['2xx'], 1);
		assert.equal(families.http_responses_total.rows['4xx'], 1);
		assert.equal(families.http_request_seconds.rows['test.describe'].count, 1);
		assert.equal(families.http2_connections_total.value, 1);
		assert.equal(families.http2_streams_total.value, 2);
		assert.equal(processes[0].connections, 2, 'a stream is no connection');
		client.destroy();
		for (let i = 0; i < 50 && !server.stderr().includes('event=request'); i++) await sleep(50);
		assert.match(server.stderr(), /event=request method=GET path=\/describe\/here status=200 us=\d+ bytes=\d+ op=test\.describe client=127\.0\.0\.1 trace=[0-9a-f]{16}/);
		assert.ok(!server.stderr().includes('secret'));
	});
});

test('drain: two GOAWAYs, work in progress is finished, what comes in between is served', async () => {
	const server = await startServer();
	const idle = await h2.H2.connect(server.port);
	await idle.exchange('/hello');
	const busy = await h2.H2.connect(server.port);
	await busy.send(headers(1, request('/slow/700')), headers(3, request('/echo', [], 'POST'), END_HEADERS), data(3, 'hello'), frame(h2.PING, 0, 0, '12345678'));
	await busy.until((f) => f.type === h2.PING);
	// Answered, but its client will never end the body.
	const half = await h2.H2.connect(server.port);
	await half.send(headers(1, request('/careless', [], 'POST'), END_HEADERS));
	await half.answer(1);
	const started = Date.now();
	server.kill('SIGTERM');
	const first = await busy.until((f) => f.type === h2.GOAWAY);
	assert.deepEqual([first.last, first.code], [0x7fffffff, h2.NO_ERROR]);
	const ping = await busy.until((f) => f.type === h2.PING && !(f.flags & h2.ACK));
	await busy.send(headers(5, request('/hello')), frame(h2.PING, h2.ACK, 0, ping.payload));
	assert.equal((await busy.answer(5)).status, 200, 'sent before the second GOAWAY');
	const second = busy.seen.filter((f) => f.type === h2.GOAWAY)[1] ?? (await busy.until((f) => f.type === h2.GOAWAY));
	assert.deepEqual([second.last, second.code], [5, h2.NO_ERROR]);
	await busy.send(data(3, 'world', END_STREAM));
	assert.equal((await busy.answer(3)).body.toString(), 'helloworld');
	assert.equal((await busy.answer(1)).status, 200);
	assert.equal(await busy.read(5000), null, 'then it is closed');
	assert.equal(await idle.end(5000), h2.NO_ERROR);
	assert.equal(await half.end(5000), h2.NO_ERROR);
	for (const client of [idle, busy, half]) client.destroy();
	assert.deepEqual(await server.exited, { code: 0, signal: null });
	assert.ok(Date.now() - started < 4500, 'before the deadline, which is 5 s');
});

test('one address has at most max_connections_per_address, streams do not count', async () => {
	await withServer({ conf: { max_connections_per_address: 2, trusted_proxies: '10.0.0.0/8' } }, async (server) => {
		const client = await h2.H2.connect(server.port);
		await client.send(...Array.from({ length: 20 }, (_, i) => headers(2 * i + 1, request('/slow/100'))));
		client.next = 41;
		assert.equal((await client.exchange('/hello')).status, 200);
		client.destroy();
	});
});

test('curl', async () => {
	await withServer({}, async (server) => {
		const base = `http://127.0.0.1:${server.port}`;
		const curl = async (...args) => (await run('curl', ['-sS', '--max-time', '20', '--http2-prior-knowledge', '-w', ' %{http_version} %{http_code}', ...args], { maxBuffer: 32 * MB })).stdout;
		assert.match(await curl(`${base}/hello`), /Hello, world!.* 2 200$/s);
		assert.match(await curl('-d', 'a=b', `${base}/echo`), /^a=b 2 200$/);
		assert.match(await curl('-I', `${base}/file`), /^HTTP\/2 200.* 2 200$/s);
		assert.equal((await curl('-o', '/dev/null', '-w', '%{size_download} %{http_code}', `${base}/download/5000000`)), '5000000 200');
		const large = path.join(mkdtempSync(path.join(os.tmpdir(), 'plimsoll-http2-')), 'large');
		writeFileSync(large, Buffer.alloc(3 * MB, 'a'));
		assert.match(await curl('-H', 'Transfer-Encoding: chunked', '--data-binary', `@${large}`, `${base}/upload`), /"bytes":3145728,.* 2 200$/s);
		rmSync(path.dirname(large), { recursive: true });
		assert.match(await curl('-F', 'a=b', `${base}/hello`), / 2 405$/);
	});
});

const H2LOAD = (() => {
	try {
		return execFileSync('h2load', ['--version'], { stdio: 'pipe' }).length > 0;
	} catch {
		return false;
	}
})();

// Of work already begun: on a slow machine 160 at once are more than others may stand in line for.
test('h2load: none of many requests fails', { skip: !H2LOAD && 'h2load is not installed' }, async () => {
	await withServer({}, async (server) => {
		for (const [n, target, ...more] of [[5000, '/hello'], [1000, '/slow/1'], [300, '/download/100000'], [300, '/upload', '-d', process.argv[1]]]) {
			const { stdout } = await run('h2load', [`-n${n}`, '-c8', '-m20', '-H', 'X-Test-Rank: last', ...more, `http://127.0.0.1:${server.port}${target}`]);
			assert.match(stdout, new RegExp(`${n} done, ${n} succeeded, 0 failed, 0 errored, 0 timeout`), stdout);
		}
	});
});

test('an idle connection holds little memory', async (t) => {
	await withServer({}, async (server) => {
		const one = async () => {
			const client = await h2.H2.connect(server.port);
			await client.exchange('/hello');
			return client;
		};
		for (let i = 0; i < 50; i++) (await one()).destroy();
		await sleep(300);
		const before = server.rss();
		const clients = [];
		for (let i = 0; i < 500; i += 50) clients.push(...(await Promise.all(Array.from({ length: 50 }, one))));
		const each = (server.rss() - before) / clients.length;
		t.diagnostic(`${each.toFixed(0)} bytes per idle connection, with the sanitizers' own`);
		assert.ok(each < 65536, `${each} bytes each`);
		for (const client of clients) client.destroy();
	});
});
