// Ten times more logins than the cores can hash. Open loop: logins begin when they are due whatever
// happened to earlier ones; clients give up after 3 s, half of those not served try again after what
// Retry-After said. Beside it static files and health are asked for all the time.
//   node test/bench/overload.mjs [seconds of overload = 60] [factor = 10]
import http from 'node:http';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { idleShare, quantile, report } from './lib.mjs';

const SECONDS = Number(process.argv[2] ?? 60);
const FACTOR = Number(process.argv[3] ?? 10);
const PATIENCE_MS = 3000;
const COST = 10;

const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: COST }, http: { access_log: 'no' } } });
const agent = new http.Agent({ keepAlive: true, maxSockets: 4000 });
const email = 'load@example.com';
const pass = 'correct horse';
await signUp(server, email, pass, { agent });

// One login as a client with patience; resolves to { kind, ms, retryAfter }.
async function login(template) {
	const began = performance.now();
	const body = JSON.stringify({ email, pass, ephemeral: false, csrf: template.csrf });
	return new Promise((resolve) => {
		const end = (kind, retryAfter = 0) => resolve({ kind, ms: performance.now() - began, retryAfter });
		const req = http.request(
			{
				host: '127.0.0.1',
				port: template.base.port,
				method: 'POST',
				path: '/wsapi/authenticate_user',
				agent,
				timeout: PATIENCE_MS,
				headers: {
					cookie: [...template.cookies].map(([k, v]) => `${k}=${v}`).join('; '),
					'content-type': 'application/json',
					'content-length': Buffer.byteLength(body),
				},
			},
			(res) => {
				let text = '';
				res.on('data', (d) => (text += d));
				res.on('end', () => {
					clearTimeout(patience);
					if (res.statusCode === 200 && text.includes('"success":true')) end('good');
					else if (res.statusCode === 503) end('refused', Number(res.headers['retry-after'] ?? 1));
					else end('wrong');
				});
			},
		);
		const patience = setTimeout(() => {
			req.destroy();
			end('gave up');
		}, PATIENCE_MS);
		req.on('error', (e) => {
			clearTimeout(patience);
			end(e.code === 'ECONNREFUSED' ? 'connection refused' : 'error');
		});
		req.end(body);
	});
}

const template = new Client(server.url, { agent });
await template.context();

// Closed loop at saturation: what the machine can do at the most.
async function peak(seconds) {
	const end = Date.now() + seconds * 1000;
	let good = 0;
	const one = async () => {
		while (Date.now() < end) if ((await login(template)).kind === 'good') good++;
	};
	await Promise.all(Array.from({ length: 8 }, one));
	return good / seconds;
}

// Open loop at a rate; results of everything that began in it, by second of its beginning.
async function openLoop(rate, seconds, results) {
	const start = performance.now();
	const pending = [];
	let due = 0;
	const begin = async (attempt) => {
		const at = (performance.now() - start) / 1000;
		const r = await login(template);
		results.push({ ...r, at, attempt });
		if (r.kind !== 'good' && attempt < 3 && Math.random() < 0.5) {
			await sleep((r.retryAfter || 1) * 1000);
			if (performance.now() - start < (seconds + 10) * 1000) await begin(attempt + 1);
		}
	};
	while (due < seconds) {
		const now = (performance.now() - start) / 1000;
		while (due <= now && due < seconds) {
			pending.push(begin(1));
			due += -Math.log(1 - Math.random()) / rate;
		}
		await sleep(2);
	}
	return pending;
}

// Static file and health, every 100 ms on connections of their own.
function probe(state) {
	const probes = { static: [], health: [], failures: 0 };
	const ask = async (kind, url) => {
		const began = performance.now();
		try {
			const r = await fetch(url);
			await r.arrayBuffer();
			if (r.status !== 200) probes.failures++;
		} catch {
			probes.failures++;
		}
		probes[kind].push(performance.now() - began);
	};
	probes.done = (async () => {
		while (state.on) {
			await Promise.all([ask('static', `${server.url}/include.js`), ask('health', `${server.url}/__heartbeat__`)]);
			await sleep(100);
		}
	})();
	return probes;
}

const ms = (list, q) => `${quantile(list.map((r) => r.ms ?? r).sort((a, b) => a - b), q).toFixed(1)} ms`;

const best = await peak(10);
const calm = [];
await Promise.all(await openLoop(best * 0.5, 8, calm));
const calmP99 = quantile(calm.map((r) => r.ms).sort((a, b) => a - b), 0.99);

const state = { on: true };
const probes = probe(state);
const hot = [];
const own = process.cpuUsage();
const { result: pending, idle } = await idleShare(() => openLoop(best * FACTOR, SECONDS, hot));
const { user, system } = process.cpuUsage(own);
const scriptShare = (user + system) / 1e6 / SECONDS / os.cpus().length;
const after = [];
await openLoop(best * 0.5, 15, after);
await Promise.all(pending);
await sleep(PATIENCE_MS);
state.on = false;
await probes.done;

const during = hot.filter((r) => r.at >= 2 && r.at < SECONDS);
const good = during.filter((r) => r.kind === 'good');
const refused = during.filter((r) => r.kind === 'refused');
const count = (kind) => hot.filter((r) => r.kind === kind).length;
const goodput = good.length / (SECONDS - 2);

// First second after the peak from which the p99 of served logins stays within twice the calm one, and
// the last one in which one was still refused because those refused before came back.
let recovered = 0;
let lastRefusal = 0;
for (let s = 0; s < 15; s++) {
	const second = after.filter((r) => r.at >= s && r.at < s + 1);
	const served = second.filter((r) => r.kind === 'good').map((r) => r.ms).sort((a, b) => a - b);
	if (!served.length || quantile(served, 0.99) > 2 * calmP99) recovered = s + 1;
	if (second.some((r) => r.kind !== 'good')) lastRefusal = s + 1;
}

report(`overload: ${FACTOR}x of what the cores can hash (bcrypt cost ${COST}) for ${SECONDS} s`, [
	['peak, logins/s (8 callers, closed loop)', best.toFixed(1)],
	['offered, logins/s (and retries)', (best * FACTOR).toFixed(0)],
	['goodput, logins/s', goodput.toFixed(1), `${(goodput / best).toFixed(3)} of peak (goal 0.95)`],
	['taken from the same cores by this script', `${(scriptShare * 100).toFixed(1)} %`, `without it ${(goodput / best / (1 - scriptShare)).toFixed(3)} of peak`],
	['served p50 / p99', ms(good, 0.5), ms(good, 0.99)],
	['refusals', refused.length],
	['refusals p50 / p99', ms(refused, 0.5), `${ms(refused, 0.99)} (goal < 10 ms)`],
	['gave up after 3 s', count('gave up')],
	['refused connections (goal 0)', count('connection refused')],
	['other errors', count('error') + count('wrong')],
	['static p99 / max', ms(probes.static, 0.99), ms(probes.static, 1)],
	['health p99 / max', ms(probes.health, 0.99), ms(probes.health, 1)],
	['static or health not answered (goal 0)', probes.failures],
	['cores busy during overload', `${((1 - idle) * 100).toFixed(1)} %`, 'load script included'],
	['calm p99 at 0.5x', `${calmP99.toFixed(0)} ms`],
	['normal latency after', `${recovered} s`, '(goal 5 s)'],
	['last refusal of a returning or new client after', `${lastRefusal} s`],
]);
agent.destroy();
await server.stop();
