// Connections: keep-alive, pipelining, bytes in any pieces, bodies nobody reads, 100-continue.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

test('16 pipelined requests are answered in order', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		// Slow and fast, task and inline, body and none: order must not depend on any of it.
		const targets = Array.from({ length: 16 }, (_, i) => (i % 4 === 0 ? `/slow/${40 - i}` : `/describe/${i}`));
		await raw.send(targets.map((target) => get(target)).join(''));
		for (const target of targets) {
			const answer = await raw.read();
			assert.equal(answer.status, 200);
			if (target.startsWith('/describe')) assert.equal(JSON.parse(answer.body).path, target);
			else assert.equal(answer.body.toString(), 'done\n');
		}
		raw.destroy();
	});
});

test('many pipelined requests, more than a buffer holds', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		const requests = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? post('/echo', `body ${i}`) : get(`/describe/${i}`)));
		const sent = raw.send(requests.join(''));
		for (let i = 0; i < 3000; i++) {
			const answer = await raw.read();
			if (i % 3 === 0) assert.equal(answer.body.toString(), `body ${i}`);
			else assert.equal(JSON.parse(answer.body).path, `/describe/${i}`);
		}
		await sent;
		raw.destroy();
	});
});

test('requests cut at any byte give the same answers', async () => {
	await withServer({}, async (server) => {
		const chunked = 'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n';
		const bytes = get('/describe/a?q=1') + post('/echo', 'hello world') + chunked + get('/describe/b');
		const check = async (raw) => {
			assert.equal(JSON.parse((await raw.read()).body).q, '1');
			assert.equal((await raw.read()).body.toString(), 'hello world');
			assert.equal((await raw.read()).body.toString(), 'hello world');
			assert.equal(JSON.parse((await raw.read()).body).path, '/describe/b');
			raw.destroy();
		};
		for (let cut = 1; cut < bytes.length; cut += 3) {
			const raw = await Raw.connect(server.port);
			await raw.sendPieces([bytes.slice(0, cut), bytes.slice(cut)]);
			await check(raw);
		}
		const raw = await Raw.connect(server.port);
		await raw.sendPieces([...bytes], 0);
		await check(raw);
	});
});

test('HEAD sends the head of GET and no body', async () => {
	await withServer({}, async (server) => {
		for (const target of ['/hello', '/file', '/download/1000', '/chunked/1000']) {
			const raw = await Raw.connect(server.port);
			const full = await raw.exchange(get(target));
			const head = await raw.exchange(get(target).replace('GET', 'HEAD'), 'HEAD');
			assert.equal(head.status, 200);
			for (const name of ['content-length', 'transfer-encoding', 'content-type', 'etag']) {
				assert.equal(head.headers[name], full.headers[name], `${target} ${name}`);
			}
			assert.equal((await raw.exchange(get('/hello'))).status, 200, 'the connection goes on');
			raw.destroy();
		}
	});
});

test('keep-alive and close in HTTP/1.0 and 1.1', async () => {
	await withServer({}, async (server) => {
		const goesOn = async (bytes, expected, connection) => {
			const raw = await Raw.connect(server.port);
			const answer = await raw.exchange(bytes);
			assert.equal(answer.status, 200);
			assert.equal(answer.headers.connection, connection, bytes);
			if (expected) assert.equal((await raw.exchange(bytes)).status, 200);
			else assert.equal((await raw.readRest(5000)).length, 0);
			raw.destroy();
		};
		await goesOn(get('/hello'), true, undefined);
		await goesOn(get('/hello', 'Connection: close\r\n'), false, 'close');
		await goesOn(get('/hello', 'Connection: x, Close\r\n'), false, 'close');
		await goesOn('GET /hello HTTP/1.0\r\n\r\n', false, 'close');
		await goesOn('GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', true, 'keep-alive');
		await goesOn('GET /chunked/100 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', false, 'close');
	});
});

test('a stream of unknown length to HTTP/1.0 ends with the connection', async () => {
	await withServer({}, async (server) => {
		const answer = await once(server.port, 'GET /chunked/100 HTTP/1.0\r\n\r\n');
		assert.equal(answer.headers['transfer-encoding'], undefined);
		assert.equal(answer.body.length, 100);
	});
});

test('a client that closes its sending side still gets its answers', async () => {
	await withServer({}, async (server) => {
		for (const target of ['/hello', '/slow/200', '/download/300000']) {
			const raw = await Raw.connect(server.port);
			await raw.send(get('/hello') + get(target));
			raw.finish();
			assert.equal((await raw.read()).status, 200);
			assert.equal((await raw.read()).status, 200, target);
			assert.equal((await raw.readRest(5000)).length, 0);
			raw.destroy();
		}
	});
});

test('100-continue: asked for a body that is wanted, not for one that is not', async () => {
	await withServer({}, async (server) => {
		const expecting = (target, n) => `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${n}\r\nExpect: 100-continue\r\n\r\n`;
		for (const target of ['/echo', '/upload']) {
			const raw = await Raw.connect(server.port);
			const interim = await raw.exchange(expecting(target, 5));
			assert.equal(interim.status, 100);
			assert.equal((await raw.exchange('hello')).status, 200);
			assert.equal((await raw.exchange(get('/hello'))).status, 200);
			raw.destroy();
		}
		for (const [target, n, status] of [['/echo', 2000000, 413], ['/nothing', 5, 404], ['/careless', 5, 200]]) {
			const raw = await Raw.connect(server.port);
			const answer = await raw.exchange(expecting(target, n));
			assert.equal(answer.status, status, target);
			assert.equal(answer.headers.connection, 'close', 'whether the body still comes is unknown');
			raw.destroy();
		}
		const eager = await Raw.connect(server.port);
		await eager.send(`${expecting('/echo', 5)}hello`);
		assert.equal((await eager.read()).status, 200, 'no 100 when the body is here already');
		eager.destroy();
	});
});

test('a small body that nobody reads is read over, a large one ends the connection', async () => {
	await withServer({}, async (server) => {
		for (const target of ['/careless', '/nothing']) {
			const raw = await Raw.connect(server.port);
			const small = await raw.exchange(post(target, 'x'.repeat(30000)));
			assert.equal(small.headers.connection, undefined);
			assert.equal((await raw.exchange(get('/hello'))).status, 200);
			const late = `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n`;
			assert.ok((await raw.exchange(late)).status);
			await raw.send(`${'x'.repeat(20)}${get('/hello')}`);
			assert.equal((await raw.read()).status, 200);
			await raw.send(`POST ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
			assert.ok((await raw.read()).status);
			await raw.send(`5\r\nhello\r\n0\r\n\r\n${get('/hello')}`);
			assert.equal((await raw.read()).status, 200);
			raw.destroy();
			const large = await Raw.connect(server.port);
			const sent = large.send(post(target, 'x'.repeat(500000)));
			assert.equal((await large.read()).headers.connection, 'close');
			await large.closed(5000);
			await sent;
			large.destroy();
		}
	});
});

test('a connection that vanishes in the middle of anything leaves nothing behind', async () => {
	await withServer({}, async (server) => {
		const beginnings = [
			'', 'G', 'GET /hello HTTP/1.1\r\nHo', `${get('/hello')}GET`, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nxx',
			'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nxx', get('/slow/100'), get('/compute/5000'), get('/download/50000000'),
			'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', 'BAD',
		];
		for (const how of ['destroy', 'reset']) {
			for (const bytes of beginnings) {
				const raw = await Raw.connect(server.port);
				await raw.send(bytes);
				await sleep(20);
				if (how === 'reset') raw.socket.resetAndDestroy?.();
				raw.destroy();
			}
		}
		let open;
		for (let i = 0; i < 50; i++) {
			await sleep(100);
			const metrics = await server.metrics();
			open = metrics.processes[0].connections;
			if (open === 1) break;
		}
		assert.equal(open, 1, 'only the one that asks');
	});
});
