// GET of a collection with 5,000 records goes out as the client takes it: many that take nothing do not make a server
// hold their answers, and each of them gets all of it in the end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';

const RECORDS = 5000;
const PAYLOAD = 1500;
const SLOW = 16;
const KIB_EACH = 2048; // a task, a piece, and what a sanitizer adds; the answer itself has 7,700

const ownMemory = (pid) => Number(/^Pss_Anon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);

test('5,000 records for clients that take nothing for a while', async () => {
	const server = await startPlimsoll({ conf: { sync: { master_secret: SECRET } } });
	const user = new SyncUser(server, 42);
	const slow = [];
	try {
		for (let at = 0; at < RECORDS; at += 100) {
			const list = Array.from({ length: 100 }, (_, i) => ({ id: `r${at + i}`, payload: `${at + i}`.padEnd(PAYLOAD, 'x') }));
			assert.equal((await user.post('/storage/history', list)).status, 200);
		}
		const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
		const webs = processes.filter((p) => p.role === 'web').map((p) => p.pid);
		const memory = () => webs.reduce((sum, pid) => sum + ownMemory(pid), 0);
		const whole = await user.get('/storage/history?full=1');
		assert.equal(whole.json.length, RECORDS);
		const before = memory();
		for (let i = 0; i < SLOW; i++) {
			const other = new SyncUser(server, 42);
			slow.push(other);
			const raw = await other.connection();
			await raw.send(other.head('GET', `${other.prefix}/storage/history?full=1`, {}));
			raw.answer = await raw.readHead();
			raw.socket.pause();
		}
		// Nothing moves any more.
		for (let last = -1, same = 0; same < 3; await sleep(100)) {
			const now = memory();
			same = now === last ? same + 1 : 0;
			last = now;
		}
		const grown = (memory() - before) / SLOW;
		assert.ok(grown < KIB_EACH, `${grown.toFixed(0)} KiB for each`);
		for (const { raw } of slow) {
			raw.socket.resume();
			assert.equal(raw.answer.status, 200);
			assert.equal(raw.answer.headers['x-weave-records'], String(RECORDS));
			assert.equal(raw.answer.headers['transfer-encoding'], 'chunked');
			assert.equal((await raw.readChunks()).toString('utf8'), whole.text);
		}
	} finally {
		for (const one of [...slow, user]) one.close();
		await server.stop();
	}
});
