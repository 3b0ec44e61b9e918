// An idle connection holds no buffer.
import test from 'node:test';
import assert from 'node:assert/strict';
import { get, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

const N = 2000;
// The sanitizers' red zones and bookkeeping are in this; a release build needs about 500 bytes.
const BYTES_PER_CONNECTION = 4096;

test(`${N} idle keep-alive connections`, async (t) => {
	await withServer({}, async (server) => {
		for (let i = 0; i < 50; i++) await once(server.port, get('/hello'));
		const before = server.rss();
		const clients = [];
		for (let i = 0; i < N; i += 50) {
			const some = await Promise.all(Array.from({ length: 50 }, () => Raw.connect(server.port)));
			await Promise.all(some.map((raw) => raw.exchange(get('/hello'))));
			clients.push(...some);
		}
		const each = (server.rss() - before) / N;
		t.diagnostic(`${each.toFixed(0)} bytes per idle connection`);
		assert.equal((await server.metrics()).processes[0].connections, N + 1);
		assert.ok(each < BYTES_PER_CONNECTION, `${each} bytes each`);
		assert.equal((await clients[N - 1].exchange(get('/hello'))).status, 200);
		clients.forEach((raw) => raw.destroy());
	});
});
