// Sessions that come and go leave no memory behind: resident memory after many of them is that after
// some. REALTIME_SOAK=1000000 is the long form (tools/soak), on the release build as always.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { doorMember, pairByDoor } from '../harness/pairs.mjs';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { CALM, Polling, Ws, withPairs } from './lib/engineio.mjs';

const BIN = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const N = Number(process.env.REALTIME_SOAK ?? 3000);
const FIRST = Math.min(10000, N / 3);
const MOST = process.env.REALTIME_SOAK ? 1.02 : 1.05; // a page here or there weighs more in the short form
const AT_ONCE = 50;
const path = '/socket.io/';

// A member of a couple whose session is the next one; ten couples, so that rooms come and go, too.
const COUPLES = 10;
const tokens = [];
let next = 0;

async function makeCouples(port) {
	const server = { pairsPort: port };
	for (let i = 0; i < COUPLES; i++) {
		const both = await Promise.all([0, 1].map((k) => doorMember(server, `${k}.${i}@example.org`)));
		await pairByDoor(...both);
		tokens.push(...both.map(({ token }) => token));
	}
}

const KINDS = [
	async (port) => {
		const ws = await Ws.open(port, '', { path });
		await ws.packet();
		ws.send(`40{"token":"${tokens[next++ % tokens.length]}","after":0}`);
		assert.match(await ws.packet(), /^40\{"sid"/);
		assert.match(await ws.packet(), /^42\["hello"/);
		ws.end();
	},
	async (port) => {
		const ws = await Ws.open(port, '', { path });
		await ws.packet();
		ws.send('40/none,');
		await ws.expect('44/none,{"message":"Invalid namespace"}');
		ws.end();
	},
	async (port) => {
		const session = await Polling.open(port, path);
		await session.post('1');
	},
	async (port) => {
		const session = await Polling.open(port, path);
		const ws = await Ws.open(port, `&sid=${session.sid}`, { path });
		ws.send('2probe');
		await ws.expect('3probe');
		ws.send('5');
		ws.send('1');
		await ws.closed();
		ws.end();
	},
];

test(`${N} sessions`, { timeout: 6 * 3600 * 1000 }, async (t) => {
	const conf = { ...CALM, conformance: 'no', test_doors: 'yes' };
	await withPairs(conf, async (port, server) => {
		const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
		const { pid } = processes.find((p) => p.role === 'web');
		const rss = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
		await makeCouples(port);
		let before = 0;
		for (let i = 0; i < N; i += AT_ONCE) {
			if (before === 0 && i >= FIRST) before = rss();
			await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => KINDS[(i + k) % KINDS.length](port)));
		}
		const after = rss();
		t.diagnostic(`RSS ${before} kB after ${FIRST} sessions, ${after} kB after ${N}`);
		assert.ok(after <= before * MOST, `${before} kB, then ${after} kB`);
	}, { bin: BIN, conf: { web: { instances: 1 }, http: { max_connections_per_address: 0 }, log: { level: 'error' } } });
});
