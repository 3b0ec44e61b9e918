// Logins at saturation beside the raw bcrypt rate of the same cores, in one run.
//   node test/bench/logins.mjs [seconds = 10] [bcrypt cost = 10]
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { idleShare, load, quantile, report, run } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 10);
const cost = Number(process.argv[3] ?? 10);
const cores = os.cpus().length;
const rawProgram = path.join(path.dirname(process.env.PLIMSOLL_BIN), '../test/bench/bcrypt_raw');

const raw = async () => Number(await run(rawProgram, [String(cost), String(seconds), String(cores)]));
const rawBefore = await raw();

const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: cost }, http: { access_log: 'no' } } });
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const accounts = [];
for (let i = 0; i < 8; i++) {
	const email = `login${i}@example.com`;
	await signUp(server, email, 'correct horse', { agent });
	accounts.push(email);
}

const times = [];
let failures = 0;
async function caller(i, end) {
	const client = new Client(server.url, { agent });
	await client.context();
	while (Date.now() < end) {
		const began = performance.now();
		const r = await client.post('/wsapi/authenticate_user', {
			email: accounts[i % accounts.length],
			pass: 'correct horse',
			ephemeral: false,
		});
		if (r.json?.success) times.push(performance.now() - began);
		else failures++;
	}
}
const end = Date.now() + seconds * 1000;
const { idle } = await idleShare(() => Promise.all(Array.from({ length: 16 }, (_, i) => caller(i, end))));
agent.destroy();
await server.stop();
const rawAfter = await raw();

const bcrypt = (rawBefore + rawAfter) / 2;
const rate = times.length / seconds;
times.sort((a, b) => a - b);
report(`logins at saturation (bcrypt cost ${cost}, ${cores} cores, 16 callers, load ${load()})`, [
	['raw bcrypt, hashes/s (before and after)', bcrypt.toFixed(2), `${rawBefore.toFixed(1)} and ${rawAfter.toFixed(1)}`],
	['logins/s', rate.toFixed(2), `${(rate / bcrypt).toFixed(3)} of raw (goal 0.95)`],
	['p50 / p99', `${quantile(times, 0.5).toFixed(0)} ms`, `${quantile(times, 0.99).toFixed(0)} ms`],
	['failed', failures],
	['cores busy', `${((1 - idle) * 100).toFixed(1)} %`, '(goal 95 %), the callers included'],
]);
