// Health beyond the line, with nginx and HAProxy in front of one server at once (the files of doc/front). Open loop
// at some times what the cores can hash, half of it through each front; clients keep their connections and give up
// after ten seconds. Beside it the health listener is asked twenty times a second, and HAProxy's own opinion every
// second. Optionally static files are asked for as fast as it goes, so that no core is left.
//   node test/bench/health.mjs [seconds = 240] [factor = 3] [connections of wrk = 0]
// Exit code 1: a change of health, an answer of health that was not 200, or a request that a front lost.
import { spawn } from 'node:child_process';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { startFront } from '../harness/front.mjs';
import { watchHealth } from '../harness/health.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { status } from '../harness/roles.mjs';
import { quantile } from './lib.mjs';

const SECONDS = Number(process.argv[2] ?? 240);
const FACTOR = Number(process.argv[3] ?? 3);
const WRK = Number(process.argv[4] ?? 0);
const COST = Number(process.env.COST ?? 10);
const PATIENCE_MS = 10000;
const PASS = 'correct horse';
const EMAIL = 'load@example.org';

const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: COST }, http: { trusted_proxies: '127.0.0.1', access_log: 'no' } } });
await signUp(server, EMAIL, PASS);
const fronts = [];
for (const kind of ['nginx', 'haproxy']) {
	const front = await startFront(kind, server.ports.web, { healthPort: server.ports.health });
	const agent = new https.Agent({ keepAlive: true, ca: front.ca, maxSockets: 400 });
	const template = new Client(front.url, { agent });
	await template.context();
	fronts.push({ front, agent, template, outcomes: {}, lost: [] });
}

// One login through a front; what came of it is counted. Lost: the front made the answer itself, or none came.
function login({ front, agent, template, outcomes, lost }) {
	const count = (kind, detail) => {
		outcomes[kind] = (outcomes[kind] ?? 0) + 1;
		if (kind.startsWith('lost')) lost.push(`${kind} ${detail}`);
	};
	const body = JSON.stringify({ email: EMAIL, pass: PASS, ephemeral: false, csrf: template.csrf });
	const headers = { cookie: [...template.cookies].map(([k, v]) => `${k}=${v}`).join('; '), 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
	return new Promise((resolve) => {
		const end = (kind, detail) => resolve(count(kind, detail));
		const req = https.request({ host: '127.0.0.1', port: front.port, method: 'POST', path: '/wsapi/authenticate_user', agent, headers }, (res) => {
			let text = '';
			res.setEncoding('utf8').on('data', (more) => (text += more));
			res.on('error', (error) => end('lost: cut off', error.message));
			res.on('end', () => {
				clearTimeout(patience);
				const own = !/<html|not there at the moment/i.test(text);
				if (res.statusCode === 200 && text.includes('"success":true')) end('served');
				else if (res.statusCode === 503 && own && res.headers['retry-after']) end('refused');
				else end(`lost: ${res.statusCode}`, text.slice(0, 100));
			});
		});
		const patience = setTimeout(() => {
			end('gave up');
			req.destroy();
		}, PATIENCE_MS);
		req.on('error', (error) => {
			clearTimeout(patience);
			end(`lost: ${error.code}`, error.message);
		});
		req.end(body);
	});
}

// Closed loop: what the machine can do, half through each front.
async function capacity(seconds) {
	const before = fronts.map((f) => f.outcomes.served ?? 0);
	const end = Date.now() + seconds * 1000;
	const line = async (f) => {
		while (Date.now() < end) await login(f);
	};
	await Promise.all(fronts.flatMap((f) => Array.from({ length: 4 }, () => line(f))));
	return fronts.reduce((sum, f, i) => sum + f.outcomes.served - before[i], 0) / seconds;
}

await capacity(2);
const line = await capacity(5);
for (const f of fronts) f.outcomes = {};
const offered = FACTOR * line;
console.log(`the line is ${line.toFixed(1)} logins/s (cost ${COST}); ${offered.toFixed(0)}/s offered for ${SECONDS} s`);

const watches = [watchHealth(server, { everyMs: 50 }), watchHealth(server, { path: '/live', everyMs: 50 })];
const opinions = [];
let going = true;
const opinion = (async () => {
	for (; going; await sleep(1000)) opinions.push(await fronts[1].front.stats());
})();
const flood = WRK ? spawn('wrk', ['-t1', `-c${WRK}`, `-d${SECONDS}s`, `${server.url}/include.js`], { stdio: 'ignore' }) : null;
const pending = [];
const began = performance.now();
for (let due = 0, n = 0; due < SECONDS * 1000; n++) {
	due += (-Math.log(1 - Math.random()) * 1000) / offered;
	const wait = began + due - performance.now();
	if (wait > 1) await sleep(wait);
	pending.push(login(fronts[n % 2]));
}
await Promise.all(pending);
going = false;
await opinion;
flood?.kill();
const [ready, live] = [await watches[0].stop(), await watches[1].stop()];
const last = await fronts[1].front.stats();
const { families } = await status(server);

let bad = 0;
for (const { front, outcomes, lost } of fronts) {
	console.log(`${front.kind.padEnd(8)} ${Object.entries(outcomes).map(([kind, n]) => `${kind} ${n}`).join(', ')}`);
	for (const text of lost.slice(0, 5)) console.log(`         ${text}`);
	bad += lost.length;
}
for (const [name, seen] of [['/ready', ready], ['/live', live]]) {
	seen.ms.sort((a, b) => a - b);
	const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => quantile(seen.ms, q).toFixed(1));
	const over = seen.ms.filter((ms) => ms > 10).length;
	console.log(`${name.padEnd(8)} asked ${seen.answers}, not 200: ${seen.bad.length}, changes ${seen.changes}; ms p50 ${p50} p99 ${p99} p99.9 ${p999} max ${Math.max(...seen.ms).toFixed(1)}; over 10 ms: ${over}`);
	bad += seen.bad.length + seen.changes;
}
const loads = ready.load.slice(ready.load.length / 4).sort((a, b) => a - b);
console.log(`X-Load   p10 ${quantile(loads, 0.1)} median ${quantile(loads, 0.5)} max ${Math.max(...loads)}`);
const states = new Set(opinions.map((o) => o.status));
console.log(`HAProxy  status ${[...states].join(', ')}, went down ${last.chkdown}, failed checks ${last.chkfail}, weight ${last.weight}, connection errors ${last.econ}, response errors ${last.eresp}`);
bad += Number(last.chkdown) + families.health_changes_total.value + (states.size > 1);
console.log(`Plimsoll health changes ${families.health_changes_total.value}; health answers ${families.health_answers_total.value}`);
console.log(bad ? 'HEALTH OR REQUESTS WERE LOST' : 'nothing lost');
for (const { front, agent } of fronts) {
	agent.destroy();
	await front.stop();
}
await server.stop();
process.exit(bad ? 1 : 0);
