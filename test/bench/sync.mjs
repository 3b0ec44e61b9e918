// The storage of sync as a whole: uploads of 100 records of 450 bytes by many users at a time with
// real tokens and Hawk, processor time per upload by role, beside SQLite alone on the same disk; what
// a sync that finds nothing new costs; and the memory of web while slow clients fetch 5,000 records each.
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';
import { cpuUs, rolePids } from './lib.mjs';

const SECONDS = Number(process.argv[2] ?? 6);
const USERS = 32;
const SLOW = 20;

const server = await startPlimsoll({ conf: { sync: { master_secret: SECRET } } });
const pids = await rolePids(server);
const bodies = Array.from({ length: 64 }, () => Buffer.from(JSON.stringify(
	Array.from({ length: 100 }, () => ({ id: randomBytes(9).toString('base64url'), payload: JSON.stringify({ ciphertext: randomBytes(270).toString('base64'), IV: randomBytes(16).toString('base64'), hmac: '0'.repeat(20) }).slice(0, 450) })))));

async function measure(name, act) {
	const before = Object.fromEntries(Object.entries(pids).map(([role, list]) => [role, cpuUs(list)]));
	const begun = process.hrtime.bigint();
	const until = Date.now() + SECONDS * 1000;
	let n = 0;
	await Promise.all(Array.from({ length: USERS }, async (_, i) => {
		const user = new SyncUser(server, i + 1);
		for (let k = 0; Date.now() < until; k++, n++) {
			const answer = await act(user, i + k * 7);
			if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`);
		}
		user.close();
	}));
	const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
	const roles = ['web', 'store'].map((role) => `${role} ${((cpuUs(pids[role]) - before[role]) / n).toFixed(0)}`);
	console.log(`${name.padEnd(34)} ${(n / seconds).toFixed(0).padStart(7)}/s   CPU us each: ${roles.join(', ')}`);
	return { rate: n / seconds, store: (cpuUs(pids.store) - before.store) / n };
}

// The same rows into the same tables with nothing around it, sixteen uploads to a commit, durable.
function alone() {
	const text = execFileSync(path.join(path.dirname(plimsollBin()), '../test/bench/sync_bench'), [server.dir, '3000', 'alone'], { encoding: 'utf8' });
	const [, us, rate] = /(\d+) us CPU an upload.* (\d+) uploads\/s/.exec(text);
	return { us: Number(us), rate: Number(rate) };
}

const memory = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
const web = () => pids.web.reduce((sum, pid) => sum + memory(pid), 0);

console.log(`== sync: ${USERS} users at a time, ${SECONDS} s each`);
const before = alone();
const posts = await measure('POST of 100 records, 450 bytes', (user, k) => user.post('/storage/history', bodies[k % bodies.length], { 'Content-Type': 'text/plain' }));
const after = alone();
const rate = (before.rate + after.rate) / 2;
console.log(`SQLite alone takes ${rate.toFixed(0)}/s at ${((before.us + after.us) / 2).toFixed(0)} us: the whole path reaches ${(posts.rate / rate).toFixed(2)} of it (goal 0.5), its store ${((before.us + after.us) / 2 / posts.store).toFixed(2)} by processor time`);
await measure('GET info/collections', (user) => user.get('/info/collections'));
await measure('GET of a collection, nothing newer', (user) => user.get('/storage/history?full=1&newer=9999999999'));

const many = new SyncUser(server, 5000);
for (let i = 0; i < 50; i++) await many.post('/storage/history', bodies[i]);
const idle = web();
const slow = Array.from({ length: SLOW }, () => new SyncUser(server, 5000));
for (const user of slow) {
	const raw = await user.connection();
	raw.socket.pause();
	await raw.send(user.head('GET', `${user.prefix}/storage/history?full=1`, {}));
}
await sleep(1500);
const busy = web();
for (const user of slow) user.raw.socket.resume();
const sizes = await Promise.all(slow.map(async (user) => (await user.raw.read()).body.length));
for (const user of [...slow, many]) user.close();
console.log(`web with ${SLOW} slow clients at ${(sizes[0] / 1e6).toFixed(1)} MB each: ${((busy - idle) / SLOW).toFixed(0)} KiB a client (${idle} KiB before, ${busy} KiB then)`);
console.log(`all roles: ${(Object.values(pids).flat().reduce((sum, pid) => sum + memory(pid), 0) / 1024).toFixed(0)} MiB PSS`);
await server.stop();
