// The HTTP edge beside nginx with equal workers and logging, the same bytes from both, in one run:
// CPU per request and requests/s of a static file and of session_context, and CPU per refusal.
//   node test/bench/edge.mjs [seconds per run = 6]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { bestOfRounds, load, quantile, report, rolePids, startNginx, wrk } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 6);
const LOG_PAIRS = 9;
const RELOAD_MS = 300;

const server = await startPlimsoll({ conf: { log: { level: 'info' }, http: { access_log: 'yes' } }, stderr: 'file' });
const web = (await rolePids(server)).web;
const file = Buffer.from(await (await fetch(`${server.url}/include.js`)).arrayBuffer());
const contextAnswer = await fetch(`${server.url}/wsapi/session_context`);
const context = await contextAnswer.text();
const cookie = contextAnswer.headers.get('set-cookie').split(';')[0];
const nginx = await startNginx({
	workers: web.length,
	files: { 'include.js': file, 'context.json': context },
	locations: `location = /wsapi/session_context { default_type application/json; try_files /context.json =404; }`,
});

const PEERS = [{ name: 'nginx', url: nginx.url, pids: nginx.pids }, { name: 'plimsoll', url: server.url, pids: web }];

function compare(path, options) {
	return bestOfRounds(PEERS, ({ url, pids }) => wrk(url + path, pids, { seconds, ...options }));
}

function rows(label, best) {
	const { nginx: n, plimsoll: p } = best;
	return [
		[`${label}, nginx: requests/s`, n.perSecond.toFixed(0), `${n.cpuUsPerRequest.toFixed(2)} us CPU each, p99 ${n.p99ms.toFixed(2)} ms`],
		[`${label}, plimsoll: requests/s`, p.perSecond.toFixed(0), `${p.cpuUsPerRequest.toFixed(2)} us CPU each, p99 ${p.p99ms.toFixed(2)} ms`],
		[`${label}: per CPU second, of nginx`, (n.cpuUsPerRequest / p.cpuUsPerRequest).toFixed(2)],
	];
}

// Refusals: the compute processes are stopped, so that every login beyond the first few is refused
// before its body is read.
async function refusals() {
	const client = await signUp(server, 'refused@example.com', 'correct horse');
	await client.context();
	const cookie = [...client.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
	const body = JSON.stringify({ email: 'refused@example.com', pass: 'correct horse', ephemeral: false, csrf: client.csrf });
	const script = path.join(mkdtempSync(path.join(os.tmpdir(), 'plimsoll-edge-')), 'login.lua');
	writeFileSync(script, `wrk.method = "POST"\nwrk.body = '${body}'\nwrk.headers["Content-Type"] = "application/json"\nwrk.headers["Cookie"] = "${cookie}"\n`);
	const { compute } = await rolePids(server);
	compute.forEach((pid) => process.kill(pid, 'SIGSTOP'));
	try {
		return await wrk(`${server.url}/wsapi/authenticate_user`, web, { seconds, script });
	} finally {
		compute.forEach((pid) => process.kill(pid, 'SIGCONT'));
		rmSync(path.dirname(script), { recursive: true });
	}
}

// What the access log costs: one web process, which wrk keeps busy, serves the file with the log on
// and off by turns (a reload between), so that memory, cores and code are the same; the median of
// the differences of neighbours. stderr: where the log goes.
async function logShare(stderr) {
	const one = await startPlimsoll({ conf: { log: { level: 'info' }, http: { access_log: 'yes' }, web: { instances: 1 } }, stderr });
	const pids = (await rolePids(one)).web;
	const text = readFileSync(one.confPath, 'utf8');
	const measure = async (log) => {
		writeFileSync(one.confPath, text.replace(/^access_log = .*$/m, `access_log = ${log}`));
		process.kill(one.pid, 'SIGHUP');
		await sleep(RELOAD_MS);
		return (await wrk(`${one.url}/include.js`, pids, { seconds: 2 })).cpuUsPerRequest;
	};
	const without = [];
	const more = [];
	for (let i = 0; i < LOG_PAIRS; i++) {
		const pair = {};
		for (const log of i % 2 ? ['yes', 'no'] : ['no', 'yes']) pair[log] = await measure(log);
		without.push(pair.no);
		more.push(pair.yes - pair.no);
	}
	await one.stop();
	const middle = (values) => quantile(values.sort((a, b) => a - b), 0.5);
	return { off: middle(without), more: middle(more) };
}

function logRow(where, { off, more }) {
	return [`access log to ${where}: CPU per request`, `${more.toFixed(2)} us`, `over ${off.toFixed(2)} us without: the log is ${((more / (off + more)) * 100).toFixed(1)} % (goal 2 %)`];
}

const title = `edge beside nginx (${web.length} workers each, access log on, wrk -c64, load ${load()})`;
const fixed = rows(`static file of ${file.length} B`, await compare('/include.js'));
const session = rows(`session_context, ${context.length} B`, await compare('/wsapi/session_context', { headers: { cookie } }));
const toFile = await logShare('file');
const toNull = await logShare('null');
const refused = await refusals();
report(title, [
	...fixed,
	...session,
	logRow('a file', toFile),
	logRow('/dev/null', toNull),
	['refusals of logins, compute stopped: /s', (refused.errors / seconds).toFixed(0), `${refused.requests - refused.errors} of ${refused.requests} were no refusals`],
	['CPU per refusal', `${refused.cpuUsPerRequest.toFixed(2)} us`, '(goal of the grace issue: 15 us)'],
]);
await nginx.stop();
await server.stop();
