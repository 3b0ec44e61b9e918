// nginx and HAProxy in front with the files of doc/front: what comes through unchanged, who the client
// is then, what a client cannot forge, and what is never sent twice.
import assert from 'node:assert/strict';
import test from 'node:test';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { Client, signUp } from '../harness/client.mjs';
import { startFront } from '../harness/front.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { get, post, startServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

const FRONTS = ['nginx', 'haproxy', 'haproxy-proxy-protocol'];
const CLIENT = '127.0.0.7'; // not trusted, other than the fronts' 127.0.0.1
const MIB = 1 << 20;
const usesHeader = (kind) => kind === 'haproxy-proxy-protocol';

async function withFront(kind, fn, conf = {}) {
	const trust = { trusted_proxies: '127.0.0.1', proxy_protocol: usesHeader(kind) ? 'yes' : 'no' };
	const server = await startServer({ conf: { ...trust, ...conf }, log: true });
	let front;
	try {
		front = await startFront(kind, server.port);
		await fn(front, server);
	} finally {
		await front?.stop();
		await server.stop();
	}
}

function connect(front, options = {}) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ port: front.port, host: '127.0.0.1', localAddress: CLIENT, ca: front.ca, ...options }, () => resolve(new Raw(socket)));
		socket.once('error', reject);
	});
}

async function onceThrough(front, bytes, method) {
	const raw = await connect(front);
	try {
		return await raw.exchange(bytes, method);
	} finally {
		raw.destroy();
	}
}

// A request with Node's own client; body may be a function that writes.
function request(front, options, body) {
	return new Promise((resolve, reject) => {
		const req = https.request({ host: '127.0.0.1', port: front.port, ca: front.ca, localAddress: CLIENT, agent: false, ...options }, (res) => {
			const pieces = [];
			res.on('data', (piece) => pieces.push(piece));
			res.on('error', reject);
			res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(pieces) }));
		});
		req.on('error', reject);
		if (typeof body === 'function') body(req);
		else req.end(body);
	});
}

function overHttp2(front, path, headers = {}) {
	return new Promise((resolve, reject) => {
		const session = http2.connect(front.url, { ca: front.ca, createConnection: () => tls.connect({ port: front.port, host: '127.0.0.1', localAddress: CLIENT, ca: front.ca, ALPNProtocols: ['h2'] }) });
		session.on('error', reject);
		const stream = session.request({ ':path': path, ...headers });
		let status;
		let text = '';
		stream.on('response', (h) => (status = h[':status']));
		stream.setEncoding('utf8').on('data', (piece) => (text += piece));
		stream.on('error', reject);
		stream.on('end', () => (session.close(), resolve({ status, text })));
	});
}

const sumOf = (buffer) => buffer.reduce((sum, byte) => sum + byte, 0);
const pattern = (n) => Buffer.from(Array.from({ length: 26 }, (_, i) => 97 + i)).toString('latin1').repeat(Math.ceil(n / 26)).slice(0, n);

async function untilLogged(server, what) {
	for (const end = Date.now() + 10000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
		const line = server.stderr().split('\n').find((text) => what.test(text));
		if (line) return line;
	}
	throw new Error(`never logged: ${what}\n${server.stderr()}`);
}

// What each front must do: [name, async (front, server) => ...].
const EXPECTED = {
	async 'many calls on one connection, few connections behind'(front) {
		const raw = await connect(front);
		const opened = async () => JSON.parse((await raw.exchange(get('/metrics.json'))).body).families.http_connections_opened_total.value;
		const before = await opened();
		for (let i = 0; i < 50; i++) assert.equal((await raw.exchange(get('/hello'))).status, 200);
		assert.equal((await raw.exchange(get('/nothing'))).status, 404);
		const after = await opened();
		assert.ok(before > 0 && after - before <= 2, `${before} ${after}`); // a health check may be among them
		raw.destroy();
	},

	async 'the client and its https are seen; what it claims is not believed'(front, server) {
		const forged =
			'X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\nX-Forwarded-For: 6.6.6.7\r\nX-Forwarded-Proto: http\r\nForwarded: for=6.6.6.8;proto=http\r\nX-Real-IP: 6.6.6.9\r\n';
		for (const headers of ['', forged]) {
			const { client, https: isHttps, host } = JSON.parse((await onceThrough(front, get('/describe/x', headers))).body);
			assert.deepEqual([client, isHttps, host], [CLIENT, true, 'x']);
		}
		assert.match(await untilLogged(server, /path=\/describe/), new RegExp(`client=${CLIENT} `));
	},

	async 'nobody can begin a connection with a PROXY header of his own'(front) {
		for (const bytes of ['PROXY TCP4 6.6.6.6 127.0.0.1 1 2\r\n', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x06\x06\x06\x06\x7f\0\0\x01\0\x01\0\x02']) {
			const raw = await connect(front);
			await raw.send(bytes + get('/describe/x', 'Connection: close\r\n'));
			assert.doesNotMatch((await raw.readRest(5000)).toString('latin1'), /6\.6\.6\.6|200 OK/);
			raw.destroy();
		}
	},

	async 'eight MiB down and up, with a length and in chunks'(front) {
		const expected = pattern(8 * MIB);
		for (const path of [`/download/${8 * MIB}`, `/chunked/${8 * MIB}`]) {
			const answer = await request(front, { path });
			assert.equal(answer.status, 200);
			assert.ok(answer.body.equals(Buffer.from(expected)), path);
		}
		const body = Buffer.from(expected);
		const wanted = { bytes: body.length, sum: sumOf(body) };
		assert.deepEqual(JSON.parse((await request(front, { path: '/upload', method: 'POST', headers: { 'content-length': body.length } }, body)).body), wanted);
		const chunked = await request(front, { path: '/upload', method: 'POST' }, (req) => {
			for (let at = 0; at < body.length; at += 100000) req.write(body.subarray(at, at + 100000));
			req.end();
		});
		assert.deepEqual(JSON.parse(chunked.body), wanted);
	},

	async 'bytes of a body reach the server before the rest is sent'(front, server) {
		const raw = await connect(front);
		await raw.send('POST /hasty HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nhalf of it');
		// The row's deadline of 300 ms runs only because the request is with the server already.
		const answer = await raw.read();
		assert.ok([408, 503].includes(answer.status), String(answer.status));
		assert.match(await untilLogged(server, /path=\/hasty/), /status=(408|503)/);
		raw.destroy();
	},

	async 'a body over the limit of its operation is refused before it is sent'(front) {
		const raw = await connect(front);
		const answer = await raw.exchange('POST /upload/small HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n');
		assert.equal(answer.status, 413);
		raw.destroy();
		const chunked = await connect(front);
		await chunked.send('POST /upload/small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
		await chunked.send(`1000\r\n${'x'.repeat(4096)}\r\n`);
		assert.equal((await chunked.read()).status, 413);
		chunked.destroy();
	},

	async 'Expect: 100-continue'(front) {
		const raw = await connect(front);
		await raw.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
		assert.equal((await raw.read()).status, 100);
		const answer = await raw.exchange('hello');
		assert.deepEqual([answer.status, answer.body.toString()], [200, 'hello']);
		raw.destroy();
	},

	async 'a slow client gets through, one that stops is let go'(front, server) {
		const raw = await connect(front);
		await raw.sendPieces([...get('/hello')], 4);
		assert.equal((await raw.read()).status, 200);
		await raw.sendPieces(['POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n', ...'a body, byte by byte.'.slice(0, 20)], 20);
		assert.equal((await raw.read()).body.length, 20);
		// A reader that takes its time: the sockets on the way are full meanwhile.
		raw.socket.pause();
		await raw.send(get(`/download/${16 * MIB}`));
		await untilLogged(server, /path=\/echo/);
		await new Promise((resolve) => setTimeout(resolve, 300));
		raw.socket.resume();
		assert.equal((await raw.read()).body.length, 16 * MIB);
		await raw.send('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx');
		assert.equal((await raw.read()).status, 408);
		raw.destroy();
	},

	async 'HEAD, conditions and ranges are as from the server itself'(front, server) {
		const direct = usesHeader(front.kind)
			? async (bytes, method) => once(server.port, `PROXY UNKNOWN\r\n${bytes}`, method)
			: async (bytes, method) => once(server.port, bytes, method);
		const { etag } = (await direct(get('/file'))).headers;
		const asked = [
			[get('/file', 'Accept-Encoding: gzip\r\n'), 'GET'],
			[get('/file').replace('GET', 'HEAD'), 'HEAD'],
			[get('/file', `If-None-Match: ${etag}\r\n`), 'GET'],
			[get('/file', 'If-None-Match: "other"\r\n'), 'GET'],
			[get('/file', 'If-Match: "other"\r\n'), 'GET'],
			[get('/file', `If-Range: ${etag}\r\nRange: bytes=3-8\r\n`), 'GET'],
			[get('/file', 'Range: bytes=99999-\r\n'), 'GET'],
		];
		const kept = ['content-length', 'content-type', 'content-range', 'content-encoding', 'etag', 'cache-control', 'vary', 'accept-ranges'];
		for (const [bytes, method] of asked) {
			const [ours, theirs] = [await direct(bytes, method), await onceThrough(front, bytes, method)];
			assert.equal(theirs.status, ours.status, bytes);
			for (const name of kept) assert.equal(theirs.headers[name], ours.headers[name], `${name} of ${bytes}`);
			assert.ok(theirs.body.equals(ours.body));
		}
	},

	async 'a refusal comes through with its Retry-After and its words'(front, server) {
		assert.equal((await onceThrough(front, post('/set/compute_wait/60000000', ''))).status, 204);
		const refused = await onceThrough(front, get('/compute/1'));
		assert.equal(refused.status, 503);
		assert.match(refused.headers['retry-after'], /^\d+$/);
		assert.match(await untilLogged(server, /path=\/compute\/1/), /status=503/);
		const failed = await onceThrough(front, get('/fail/TOO_BUSY'));
		assert.deepEqual([failed.status, 'retry-after' in failed.headers], [503, true]);
		assert.equal((await onceThrough(front, get('/hello'))).status, 200, 'the front goes on asking');
		assert.equal((await onceThrough(front, get('/fail/SYSTEM'))).status, 500);
	},

	async 'health checks; plain HTTP is sent to https'(front) {
		assert.equal((await onceThrough(front, get('/__lbheartbeat__'))).status, 200);
		// HAProxy asks the health listener, for readiness and for the weight.
		for (const line of front.kind === 'nginx' ? [] : ['GET /ready HTTP/1.1', 'load']) {
			await until(line, () => front.asked.includes(line));
		}
		const plain = await new Promise((resolve, reject) => http.get({ host: '127.0.0.1', port: front.plainPort, path: '/a?b', agent: false }, resolve).on('error', reject));
		plain.resume();
		assert.equal(plain.statusCode, 301);
		assert.match(plain.headers.location, /^https:\/\/127\.0\.0\.1.*\/a\?b$/);
	},

	async 'HTTP/2 outside'(front) {
		if (usesHeader(front.kind)) return; // bytes are passed on: what Plimsoll speaks is what there is
		const answer = await overHttp2(front, '/describe/x', { 'x-forwarded-for': '6.6.6.6' });
		assert.equal(answer.status, 200);
		assert.deepEqual([JSON.parse(answer.text).client, JSON.parse(answer.text).https], [CLIENT, true]);
	},
};

for (const kind of FRONTS) {
	test(`${kind} in front`, async (t) => {
		await withFront(
			kind,
			async (front, server) => {
				for (const [name, run] of Object.entries(EXPECTED)) await t.test(name, () => run(front, server));
			},
			{ body_grace: '1500ms' },
		);
	});
}

// A server that answers the first request of a connection and breaks it at the second.
async function startFragile() {
	const seen = [];
	const server = net.createServer((socket) => {
		let n = 0;
		socket.on('error', () => {});
		socket.on('data', (bytes) => {
			const [line] = bytes.toString('latin1').split('\r\n');
			if (!/^(GET|POST|PUT|DELETE) \/x/.test(line)) return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
			seen.push(line.split(' ')[0]);
			if (++n > 1) socket.destroy();
			else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { port: server.address().port, seen, stop: () => new Promise((resolve) => server.close(resolve)) };
}

for (const kind of ['nginx', 'haproxy']) {
	test(`${kind}: a request by a safe method is repeated once when its connection broke, others never`, async () => {
		const server = await startFragile();
		const front = await startFront(kind, server.port);
		const calls = { GET: get('/x'), POST: post('/x', 'body'), PUT: post('/x', 'body').replace('POST', 'PUT'), DELETE: get('/x').replace('GET', 'DELETE') };
		try {
			for (const [method, bytes] of Object.entries(calls)) {
				const raw = await connect(front);
				assert.equal((await raw.exchange(get('/x'))).status, 200); // leaves a connection that will break
				server.seen.length = 0;
				await raw.send(bytes);
				const status = await raw.read().then((answer) => answer.status, () => 0); // HAProxy may just close
				raw.destroy();
				if (method === 'GET') assert.deepEqual([status, server.seen], [200, ['GET', 'GET']]);
				else assert.deepEqual([status === 200, server.seen], [false, [method]]);
			}
		} finally {
			await front.stop();
			await server.stop();
		}
	});
}

for (const kind of FRONTS) {
	test(`${kind}: people sign up and in at the whole service behind it`, async () => {
		const port = await freePort();
		const server = await startPlimsoll({
			conf: {
				plimsoll: { public_url: `https://127.0.0.1:${port}` },
				http: { trusted_proxies: '127.0.0.1', proxy_protocol: usesHeader(kind) ? 'yes' : 'no' },
				log: { level: 'info' },
			},
			probeFrom: '127.0.0.9',
		});
		let front;
		try {
			front = await startFront(kind, server.ports.web, { port, healthPort: server.ports.health });
			const agent = new https.Agent({ keepAlive: true, ca: front.ca, localAddress: CLIENT });
			const user = await signUp(server, 'behind@example.org', 'correct horse', { agent });
			assert.ok((await user.context()).json.authenticated);
			const again = new Client(server.url, { agent });
			assert.equal((await again.login('behind@example.org', 'correct horse')).json.success, true);
			assert.equal((await new Client(server.url, { agent }).login('behind@example.org', 'wrong')).json.success, false);
			assert.match(again.session[0], /^browserid_state/);
			await untilLogged(server, new RegExp(`path=/wsapi/authenticate_user .*client=${CLIENT} `));
			agent.destroy();
		} finally {
			await front?.stop();
			await server.stop();
		}
	});
}
