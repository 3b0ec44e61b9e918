// The lab's generator against a sink on the other core, beside wrk (and hey, if it is installed) in the
// same run: lateness and gap law (at the sink, not by what the generator says of itself), rate and
// processor time of plain requests, what a stall does to p99, memory, and runs called void for nothing.
// Wants an idle machine of two cores.
//   node test/bench/lab.mjs [seconds per run = 10] [parts: speed precision gaps stall memory falseAlarms]
// LAB_GAP_RUNS: of the gap law, of 20 s each; 10. LAB_GAP_LOG=1 says how each of them was.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { report } from './lib.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const seconds = Number(process.argv[2] ?? 10);
const runs = Number(process.env.LAB_GAP_RUNS ?? 10);
const SINK = path.join(ROOT, 'build/release/test/bench/lab_sink');
const STALLS = path.join(ROOT, 'build/release/test/bench/stalls');
const LAB = path.join(path.dirname(realpathSync(plimsollBin())), 'plimsoll-lab');
const ROUNDS = 3;
const execFileAsync = promisify(execFile);
// Where it may, before all others: what is looked at is the generator, not who else is on the machine.
const FIRST = process.getuid() === 0 ? ['chrt', '--fifo', '1'] : [];
const folder = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-lab-bench-'));

const MODELS = {
	// A user does a hundred things a second, so that connections are about as many as wrk's.
	plain: 'activity { name = "get", why = "w", per_day = 8640000, gets = { "/" } }',
	lua: 'activity { name = "get", why = "w", per_day = 8640000, does = function(user) user:browser(1):get("/") end }',
	steps: 'activity { name = "get", why = "w", per_day = 8640000, does = function(user) local b = user:browser(1) for i = 1, 5 do check(#b:get("/").body == 100, "body") end end }',
	// Users enough that a stall finds none of them busy; a connection for each activity.
	calm: 'activity { name = "get", why = "w", per_day = 8640, gets = { "/" } }',
	// As a signed-in device: a cookie, a token, a certificate.
	warm: `local text = ("c"):rep(700)
activity { name = "get", why = "w", per_day = 86.4, does = function(user) user:browser(1):get("/") end }`,
};
function model(name) {
	const file = path.join(folder, `${name}.lua`);
	const warm = name === 'warm' ? ', warm = function(user) local b = user:browser(1) b:get("/") b.cookies = "state=" .. random_text(100) b.csrf = random_text(24) b.certificate = random_text(20) .. ("c"):rep(700) end' : '';
	writeFileSync(file, `model { name = "${name}", about = "bench", connection = "${name === 'calm' ? 'activity' : 'session'}"${warm} }\n${MODELS[name]}\n`);
	return file;
}

async function sink(...words) {
	const port = await freePort();
	const file = path.join(folder, 'stamps');
	const child = spawn('taskset', ['-c', '0', ...FIRST, SINK, String(port), file, ...words], { stdio: 'inherit' });
	await sleep(200);
	return {
		url: `http://127.0.0.1:${port}`,
		child,
		// Microseconds of all requests, ascending.
		stop: () =>
			new Promise((resolve) => {
				child.once('exit', () => resolve(readFileSync(file, 'utf8').trim().split('\n').map(Number)));
				child.kill('SIGTERM');
			}),
	};
}

// On core 1: { stdout, cpuS }.
function onCore1(words, { onSpawn = () => {} } = {}) {
	return new Promise((resolve) => {
		const child = spawn('taskset', ['-c', '1', ...FIRST, 'bash', '-c', '"$@" 2>/dev/null; times >&2', 'bash', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('close', () => {
			const used = stderr.trim().split('\n')[1].matchAll(/(\d+)m([\d.]+)s/g);
			resolve({ stdout, cpuS: [...used].reduce((sum, m) => sum + Number(m[1]) * 60 + Number(m[2]), 0) });
		});
		onSpawn(child);
	});
}
async function lab(name, url, { rate, time = seconds, args = [], onSpawn } = {}) {
	const { stdout } = await onCore1([LAB, 'load', model(name), '--users', String(Math.round(name === 'calm' ? rate * 10 : rate / 100)), '--for', `${time}s`, '--json', ...args, url], { onSpawn });
	const json = JSON.parse(stdout);
	const done = json.activities[0].steps.reduce((sum, s) => sum + s.done, 0);
	// Without what was spent polling for the next moment.
	return { json, done, perSecond: done / json.seconds, cpuUs: (json.generator.cpu_seconds * 1e6) / done };
}
async function wrk(url, time = seconds, options = {}) {
	const { stdout, cpuS } = await onCore1(['wrk', '-t1', '-c64', `-d${time}s`, '--latency', url], options);
	const requests = Number(/(\d+) requests in/.exec(stdout)[1]);
	const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
	return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), cpuUs: (cpuS * 1e6) / requests, p99ms: Number(p99[1]) * { us: 0.001, ms: 1, s: 1000 }[p99[2]] };
}

// Anderson and Darling's statistic of gaps in microseconds that should be exponential with a known mean.
function andersonDarling(gaps, mean) {
	const u = gaps.map((g) => Math.min(Math.max(1 - Math.exp(-g / mean), 1e-12), 1 - 1e-12)).sort((a, b) => a - b);
	const n = u.length;
	let sum = 0;
	for (let i = 0; i < n; i++) sum += (2 * i + 1) * (Math.log(u[i]) + Math.log(1 - u[n - 1 - i]));
	return -n - sum / n;
}

async function speed() {
	const best = {};
	const keep = (name, r) => (best[name] = !best[name] || r.cpuUs < best[name].cpuUs ? r : best[name]);
	for (let i = 0; i < ROUNDS; i++) {
		const s = await sink();
		const w = keep('wrk', await wrk(s.url));
		// Somewhat less than can be done: activities that are due and do not begin cost as well.
		keep('plain', await lab('plain', s.url, { rate: w.perSecond * 0.85 }));
		keep('lua', await lab('lua', s.url, { rate: w.perSecond * 0.6 }));
		keep('steps', await lab('steps', s.url, { rate: w.perSecond * 0.12 }));
		await s.stop();
	}
	const row = (label, r) => [label, r.perSecond.toFixed(0), `${r.cpuUs.toFixed(1)} us CPU each`];
	return [
		row('wrk: requests/s', best.wrk),
		row('lab, plain requests: requests/s', best.plain),
		row('lab, one request of Lua: requests/s', best.lua),
		row('lab, five steps of Lua with checks: requests/s', best.steps),
		['plain requests per CPU second, of wrk (goal 0.90)', (best.wrk.cpuUs / best.plain.cpuUs).toFixed(2)],
		['steps of Lua per CPU second, of wrk (goal 0.50)', (best.wrk.cpuUs / best.steps.cpuUs).toFixed(2)],
	];
}

async function precision() {
	const still = JSON.parse((await onCore1([STALLS, String(seconds)])).stdout);
	const s = await sink();
	const { json } = await lab('plain', s.url, { rate: 5000 });
	await s.stop();
	const l = json.generator.lateness;
	return [
		['5,000/s: requests left late by p50', `${l.p50_us} us`],
		['p99 (goal 60 us)', `${l.p99_us} us`, `the machine alone: ${still.p99_us} us`],
		['p99.9 (goal 300 us)', `${l.p999_us} us`, `the machine alone: ${still.p999_us} us`],
	];
}

// The gaps of a run at a rate at which it is rare that one is due while another is being sent, which takes some 10 us, at
// the moments at which the kernel had them for the sink: what wakes a process takes 15 us, or none if it is awake. And how
// late somebody else was on each core meanwhile, of the lowest class, beside whom the cores never idle (the second in
// which the generator begins and the one in which it ends do not count): one that does is given back to the hypervisor,
// which may take milliseconds to return it.
async function gapsOf(seed) {
	const [RATE, SENDS] = [500, 10000];
	const at = await sink('arrivals');
	const beside = ['0', '1'].map((core) => execFileAsync('taskset', ['-c', core, 'chrt', '--idle', '0', 'sh', '-c', '"$1" 1 restless >&2; "$1" "$2" restless; "$1" 1 restless >&2', 'sh', STALLS, String(SENDS / RATE - 2)]));
	await lab('plain', at.url, { rate: RATE, time: SENDS / RATE, args: ['--seed', String(seed)] });
	const stamps = (await at.stop()).slice(1); // the first looked whether somebody is there
	const witnesses = (await Promise.all(beside)).map(({ stdout }) => JSON.parse(stdout));
	return { a2: andersonDarling(stamps.slice(1).map((t, k) => t - stamps[k]), 1e6 / RATE), witnesses };
}

// Runs beside which the machine was away for 0.2 ms and more for a hundredth of the time say nothing of the generator
// and are told apart.
async function gaps() {
	const [REFUSED_FROM, STILL_US] = [3.857, 200]; // the statistic at 1 %
	const found = { still: [], away: [] };
	for (let i = 1; found.still.length < runs && i <= 2 * runs; i++) {
		const { a2, witnesses } = await gapsOf(i);
		const still = witnesses.every((w) => w.p99_us <= STILL_US);
		if (process.env.LAB_GAP_LOG) console.log(i, a2.toFixed(2), JSON.stringify(witnesses));
		found[still ? 'still' : 'away'].push(a2);
	}
	const row = (label, a2s) => {
		a2s.sort((a, b) => a - b);
		const refused = a2s.filter((a) => a > REFUSED_FROM).length;
		return [`${label}: of ${a2s.length} runs not exponential at 1 %`, String(refused), a2s.length ? `A2 ${a2s[0].toFixed(1)}, at the middle ${a2s[a2s.length >> 1].toFixed(1)}, at most ${a2s.at(-1).toFixed(1)}` : ''];
	};
	return [row('gaps at the sink (goal 5 of 100)', found.still), row('  while the machine was away', found.away)];
}

// The sink stands still for two seconds of thirty: one arrival in fifteen waits, evenly from 2 s to nothing.
async function stall() {
	const [LENGTH, STALL] = [30, 2];
	const halt = (s) => async () => {
		await sleep(8000);
		s.child.kill('SIGSTOP');
		const from = performance.now();
		await sleep(STALL * 1000);
		s.child.kill('SIGCONT');
		s.stalled = performance.now() - from;
	};
	const s = await sink();
	const { json } = await lab('calm', s.url, { rate: 1000, time: LENGTH, args: ['--arrivals', 'constant'], onSpawn: halt(s) });
	const want99 = s.stalled - 0.01 * LENGTH * 1000;
	const want999 = s.stalled - 0.001 * LENGTH * 1000;
	const l = json.activities[0].latency;
	await s.stop();
	const w = await sink();
	const beside = await wrk(w.url, LENGTH, { onSpawn: halt(w) });
	await w.stop();
	const rows = [
		[`p99 with a stall of ${(s.stalled / 1000).toFixed(2)} s in ${LENGTH} s, computed`, `${want99.toFixed(0)} ms`],
		['lab', `${(l.p99_us / 1000).toFixed(0)} ms`, `${((l.p99_us / 1000 / want99 - 1) * 100).toFixed(1)} % off (goal 2 %); p99.9 ${((l.p999_us / 1000 / want999 - 1) * 100).toFixed(1)} % off`],
		['wrk', `${beside.p99ms.toFixed(1)} ms`],
	];
	if (spawnSync('sh', ['-c', 'command -v hey']).status === 0) {
		const h = await sink();
		const { stdout } = await onCore1(['hey', '-z', `${LENGTH}s`, '-c', '64', h.url], { onSpawn: halt(h) });
		await h.stop();
		rows.push(['hey', `${(Number(/99% in ([\d.]+) secs/.exec(stdout)?.[1] ?? NaN) * 1000).toFixed(1)} ms`]);
	}
	return rows;
}

async function memory() {
	const peakKb = (words) => Number(/(\d+)/.exec(spawnSync('bash', ['-c', '"$@" >/dev/null 2>&1 & p=$!; m=0; while [ -e /proc/$p/status ]; do n=$(sed -n "s/VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p" /proc/$p/status 2>/dev/null); [ -n "$n" ] && m=$n; sleep 0.05; done; echo $m', 'bash', ...words]).stdout)[1]);
	const s = await sink();
	const words = (users, args) => [LAB, 'load', model('warm'), '--users', users, '--for', '1s', '--json', ...args, s.url];
	const few = peakKb(words('1k', []));
	const many = peakKb(words('10M', [])); // 10,000 of them act in the second
	const warmed = peakKb(words('1M', ['--warm', '100k']));
	await s.stop();
	return [
		['a user who has not acted (10M of them): bytes (goal 64)', (((many - few) * 1024) / 1e7).toFixed(1)],
		['a user with cookie, token and certificate (100,000 of 1M): bytes (goal 2,048)', (((warmed - few) * 1024) / 1e5).toFixed(0)],
	];
}

async function falseAlarms() {
	const s = await sink();
	const causes = [];
	for (let i = 0; i < 20; i++) {
		const { json } = await lab('lua', s.url, { rate: 2000, time: 2, args: ['--seed', String(i + 1)] });
		causes.push(...json.generator.void);
	}
	await s.stop();
	return [['good runs of 20 called void (goal 0)', String(causes.length), causes[0] ?? '']];
}

const parts = { speed, precision, gaps, stall, memory, falseAlarms };
const wanted = process.argv.slice(3);
const rows = [];
try {
	for (const [name, part] of Object.entries(parts)) if (!wanted.length || wanted.includes(name)) rows.push(...(await part()));
} finally {
	rmSync(folder, { recursive: true });
}
report('lab', rows);
