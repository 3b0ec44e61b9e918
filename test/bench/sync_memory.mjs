// What memory the roles take while browsers sync at a steady rate, and which pages that is: by role, the heap, stacks of
// tasks and other anonymous pages, what processes share, the database as readers map it, programs and libraries.
//   node test/bench/sync_memory.mjs [requests a second = 1000] [seconds = 20] [users = 400]
// KiB PSS: a page that n processes map counts 1/n in each. Pages of files are the kernel's to drop at any time.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';
import { load, rolePids } from './lib.mjs';

const [RATE, SECONDS, USERS] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 20), Number(process.argv[4] ?? 400)];
const RECORDS = 10; // of an upload
const GOAL_MIB = 60;

// The kinds of pages, by how a line of smaps begins and ends.
const KINDS = [
	['database', (name) => /\/plimsoll\.db(-wal)?$/.test(name)],
	['shared', (name, flags) => flags[3] === 's' || /db-shm$|sync\.(begun|nonces)|memfd:|\/dev\/shm/.test(name)],
	['programs', (name) => name.startsWith('/') && !/ \(deleted\)$/.test(name)],
	['heap', (name) => name === '[heap]'],
	['stacks', (name, flags, kib) => name.startsWith('[stack') || kib === 256 || kib === 260],
	['other', () => true],
];

export function pages(pid) {
	const sums = Object.fromEntries(KINDS.map(([kind]) => [kind, 0]));
	let kind = null;
	for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
		const head = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \S+ *(.*)$/.exec(line);
		if (head) kind = { flags: head[1], name: head[2] };
		const size = /^Size:\s+(\d+)/.exec(line);
		if (size) kind.kib = Number(size[1]);
		const pss = /^Pss:\s+(\d+)/.exec(line);
		if (pss) sums[KINDS.find(([, is]) => is(kind.name, kind.flags, kind.kib))[0]] += Number(pss[1]);
	}
	return sums;
}

// Every user does what a browser does, one request after the other; together they keep to the rate.
async function sync(server, until) {
	const users = Array.from({ length: USERS }, (_, i) => new SyncUser(server, i + 1));
	const body = JSON.stringify(Array.from({ length: RECORDS }, () => ({ id: randomBytes(9).toString('base64url'), payload: randomBytes(338).toString('base64') })));
	const steps = [
		(user) => user.get('/info/collections'),
		(user) => user.get('/storage/history?full=1&limit=20'),
		(user) => user.post('/storage/history', body, { 'Content-Type': 'text/plain' }),
		(user) => user.get('/storage/meta/global'),
	];
	let done = 0;
	await Promise.all(users.map(async (user, i) => {
		const gap = (USERS / RATE) * 1000;
		let due = Date.now() + (gap * i) / USERS;
		for (let k = i; due < until; k++, due += gap) {
			await sleep(Math.max(0, due - Date.now()));
			await steps[k % steps.length](user);
			done++;
		}
	}));
	for (const user of users) user.close();
	return done;
}

const server = await startPlimsoll({ conf: { sync: { master_secret: SECRET }, http: { access_log: 'no' } } });
const roles = await rolePids(server);
const begun = Date.now();
const running = sync(server, begun + SECONDS * 1000);
await sleep(SECONDS * 900);
const rows = Object.entries(roles).map(([role, pids]) => [role, pids.map(pages)]);
const done = await running;
console.log(`${(done / SECONDS).toFixed(0)} requests/s of ${RATE}, ${USERS} users, ${SECONDS} s, load before ${load()}; KiB PSS`);
console.log(`| role | processes | ${KINDS.map(([kind]) => kind).join(' | ')} | all |`);
console.log(`|---|---|${KINDS.map(() => '---|').join('')}---|`);
const total = Object.fromEntries(KINDS.map(([kind]) => [kind, 0]));
const all = (sums) => Object.values(sums).reduce((a, b) => a + b, 0);
for (const [role, list] of rows) {
	const sums = Object.fromEntries(KINDS.map(([kind]) => [kind, list.reduce((n, one) => n + one[kind], 0)]));
	for (const [kind] of KINDS) total[kind] += sums[kind];
	console.log(`| ${role} | ${list.length} | ${Object.values(sums).join(' | ')} | ${all(sums)} |`);
}
console.log(`| all | | ${Object.values(total).join(' | ')} | ${all(total)} |`);
const own = all(total) - total.database - total.programs;
console.log(`${(all(total) / 1024).toFixed(1)} MiB (goal ${GOAL_MIB}), of which ${(own / 1024).toFixed(1)} are of no file`);
await server.stop();
