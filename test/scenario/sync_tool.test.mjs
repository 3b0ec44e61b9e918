// plimsoll sync: what an operator sees and does, beside a running server and without one.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';

test('usage, user, purge, export and import', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-sync-tool-'));
	const server = await startPlimsoll({ dir, conf: { sync: { master_secret: SECRET } } });
	const sync = (words, input) => execFileSync(plimsollBin(), ['sync', ...words, '-c', server.confPath], { input, encoding: 'utf8' });
	const users = [new SyncUser(server, 7), new SyncUser(server, 8)];
	const [user, other] = users;
	try {
		const odd = '"\\\n\u0001é😀';
		await user.post('/storage/bookmarks', Array.from({ length: 90 }, (_, i) => ({ id: `b${i}`, payload: `${odd}${i}`, sortindex: i })));
		await user.post('/storage/bookmarks', Array.from({ length: 70 }, (_, i) => ({ id: `c${i}`, payload: '' })));
		await user.post('/storage/tabs', [{ id: 't', payload: 'T', ttl: 1000 }, { id: 'dead', payload: 'D', ttl: 0 }]);
		await user.post('/storage/gone', [{ id: 'x', payload: 'xyz' }]);
		await user.del('/storage/gone');
		assert.match(sync(['usage']), /^\s+7\s+162\s+\d+\s+\d+\.\d\d$/m);
		assert.match(sync(['usage']), /^1 users, 162 records, \d+ bytes$/m);
		assert.match(sync(['user', '7']), /^bookmarks\s+160 /m);
		assert.ok(!sync(['user', '7']).includes('gone'));

		const lines = sync(['export', '7']);
		const records = lines.trimEnd().split('\n').map((line) => JSON.parse(line));
		assert.equal(records.length, 161);
		const tab = records.find((r) => r.id === 't');
		assert.equal(tab.collection, 'tabs');
		assert.ok(tab.ttl > 900 && tab.ttl <= 1000);
		assert.equal(records.find((r) => r.id === 'b3').payload, `${odd}3`);

		assert.equal(sync(['import', '8'], lines), '161 records\n');
		const plain = (list) => list.map(({ modified, ttl, ...r }) => r).sort((a, b) => (a.id < b.id ? -1 : 1));
		assert.deepEqual(plain(sync(['export', '8']).trimEnd().split('\n').map((line) => JSON.parse(line))), plain(records));
		assert.equal((await other.get('/storage/bookmarks/b3')).json.payload, `${odd}3`);
		for (const bad of ['x', '{"id":"a"}', '{"collection":"a b","id":"a"}', '{"collection":"c","id":"a","odd":1}', '{"collection":"c"}']) {
			const run = spawnSync(plimsollBin(), ['sync', 'import', '9', '-c', server.confPath], { input: `{"collection":"d","id":"first"}\n${bad}\n`, encoding: 'utf8' });
			assert.equal(run.status, 1, bad);
			assert.match(run.stderr, /up to line 2|records that cannot be|no records/);
		}
		assert.ok(!/^\s+9 /m.test(sync(['usage'])), 'nothing of what cannot be whole');

		// The server may have swept some of it already.
		assert.match(sync(['purge']), /^[1-4] rows removed$/m);
		assert.match(sync(['user', '7']), /^tabs\s+1 /m);
		assert.equal(sync(['purge']), '0 rows removed\n');
		assert.equal(spawnSync(plimsollBin(), ['sync', 'user', '12345678901', '-c', server.confPath]).status, 1);
		assert.equal(spawnSync(plimsollBin(), ['sync', 'nothing', '-c', server.confPath]).status, 2);
	} finally {
		for (const u of users) u.close();
		await server.stop();
	}
	assert.match(sync(['usage']), /^2 users, /m);
	rmSync(dir, { recursive: true, force: true });
});
