// plimsoll line on servers of known behaviour, through real sockets: how often the interval holds the truth
// (L7), the role and the line that costs predict (L8), the shape beyond (L11). In virtual time the same is
// done many more times by lab/line_*_test.c.
//   node test/bench/line.mjs [rounds] [saturation|costs|shapes ...]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { startStandIn } from '../harness/stand_in.mjs';

const rounds = Number(process.argv[2] ?? 20);
const wanted = process.argv.slice(3);
const wants = (name) => wanted.length === 0 || wanted.includes(name);
const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-line-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

// Weights are activities a second of 1,000 users.
function model(weights) {
	const file = path.join(scratch, 'model.lua');
	const activity = ([name, weight]) =>
		`activity { name = "${name}", per_day = ${weight * 86.4}, why = "a test", does = function(user) browser():get("/${name}") end }\n`;
	writeFileSync(file, `model { name = "stand_in", about = "a server of known behaviour" }\n${Object.entries(weights).map(activity).join('')}`);
	return file;
}

function line(file, url, args) {
	const child = spawn(plimsollBin(), ['line', file, '--json', ...args, url], { stdio: ['ignore', 'pipe', 'pipe'] });
	let [stdout, stderr] = ['', ''];
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	return new Promise((resolve) => child.once('close', () => resolve(stdout.startsWith('{') ? JSON.parse(stdout) : { failed: stderr })));
}

async function run(options, weights, args) {
	const server = await startStandIn(options);
	try {
		return await line(model(weights), server.url, args.map((a) => a.replace('URL', server.url)));
	} finally {
		await server.stop();
	}
}

const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))];
const percent = (x) => `${(100 * x).toFixed(1)} %`;

// Costs in ms by role; the first role to be full and activities a second at which it is.
function truth(paths, workers, weights) {
	const sum = Object.values(weights).reduce((a, b) => a + b, 0);
	const need = {};
	for (const [name, weight] of Object.entries(weights)) {
		for (const [role, ms] of Object.entries(paths[`/${name}`])) need[role] = (need[role] ?? 0) + ((weight / sum) * ms) / 1000;
	}
	const full = Object.entries(need).map(([role, s]) => ({ role, rate: (workers?.[role] ?? 1) / s }));
	return full.sort((a, b) => a.rate - b.rate);
}

async function saturation() {
	const servers = [
		{ paths: { '/work': { work: 5 } } },
		{ paths: { '/work': { work: 33.3 } }, workers: { work: 2 } },
		{ paths: { '/work': { work: 20 } }, workers: { work: 4 }, waitingMax: 100 },
		{ paths: { '/work': { work: 8 } }, waitingMax: 30 },
	];
	let [right, narrow] = [0, 0];
	const seconds = [];
	for (let i = 0; i < rounds; i++) {
		const server = servers[i % servers.length];
		const [{ rate }] = truth(server.paths, server.workers, { work: 1 });
		const json = await run(server, { work: 1 }, ['--no-beyond', '--no-demands', '--within', '80s', '--seed', String(i + 1)]);
		const s = json.saturation;
		if (!s?.failed) {
			console.log(`  ${rate.toFixed(1)}/s: ${json.stopped ?? json.failed ?? 'nothing found'}`);
			continue;
		}
		const [low, high] = [s.low_per_second, s.high_per_second];
		right += low <= rate && rate <= high;
		narrow += high / low - 1 <= 0.0501;
		seconds.push(json.seconds);
		console.log(`  ${rate.toFixed(1)}/s: ${low.toFixed(1)} to ${high.toFixed(1)} (${percent(high / low - 1)}) in ${json.seconds.toFixed(0)} s`);
	}
	console.log(`saturation: interval right ${right} of ${rounds}, within 5 % ${narrow}, ${quantile(seconds, 0.5).toFixed(0)} s (longest ${Math.max(...seconds).toFixed(0)})`);
}

// Costs from one run; then the line of mixes that were not in it, by arithmetic from what was planted.
async function costs() {
	let [named, total, rightRole] = [0, 0, 0];
	const errors = [];
	for (let i = 0; i < Math.max(1, Math.round(rounds / 5)); i++) {
		const factor = 1 + (i % 4);
		const paths = { '/light': { router: 4 }, '/write': { router: 5, dbwriter: 10 * factor }, '/heavy': { router: 3, compute: 300 / factor } };
		const weights = { light: 1, write: 0.25, heavy: 0.02 };
		const workers = { compute: 2 };
		const [first] = truth(paths, workers, weights);
		const json = await run({ paths, workers, waitingMax: 200 }, weights, ['--no-beyond', '--mix', '4s', '--seed', String(i + 1), '--metrics', 'URL/metrics', '--capacity', 'compute=2']);
		if (!json.demands) {
			console.log(`  costs: ${json.stopped ?? json.failed ?? 'not measured'}`);
			continue;
		}
		rightRole += json.saturated.role === first.role;
		total++;
		console.log(`  named ${json.saturated.role}, planted ${first.role}; predicted ${json.predicted.per_second.toFixed(1)}/s (${json.predicted.role}), planted ${first.rate.toFixed(1)}/s, measured ${json.saturation.low_per_second.toFixed(1)} to ${json.saturation.high_per_second.toFixed(1)}`);
		const cost = (activity, role) => json.demands.roles.find((r) => r.name === role)?.cpu_seconds.find((c) => c.activity === activity)?.value ?? 0;
		for (let k = 0; k < 20; k++) {
			// Weights by a fixed pattern: each from a third to three times as often.
			const mix = Object.fromEntries(Object.entries(weights).map(([name, w], j) => [name, w * 3 ** (((k * (j + 2) * 7) % 20) / 10 - 1)]));
			const [one, two] = truth(paths, workers, mix);
			const sum = Object.values(mix).reduce((a, b) => a + b, 0);
			const predicted = json.demands.roles
				.map((r) => ({ role: r.name, rate: (r.capacity_cores - r.idle_cores.value) / Object.entries(mix).reduce((s, [name, w]) => s + (w / sum) * cost(name, r.name), 1e-12) }))
				.sort((a, b) => a.rate - b.rate)[0];
			errors.push(Math.abs(predicted.rate / one.rate - 1));
			named += predicted.role === one.role || (two.rate < one.rate * 1.05 && predicted.role === two.role);
		}
	}
	console.log(`costs: saturated role right ${rightRole} of ${total}; on ${errors.length} mixes that were not fitted: role right ${named}, error of the line median ${percent(quantile(errors, 0.5))}, p90 ${percent(quantile(errors, 0.9))}`);
}

async function shapes() {
	const planted = [
		['plateau', { paths: { '/work': { work: 8 } }, waitingMax: 20 }],
		['plateau', { paths: { '/work': { work: 30 } }, workers: { work: 4 }, waitingMax: 40 }],
		['collapse', { paths: { '/work': { work: 8 } }, waitingMax: 250 }], // serves clients who are gone
		['collapse', { paths: { '/work': { work: 8 } }, slower: 0.004, waitingMax: 90 }], // a lock
		['hysteresis', { paths: { '/work': { work: 8 } }, trap: { at: 60, factor: 3 }, waitingMax: 100 }], // a cache is lost
	];
	let right = 0;
	for (let i = 0; i < rounds; i++) {
		const [shape, server] = planted[i % planted.length];
		const json = await run(server, { work: 1 }, ['--no-demands', '--timeout', '1s', '--step', '8s', '--width', '15%', '--seed', String(i + 1)]);
		const b = json.beyond;
		// A target that does not come back ends the search before it gets there: that says it as well.
		const said = b?.verdict ?? (json.caveats?.some((c) => /did not come back/.test(c)) ? 'hysteresis' : json.stopped ?? json.failed ?? 'nothing');
		right += said === shape;
		console.log(`  planted ${shape}: ${said}${b ? `, at 1.5 times ${percent(b.collapse_ratio)}, back after ${b.recovery_seconds ?? '-'} s` : ''}; ${json.seconds?.toFixed(0)} s`);
	}
	console.log(`shapes: right ${right} of ${rounds}`);
}

if (wants('saturation')) await saturation();
if (wants('costs')) await costs();
if (wants('shapes')) await shapes();
