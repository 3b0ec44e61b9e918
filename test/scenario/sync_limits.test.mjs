// Limits of the storage that are smaller than usual: quota, whole batches, lifetimes, memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';

async function withServer(sync, run) {
	const server = await startPlimsoll({ conf: { sync: { master_secret: SECRET, ...sync } } });
	const user = new SyncUser(server, 42);
	try {
		await run(user, server);
		execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	} finally {
		user.close();
		await server.stop();
	}
}

const refused = (answer, status, text) => {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.text, text);
};

test('quota: what does not fit is refused with 14, and counted down before', async () => {
	await withServer({ quota: '10k' }, async (user) => {
		const put = (id, n, query = '') => user.post(`/storage/c${query}`, [{ id, payload: 'x'.repeat(n) }]);
		assert.deepEqual((await user.get('/info/quota')).json, [0, 10]);
		assert.equal((await user.get('/info/configuration')).json.max_quota_limit, 10240);
		assert.equal((await put('a', 5120)).headers['x-weave-quota-remaining'], '5');
		refused(await put('b', 5121), 400, '14');
		refused(await user.put('/storage/c/b', { payload: 'x'.repeat(5121) }), 400, '14');
		assert.equal((await put('b', 5120)).status, 200, 'up to the last byte');
		refused(await put('c', 1), 400, '14');
		refused(await put('c', 1, '?batch=true'), 400, '14');
		assert.equal((await put('c', 0)).status, 200);
		assert.deepEqual((await user.get('/info/quota')).json, [10, 10]);
		await user.del('/storage/c/a');
		const { batch } = (await put('d', 3000, '?batch=true')).json;
		refused(await put('e', 3000, `?batch=${batch}`), 400, '14');
		assert.equal((await put('e', 2000, `?batch=${batch}`)).status, 202);
		refused(await put('f', 500, `?batch=${batch}&commit=true`), 400, '14');
		assert.equal((await put('f', 100, `?batch=${batch}&commit=true`)).status, 200);
		assert.deepEqual((await user.get('/info/quota')).json, [(5120 + 5100) / 1024, 10]);
		await user.del('/storage');
		assert.deepEqual((await user.get('/info/quota')).json, [0, 10]);
	});
});

test('no quota: null, and nothing is counted down', async () => {
	await withServer({ quota: '0' }, async (user) => {
		assert.deepEqual((await user.get('/info/quota')).json, [0, null]);
		assert.ok(!('max_quota_limit' in (await user.get('/info/configuration')).json));
		assert.ok(!('x-weave-quota-remaining' in (await user.put('/storage/c/a', {})).headers));
	});
});

test('a batch is held to its true sums, whatever was announced; and to its lifetime', async () => {
	await withServer({ max_post_records: 10, max_total_records: 25, max_post_bytes: '256k', max_record_payload_bytes: '256k', max_total_bytes: '512k', batch_lifetime: '60s' }, async (user) => {
		const records = (n, bytes = 1) => Array.from({ length: n }, (_, i) => ({ id: `i${i}`, payload: 'x'.repeat(bytes) }));
		assert.deepEqual((await user.get('/info/configuration')).json.max_total_records, 25);
		const { batch } = (await user.post('/storage/c?batch=true', records(10))).json;
		assert.equal((await user.post(`/storage/c?batch=${batch}`, records(10))).status, 202);
		refused(await user.post(`/storage/c?batch=${batch}`, records(6)), 400, '17');
		refused(await user.post(`/storage/c?batch=${batch}&commit=true`, records(6)), 400, '17');
		assert.equal((await user.post(`/storage/c?batch=${batch}&commit=true`, records(5))).status, 200);
		const large = (await user.post('/storage/c?batch=true', records(1, 262144))).json.batch;
		assert.equal((await user.post(`/storage/c?batch=${large}`, records(1, 262144))).status, 202);
		refused(await user.post(`/storage/c?batch=${large}`, records(1, 1)), 400, '17');
		refused(await user.put('/storage/c/x', { payload: 'x'.repeat(262145) }), 413, '17');
		// So many may be open at a time; then the browser is asked to come later.
		let open = 0;
		let answer;
		while ((answer = await user.post('/storage/c?batch=true', records(1))).status === 202) open++;
		assert.equal(answer.status, 503);
		assert.ok(Number(answer.headers['retry-after']) >= 600);
		assert.equal(open, 99);
	});
});

test('a chain of 128 collections is the longest; more are refused with 13', async () => {
	await withServer({}, async (user) => {
		for (let i = 0; i < 128; i++) assert.equal((await user.post(`/storage/c${i}`, '[]')).status, 200);
		refused(await user.post('/storage/more', '[]'), 400, '13');
		await user.del('/storage/c1');
		assert.equal((await user.post('/storage/more', '[]')).status, 200);
		assert.equal(Object.keys((await user.get('/info/collections')).json).length, 128);
	});
});
