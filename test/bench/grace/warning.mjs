// The warning before the line, on ramps and on steady load: PlimsollNearLine of doc/alerts.yml, as Prometheus would
// evaluate it, with the time of the server scaled (a window of 4 s for a minute). Each ramp goes from half of the
// line beyond it; the warning has to come at 80 % of the line at the latest and before the first refusal. Each
// steady load is half of the line; nothing may be said.
//   node test/bench/grace/warning.mjs [ramps = 10] [steady loads = 10] [seconds of a ramp = 36] [of a steady load = 20]
// Exit code 1: a warning too late, too early, or none.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../../harness/client.mjs';
import { startPlimsoll } from '../../harness/plimsoll.mjs';
import { until } from '../../harness/roles.mjs';
import { evaluate, readRules, scrape } from '../../scenario/lib/alert_rules.mjs';
import { SLOW_START_MS, closedLoop } from './lib.mjs';

const [RAMPS, STEADY, RAMP_S, STEADY_S] = [10, 10, 36, 20].map((def, i) => Number(process.argv[2 + i] ?? def));
const COST = Number(process.env.COST ?? 6);
const STEADY_SHARE = 0.5;
const RAMP_FROM = 0.5;
const RAMP_TO = 1.25;
const LATEST = 0.8;
const CALLERS = 4; // that find the line: enough for two processors, and no crowd
const PASS = 'correct horse';
const EMAIL = 'load@example.org';

const rule = readRules().get('PlimsollNearLine');
const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: COST }, capacity: { window: '4s' }, http: { access_log: 'no' } } });
const agent = new http.Agent({ keepAlive: true, maxSockets: 1000 });
await signUp(server, EMAIL, PASS, { agent });
const template = new Client(server.url, { agent });
await template.context();
const headers = { cookie: [...template.cookies].map(([k, v]) => `${k}=${v}`).join('; '), 'content-type': 'application/json' };
const body = JSON.stringify({ email: EMAIL, pass: PASS, ephemeral: false, csrf: template.csrf });

function login() {
	return new Promise((resolve) => {
		const req = http.request({ host: '127.0.0.1', port: server.ports.web, method: 'POST', path: '/wsapi/authenticate_user', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (res) => {
			res.resume();
			res.on('end', () => resolve(res.statusCode));
			res.on('error', () => resolve(0));
		});
		req.on('error', () => resolve(0));
		req.end(body);
	});
}

const isNear = async () => evaluate(rule, null, await scrape(server)).length > 0;
const calm = () => until('calm', async () => !(await isNear()), 60);

// Open loop at line x share(t); the shares of the line at which the warning and the first refusal came, or null.
async function run(line, seconds, share) {
	const began = performance.now();
	const now = () => (performance.now() - began) / 1000;
	const seen = { warned: null, refused: null, statuses: {} };
	let going = true;
	const watching = (async () => {
		for (; going && seen.warned === null; await sleep(100)) {
			const at = share(now());
			if (await isNear()) seen.warned = at;
		}
	})();
	const pending = [];
	for (let due = 0; due < seconds; ) {
		due += -Math.log(1 - Math.random()) / (line * share(due));
		const wait = due - now();
		if (wait > 0.001) await sleep(wait * 1000);
		const at = share(now());
		pending.push(
			login().then((status) => {
				seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
				if (status === 503) seen.refused ??= at;
			}),
		);
	}
	await Promise.all(pending);
	going = false;
	await watching;
	return seen;
}

// Anew before each run: how quick a machine is may change within minutes.
async function findLine() {
	await calm();
	const line = await closedLoop(4, CALLERS, async () => (await login()) === 200);
	await calm();
	return line;
}

await sleep(SLOW_START_MS);
console.log(`logins of cost ${COST}; rule: ${rule}`);
const percent = (share) => (share === null ? 'never' : `${(share * 100).toFixed(1)} %`);
let good = 0;
for (let i = 0; i < RAMPS; i++) {
	const line = await findLine();
	const { warned, refused, statuses } = await run(line, RAMP_S, (t) => RAMP_FROM + ((RAMP_TO - RAMP_FROM) * Math.min(t, RAMP_S)) / RAMP_S);
	const ok = warned !== null && warned <= LATEST && (refused === null || warned < refused);
	good += ok;
	console.log(`ramp ${i + 1} to a line of ${line.toFixed(0)}/s: warned at ${percent(warned)}, first refusal at ${percent(refused)} ${JSON.stringify(statuses)}${ok ? '' : '  BAD'}`);
}
let quiet = 0;
for (let i = 0; i < STEADY; i++) {
	const line = await findLine();
	const { warned, statuses } = await run(line, STEADY_S, () => STEADY_SHARE);
	quiet += warned === null;
	console.log(`steady ${i + 1} at ${percent(STEADY_SHARE)} of ${line.toFixed(0)}/s: ${warned === null ? 'quiet' : 'WARNED'} ${JSON.stringify(statuses)}`);
}
const { capacity: c } = await (await fetch(`${server.adminUrl}/status`)).json();
console.log(`${good} of ${RAMPS} ramps warned of in time, ${quiet} of ${STEADY} steady loads quiet; the day's peak ${percent(c.peak_share)}`);
agent.destroy();
await server.stop();
process.exit(good === RAMPS && quiet === STEADY ? 0 : 1);
