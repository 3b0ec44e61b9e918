// As many live sessions as descriptors allow, over one web process or several: how long they take to come, what each
// costs in resident memory, and echo p50 and p99 through a thousand of them while the others stand idle.
//   node test/bench/pairs_many.mjs [sessions of a process = 18000] [web processes = 1] [transport = websocket]
import { spawn } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { doorMember, pairByDoor, startPairs } from '../harness/pairs.mjs';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { load, report, rolePids } from './lib.mjs';

const [EACH, WEBS] = [18000, 1].map((usual, i) => Number(process.argv[2 + i] ?? usual));
const TRANSPORT = process.argv[4] ?? 'websocket';
const SEATS = 20; // sessions of one member in one process
const RATE = 1000;
const SECONDS = 10;
const ECHOERS = 1000;
const CLIENT = path.join(path.dirname(realpathSync(plimsollBin())), '../test/bench/pair_load');

const rss = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

const server = await startPairs({
	bin: plimsollBin(),
	conf: {
		web: { instances: WEBS, drain_idle: '0s' },
		pairs: { test_doors: 'yes', packets_per_second: 0, drain: '0s' },
		http: { access_log: 'no', max_connections_per_address: 0 },
		log: { level: 'error' },
	},
});

// A client process of its own for each web process, from an address of its own.
async function open(auths, n, rate, source) {
	const child = spawn(CLIENT, [`127.0.0.1:${server.pairsPort}`, TRANSPORT, String(rate), String(SECONDS), '42@["ping2",1]', '43', `127.0.0.${source}`], { stdio: ['pipe', 'pipe', 'inherit'] });
	const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = new Promise((resolve) => child.once('close', resolve));
	for (let i = 0; i < n; i++) child.stdin.write(`${auths[i % auths.length]}\n`);
	child.stdin.write('end\n');
	if ((await lines.next()).value !== 'open') throw new Error('sessions did not open');
	return {
		async go() {
			child.stdin.write('go\n');
			return JSON.parse((await lines.next()).value);
		},
		async close() {
			child.stdin.end();
			await ended;
		},
	};
}

async function makeAuths(n) {
	const auths = [];
	while (auths.length < n) {
		const both = await Promise.all([0, 1].map((k) => doorMember(server, `${k}.${auths.length}@loadtest.domain`)));
		await pairByDoor(...both);
		auths.push(...both.map(({ token }) => JSON.stringify({ token })));
	}
	return auths;
}

const total = EACH * WEBS;
const auths = await makeAuths(Math.ceil((total + ECHOERS) / SEATS / 0.9) + 2); // some processes get a few more of one
const { web } = await rolePids(server);
const before = web.map(rss);
const began = performance.now();
const idle = await Promise.all(Array.from({ length: WEBS }, (_, i) => open(auths, EACH - Math.ceil(ECHOERS / WEBS), 0, 10 + i)));
const took = (performance.now() - began) / 1000;
const echoers = await open(auths, ECHOERS, RATE, 9);
const after = web.map(rss);
const echo = await echoers.go();
const page = await (await fetch(`${server.adminUrl}/metrics`)).text();
const counted = [...page.matchAll(/^plimsoll_pairs_live_sessions\{[^}]*\} (\d+)/gm)].map((m) => Number(m[1]));
report(`${total} sessions over ${TRANSPORT} in ${WEBS} web processes (load ${load()})`, [
	['live sessions in each process', counted.join(', ')],
	['opened, a second', (((EACH - ECHOERS / WEBS) * WEBS) / took).toFixed(0), `in ${took.toFixed(1)} s`],
	['resident memory of a session', `${(after.reduce((sum, kb, i) => sum + kb - before[i], 0) / total).toFixed(2)} KiB`, `processes: ${after.map((kb) => `${(kb / 1024).toFixed(0)} MiB`).join(', ')}`],
	[`echo at ${RATE}/s p50 / p99`, `${echo.p50_us} / ${echo.p99_us} us`, `${echo.acks} of ${echo.sent}`],
]);
await Promise.all([...idle.map((one) => one.close()), echoers.close()]);
await server.stop();
