// One million accounts in the database: its size, and what the calls that every page load makes cost
// with it: session_context and list_emails of random signed-in users, at saturation and at half of
// the goal's rate.
//   node test/bench/million.mjs [accounts = 1000000] [seconds per run = 6]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Client } from '../harness/client.mjs';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { load, report, rolePids, writeWrkScript, wrk } from './lib.mjs';

const accounts = Number(process.argv[2] ?? 1000000);
const seconds = Number(process.argv[3] ?? 6);
const GOAL = 30000; // requests/s
const SESSIONS = 400;
const CONNECTIONS = 64;

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-million-'));
const ports = { web: await freePort(), admin: await freePort() };
const start = () => startPlimsoll({ dir, ports, conf: { http: { access_log: 'no' } } });

let server = await start(); // makes the database
await server.stop();
const began = performance.now();
execFileSync(plimsollBin(), ['user', 'create-many', '0', String(accounts), '-c', server.confPath], { stdio: 'ignore' });
const madeMs = performance.now() - began;
const bytes = statSync(path.join(server.dataDir, 'db/plimsoll.db')).size;

server = await start();
const roles = await rolePids(server);
const pids = Object.values(roles).flat();
const agent = new http.Agent({ keepAlive: true });
const cookies = [];
for (let i = 0; i < SESSIONS; i++) {
	const client = new Client(server.url, { agent });
	const answer = await client.login(`${Math.floor(Math.random() * accounts)}@loadtest.domain`, 'THE PASSWORD');
	if (!answer.json?.success) throw new Error(answer.text);
	cookies.push(client.session.join('='));
}
agent.destroy();

async function measure(operation, expected) {
	const requests = cookies.map((Cookie) => ({ path: `/wsapi/${operation}`, headers: { Cookie } }));
	const go = (connections, delayMs) => {
		const script = writeWrkScript(path.join(dir, `${operation}.lua`), requests, { expected, delayMs });
		return wrk(server.url, pids, { seconds, connections, script });
	};
	const full = await go(CONNECTIONS, 0);
	const delayMs = 8;
	const half = await go(Math.round(((GOAL / 2) * delayMs) / 1000), delayMs);
	return [
		[`${operation}: requests/s, wrk beside it`, full.perSecond.toFixed(0), `(goal ${GOAL}) ${full.errors} errors`],
		[`${operation}: server CPU per request`, `${full.cpuUsPerRequest.toFixed(1)} us`],
		[`${operation}: requests/s of ${os.cpus().length} cores`, ((os.cpus().length * 1e6) / full.cpuUsPerRequest).toFixed(0)],
		[`${operation}: p99 at ${half.perSecond.toFixed(0)}/s`, `${half.p99ms.toFixed(2)} ms`, '(goal 5 ms)'],
	];
}

const rows = [
	['accounts made per second', ((accounts / madeMs) * 1000).toFixed(0), `${(madeMs / 1000).toFixed(1)} s`],
	['bytes of database per account', (bytes / accounts).toFixed(0), `${(bytes / 1e6).toFixed(0)} MB`],
	...(await measure('session_context', '"authenticated":true')),
	...(await measure('list_emails', '@loadtest.domain')),
];
report(`${accounts} accounts (load ${load()})`, rows);
await server.stop();
rmSync(dir, { recursive: true, force: true });
