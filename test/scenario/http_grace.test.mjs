// Admission at the edge: refused before the body, cheaply; health always; fair between processes;
// nothing lost at a drain.
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, startServer, withServer as withAny } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

const withServer = (options, fn) => withAny({ tolerance: 1, ...options }, fn);
const overload = (server) => once(server.port, post('/set/compute_wait/30000000', ''));

test('an expensive request is refused before its body is read', async () => {
	await withServer({}, async (server) => {
		await overload(server);
		const raw = await Raw.connect(server.port);
		const refused = await raw.exchange('POST /compute HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
		assert.equal(refused.status, 503, 'although the body has not come');
		assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
		assert.equal(refused.headers.connection, 'close');
		raw.destroy();
		const waiting = await Raw.connect(server.port);
		const answer = await waiting.exchange('POST /compute HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n');
		assert.equal(answer.status, 503, 'and is not asked for');
		waiting.destroy();
		const { families } = await server.metrics();
		assert.equal(families.http_refused_total.rows['test.compute.post'], 2);
		assert.equal(families.http_server_errors_total.rows['test.compute.post'], 0);
	});
});

test("a site's rank decides, and its words answer", async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		const ask = (path, headers) => raw.exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
		assert.equal((await ask('/hello', '')).status, 200);
		const refused = await ask('/hello', 'X-Test-Rank: refuse\r\n');
		assert.equal(refused.status, 503);
		assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
		assert.equal((await ask('/__lbheartbeat__', 'X-Test-Rank: refuse\r\n')).status, 200, 'what is never shed is not asked about');
		const worded = await ask('/hello', 'X-Test-Rank: refuse\r\nX-Test-Words: 1\r\n');
		assert.equal(worded.status, 503);
		assert.equal(worded.body.toString(), '{"busy":true}');
		assert.equal(worded.headers['retry-after'], '777');
		assert.equal(worded.headers.connection, undefined);
		// A second and a half is too long to wait in front of compute, but for what was begun before.
		await once(server.port, post('/set/compute_wait/1500000', ''));
		assert.equal((await ask('/compute/1', '')).status, 503);
		assert.equal((await ask('/compute/1', 'X-Test-Rank: last\r\n')).status, 200);
		raw.destroy();
		const { families } = await server.metrics();
		assert.equal(families.http_refusals_total.rows.service, 2);
		assert.equal(families.http_refused_total.rows['test.hello'], 2);
		assert.equal(families.http_server_errors_total.rows['test.hello'], 0);
	});
});

test('a refusal with a small body or none keeps the connection', async () => {
	await withServer({}, async (server) => {
		await overload(server);
		const raw = await Raw.connect(server.port);
		for (const bytes of [post('/compute', 'x'.repeat(2000)), get('/compute/1')]) {
			const refused = await raw.exchange(bytes);
			assert.equal(refused.status, 503);
			assert.equal(refused.headers.connection, undefined);
			assert.equal((await raw.exchange(get('/hello'))).status, 200, 'cheap requests are served');
		}
		raw.destroy();
	});
});

test('deadlines: a handler that takes too long ends in 503', async () => {
	await withServer({}, async (server) => {
		const started = Date.now();
		const answer = await once(server.port, get('/hasty/10000'));
		assert.equal(answer.status, 503);
		assert.ok(Date.now() - started < 3000);
		assert.ok(answer.headers['retry-after']);
	});
});

test('no task left: 503 for those who need one, service for the others', async () => {
	await withServer({ tasks: 4 }, async (server) => {
		const busy = [];
		for (let i = 0; i < 4; i++) {
			const raw = await Raw.connect(server.port);
			await raw.send(get('/slow/1500'));
			busy.push(raw);
		}
		await sleep(200);
		assert.equal((await once(server.port, get('/slow/1'))).status, 503);
		assert.equal((await once(server.port, get('/hello'))).status, 200);
		for (const raw of busy) {
			assert.equal((await raw.read()).status, 200);
			raw.destroy();
		}
		assert.equal((await once(server.port, get('/slow/1'))).status, 200);
	});
});

test('a full class queue refuses; health is answered all the same', async () => {
	await withServer({ conf: { max_queue: 4 } }, async (server) => {
		const clients = await Promise.all(Array.from({ length: 40 }, () => Raw.connect(server.port)));
		await Promise.all(clients.map((raw) => raw.send(get('/burn/20000'))));
		const health = await once(server.port, get('/__lbheartbeat__'));
		assert.equal(health.status, 200);
		const statuses = await Promise.all(clients.map(async (raw) => (await raw.read()).status));
		assert.ok(statuses.includes(503) && statuses.includes(200), String(statuses));
		clients.forEach((raw) => raw.destroy());
	});
});

test('the last places of a queue are for work already begun', async () => {
	await withServer({ tolerance: 60, conf: { max_queue: 8 } }, async (server) => {
		const clients = await Promise.all(Array.from({ length: 20 }, () => Raw.connect(server.port)));
		const begun = await Raw.connect(server.port);
		let refused = 0;
		let stop = false;
		const floods = clients.map(async (raw) => {
			while (!stop) refused += (await raw.exchange(get('/burn/5000'))).status === 503;
		});
		try {
			for (const end = Date.now() + 60000; refused < 20; await sleep(5)) assert.ok(Date.now() < end, `${refused} refused`);
			for (let i = 0; i < 20; i++) assert.equal((await begun.exchange(get('/burn/last/100'))).status, 200);
		} finally {
			stop = true;
			await Promise.all(floods);
		}
		for (const raw of [...clients, begun]) raw.destroy();
	});
});

test('a flood of one class does not starve a lower one, and the loop stays responsive', async () => {
	await withServer({}, async (server) => {
		const clients = await Promise.all(Array.from({ length: 32 }, () => Raw.connect(server.port)));
		let stop = false;
		const floods = clients.map(async (raw) => {
			while (!stop) await raw.exchange(get('/burn/2000'));
		});
		await sleep(200);
		const started = Date.now();
		try {
			// Ranked last, so that it is the order of the queues that is seen and not the level.
			assert.equal((await once(server.port, 'GET /download/1000 HTTP/1.1\r\nHost: x\r\nX-Test-Rank: last\r\n\r\n')).status, 200);
			assert.equal((await once(server.port, get('/__lbheartbeat__'))).status, 200);
			assert.ok(Date.now() - started < 5000, `${Date.now() - started} ms`);
		} finally {
			stop = true;
			await Promise.all(floods);
		}
		clients.forEach((raw) => raw.destroy());
	});
});

test('while the loop is overloaded what is easiest to retry is refused, and the rest is served', async () => {
	await withServer({}, async (server) => {
		const ask = (path, rank) => `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Test-Rank: ${rank}\r\n\r\n`;
		const clients = await Promise.all(Array.from({ length: 24 }, () => Raw.connect(server.port)));
		const other = await Raw.connect(server.port);
		let refused = 0;
		let stop = false;
		const floods = clients.map(async (raw) => {
			while (!stop) refused += (await raw.exchange(ask('/burn/5000', 'first'))).status === 503;
		});
		try {
			for (const end = Date.now() + 60000; refused < 20; await sleep(20)) assert.ok(Date.now() < end, `${refused} refused`);
			let served = 0;
			for (let i = 0; i < 100; i++) {
				const answer = await other.exchange(ask('/hello', 'no wish'));
				served += answer.status === 200;
				if (answer.status === 503) assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
			}
			assert.ok(served >= 99, `${served} of 100 served`);
		} finally {
			stop = true;
			await Promise.all(floods);
		}
		for (const raw of [...clients, other]) raw.destroy();
		const { families } = await server.metrics();
		assert.ok(families.http_refusals_total.rows.loop >= 20);
		assert.ok(families.http_reads_held_total.value > 0);
		// With nobody asking for more than there is, all are served again.
		const calm = await Raw.connect(server.port);
		for (const end = Date.now() + 30000; (await calm.exchange(ask('/burn/5000', 'first'))).status !== 200; await sleep(50)) assert.ok(Date.now() < end, 'still refused');
		calm.destroy();
	});
});

test('in a class of requests what is refused last does not wait behind what is refused first', async () => {
	await withServer({ tolerance: 60 }, async (server) => {
		const clients = await Promise.all(Array.from({ length: 24 }, () => Raw.connect(server.port)));
		const other = await Raw.connect(server.port);
		const [flood, valued] = [[], []];
		// On a machine that is busy with other things some may be refused, whatever is tolerated.
		const timed = async (raw, bytes, list) => {
			const begun = performance.now();
			if ((await raw.exchange(bytes)).status === 200) list.push(performance.now() - begun);
		};
		let stop = false;
		const floods = clients.map(async (raw) => {
			while (!stop) await timed(raw, get('/burn/first/4000'), flood);
		});
		try {
			for (const end = Date.now() + 60000; valued.length < 30; ) {
				await timed(other, get('/burn/100'), valued);
				assert.ok(Date.now() < end, `${valued.length} answers`);
			}
		} finally {
			stop = true;
			await Promise.all(floods);
		}
		for (const raw of [...clients, other]) raw.destroy();
		const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
		assert.ok(median(valued) < median(flood) / 2, `${median(valued)} and ${median(flood)} ms`);
	});
});

test('processes that share a socket get an even share of the connections', async () => {
	await withServer({ processes: 2 }, async (server) => {
		const processes = async () => (await server.metrics()).processes;
		while ((await processes()).filter((p) => p.state === 'serving').length < 2) await sleep(50);
		// A process that a busy machine has not run for 200 ms counts as stuck and the other takes
		// what comes; so a few tries, of which one must be even.
		const tries = [];
		for (let i = 0; i < 5; i++) {
			const clients = [];
			for (let k = 0; k < 60; k++) {
				const raw = await Raw.connect(server.port);
				assert.equal((await raw.exchange(get('/hello'))).status, 200);
				clients.push(raw);
			}
			const [one, two] = JSON.parse((await clients[0].exchange(get('/metrics.json'))).body).processes.map((p) => p.connections);
			clients.forEach((raw) => raw.destroy());
			tries.push([one, two]);
			if (Math.abs(one - two) <= 6) return;
			await sleep(200);
		}
		assert.fail(`connections: ${JSON.stringify(tries)}`);
	});
});

test('drain: work and idle connections that ask in time are answered with Connection: close, the rest closes', async () => {
	const server = await startServer({ tolerance: 1 });
	const late = await Raw.connect(server.port);
	await late.exchange(get('/hello'));
	const idle = await Raw.connect(server.port);
	assert.equal((await idle.exchange(get('/hello'))).headers.connection, undefined);
	const busy = await Raw.connect(server.port);
	await busy.send(get('/slow/700') + get('/hello'));
	const uploading = await Raw.connect(server.port);
	await uploading.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello');
	await sleep(200);
	server.kill('SIGTERM');
	// In the grace period of 400 ms each answer is the connection's last; until the signal is there none is.
	let last;
	do {
		last = await late.exchange(get('/hello'));
		assert.equal(last.status, 200);
	} while (last.headers.connection !== 'close');
	await assert.rejects(Raw.connect(server.port).then((raw) => raw.exchange(get('/hello'))), 'accepts no more');
	await idle.closed(2000);
	assert.ok(!idle.reset && !late.reset);
	await uploading.send('world');
	const echoed = await uploading.read();
	assert.equal(echoed.body.toString(), 'helloworld');
	assert.equal(echoed.headers.connection, 'close');
	const answer = await busy.read();
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.connection, 'close');
	for (const raw of [idle, late, busy, uploading]) raw.destroy();
	assert.deepEqual(await server.exited, { code: 0, signal: null });
});
