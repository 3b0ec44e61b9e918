// What the edge answers by itself and what it adds: CORS, methods, forwarded addresses, errors, log.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

test('public operations: every answer and the preflight allow any origin', async () => {
	await withServer({}, async (server) => {
		const { port } = server;
		assert.equal((await once(port, get('/cors', 'Origin: https://a.example\r\n'))).headers['access-control-allow-origin'], '*');
		const tooLarge = await once(port, post('/cors', 'x'.repeat(2000), 'Origin: https://a.example\r\n'));
		assert.equal(tooLarge.status, 413);
		assert.equal(tooLarge.headers['access-control-allow-origin'], '*', 'errors can be read too');
		const preflight = await once(port,
			'OPTIONS /cors HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n');
		assert.equal(preflight.status, 204);
		assert.equal(preflight.headers['access-control-allow-origin'], '*');
		assert.match(preflight.headers['access-control-allow-methods'], /GET.*POST/);
		assert.equal(preflight.headers['access-control-allow-headers'], 'content-type');
		assert.equal(preflight.headers['content-length'], undefined);
		const other = await once(port, 'OPTIONS /hello HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\r\n');
		assert.equal(other.headers['access-control-allow-origin'], undefined);
		assert.match(other.headers.allow, /GET, HEAD/);
	});
});

test('unknown paths, wrong methods, OPTIONS *', async () => {
	await withServer({}, async (server) => {
		const { port } = server;
		assert.equal((await once(port, get('/nothing'))).status, 404);
		const wrong = await once(port, 'DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n');
		assert.equal(wrong.status, 405);
		assert.match(wrong.headers.allow, /GET, HEAD/);
		assert.equal((await once(port, 'BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n')).status, 405);
		assert.equal((await once(port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n')).status, 204);
	});
});

test('X-Forwarded-* is believed from trusted proxies only', async () => {
	const forwarded = 'X-Forwarded-For: 6.6.6.6, 203.0.113.9, 127.0.0.2\r\nX-Forwarded-Proto: https\r\n';
	const describe = async (server, headers) => JSON.parse((await once(server.port, get('/describe/x', headers))).body);
	await withServer({}, async (server) => {
		const { client, https } = await describe(server, forwarded);
		assert.equal(client, '203.0.113.9', 'the last one that is no proxy of ours');
		assert.equal(https, true);
		assert.equal((await describe(server, '')).client, '127.0.0.1');
		assert.equal((await describe(server, 'X-Forwarded-For: nonsense\r\n')).client, '127.0.0.1');
		assert.equal((await describe(server, 'X-Forwarded-For: [2001:db8::7]:443\r\n')).client, '2001:db8::7');
	});
	await withServer({ conf: { trusted_proxies: '192.0.2.0/24' } }, async (server) => {
		const { client, https } = await describe(server, forwarded);
		assert.equal(client, '127.0.0.1');
		assert.equal(https, false);
	});
});

test('errors of handlers become their status; a header cannot be split', async () => {
	await withServer({}, async (server) => {
		const expected = { NOT_FOUND: 404, DENIED: 403, TOO_BUSY: 503, PEER_GONE: 503, SYSTEM: 500, SYNTAX: 400 };
		for (const [name, status] of Object.entries(expected)) {
			const answer = await once(server.port, get(`/fail/${name}`));
			assert.equal(answer.status, status, name);
			assert.equal('retry-after' in answer.headers, status === 503, name);
			assert.equal(answer.headers['x-content-type-options'], 'nosniff', 'the site decorates errors too');
		}
		const split = await once(server.port, get('/split'));
		assert.equal(split.status, 500);
		assert.equal(split.headers['x-evil'], undefined);
		assert.equal(split.body.length, 0);
	});
});

test('Date is there and right', async () => {
	await withServer({}, async (server) => {
		const { headers } = await once(server.port, get('/hello'));
		assert.match(headers.date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
		assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 3000);
	});
});

test('the access log has a line per request, without query', async () => {
	await withServer({ log: true }, async (server) => {
		await once(server.port, get('/describe/here?secret=1'));
		await once(server.port, 'BAD\r\n\r\n');
		await sleep(600);
		const lines = server.stderr().split('\n').filter((line) => line.includes('event=request'));
		assert.equal(lines.length, 2, server.stderr());
		assert.match(lines[0], /mod=http event=request method=GET path=\/describe\/here status=200 us=\d+ bytes=\d+ op=test\.describe client=127\.0\.0\.1 trace=[0-9a-f]{16}$/);
		assert.match(lines[1], /status=400 .*op=http\.malformed/);
		assert.ok(!server.stderr().includes('secret'));
	});
	await withServer({ log: true, conf: { access_log: 'no' } }, async (server) => {
		await once(server.port, get('/hello'));
		await sleep(500);
		assert.ok(!server.stderr().includes('event=request'));
	});
});

test('counters: requests, classes of status, connections, bytes, accept queue', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		for (let i = 0; i < 3; i++) await raw.exchange(get('/hello'));
		await raw.exchange(get('/nothing'));
		await sleep(1200);
		const { families, processes } = JSON.parse((await raw.exchange(get('/metrics.json'))).body);
		assert.equal(families.http_requests_total.rows['test.hello'], 3);
		assert.equal(families.http_responses_total.rows['2xx'], 3);
		assert.equal(families.http_responses_total.rows['4xx'], 1);
		assert.equal(families.http_request_seconds.rows['test.hello'].count, 3);
		assert.equal(families.http_connections_opened_total.value, 1);
		assert.ok(families.http_received_bytes_total.value > 100);
		assert.ok(families.http_sent_bytes_total.value > 300);
		assert.ok(families.http_accept_queue_limit.value > 0);
		assert.equal(families.http_accept_queue.value, 0);
		assert.equal(processes[0].connections, 1);
		raw.destroy();
	});
});
