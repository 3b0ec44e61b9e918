// What a second compute machine brings (goal G11: 1.9 times the jobs of one). Two ways, because a machine
// for measuring may have two cores only:
//   sleep   jobs that sleep for a known time, one to three helpers over a real nats-server (offload_bench)
//   logins  real logins; the server with all its processes on one core, the helper on the other, which the
//           callers and the nats-server share with it
//   node test/bench/grace/helpers.mjs [seconds = 8] [bcrypt cost = 11] [sleep|logins|all]
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../../harness/client.mjs';
import { helpersAre, startHelper, startNats } from '../../harness/nats.mjs';
import { plimsollBin, startPlimsoll } from '../../harness/plimsoll.mjs';
import { childrenOf } from '../../harness/roles.mjs';
import { load, quantile, report, run } from '../lib.mjs';
import { SLOW_START_MS } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 8);
const cost = Number(process.argv[3] ?? 11);
const which = process.argv[4] ?? 'all';
const CALLERS = 4; // as many as one machine has patience for
const REFUSED_MS = 100; // callers share a core with the helper: who is refused waits
const GOAL = 1.9;

const pin = (pid, core) => execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });

// Logins per second of a server on the first core; with a helper on the second one.
async function logins(nats, withHelper) {
	const server = await startPlimsoll({
		conf: {
			nats: nats.conf(),
			web: { instances: 1 },
			compute: { instances: 1 },
			accounts: { bcrypt_cost: cost },
			http: { access_log: 'no' },
		},
	});
	for (const pid of [server.pid, ...childrenOf(server.pid)]) pin(pid, 0);
	const helper = withHelper ? await startHelper(nats) : null;
	for (const pid of helper ? [helper.pid, ...childrenOf(helper.pid)] : []) pin(pid, 1);
	if (helper) await helpersAre(server, 1);
	const agent = new http.Agent({ keepAlive: true, maxSockets: CALLERS });
	await signUp(server, 'a@example.org', 'correct horse', { agent });
	await sleep(SLOW_START_MS);
	const times = [];
	let failed = 0;
	const begin = performance.now() + 1500; // costs are known by then
	const end = begin + seconds * 1000;
	await Promise.all(Array.from({ length: CALLERS }, async () => {
		const client = new Client(server.url, { agent });
		await client.context();
		for (let sent = performance.now(); sent < end; sent = performance.now()) {
			const r = await client.post('/wsapi/authenticate_user', { email: 'a@example.org', pass: 'correct horse', ephemeral: false });
			const now = performance.now();
			if (!r.json?.success) {
				failed++;
				await sleep(REFUSED_MS);
			} else if (now >= begin && now < end) times.push(now - sent);
		}
	}));
	agent.destroy();
	await server.stop();
	await helper?.stop();
	return { rate: times.length / seconds, failed, p99: quantile(times.sort((a, b) => a - b), 0.99) };
}

if (which !== 'logins') {
	const nats = await startNats({ open: true });
	console.log(await run(path.join(path.dirname(plimsollBin()), '../test/bench/offload_bench'), [nats.url, String(seconds)]));
	await nats.stop();
}
if (which !== 'sleep') {
	const nats = await startNats();
	pin(nats.child.pid, 1);
	pin(process.pid, 1);
	// Alternating, so that whatever else the machine does hits both.
	const rounds = [];
	for (let i = 0; i < 2; i++) rounds.push([await logins(nats, false), await logins(nats, true)]);
	await nats.stop();
	const mean = (k) => rounds.reduce((sum, r) => sum + r[k].rate, 0) / rounds.length;
	report(`logins with a second compute machine (bcrypt cost ${cost}, a core each, ${os.cpus().length} cores, load ${load()})`, [
		['alone, logins/s', mean(0).toFixed(2), rounds.map((r) => r[0].rate.toFixed(1)).join(' and ')],
		['with a helper, logins/s', mean(1).toFixed(2), rounds.map((r) => r[1].rate.toFixed(1)).join(' and ')],
		['ratio', (mean(1) / mean(0)).toFixed(3), `goal ${GOAL}`],
		['failed', rounds.flat().reduce((sum, r) => sum + r.failed, 0)],
	]);
}
