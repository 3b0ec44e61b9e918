// plimsoll line against a stand-in of known rate: an interval that cannot lie above what it can do, what is
// watched, and what a person is told when it cannot go on. The figures themselves are tested in virtual time
// (lab/line_*_test.c) and on real servers by test/bench/line.mjs.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { freePort } from '../harness/plimsoll.mjs';
import { startStandIn } from '../harness/stand_in.mjs';
import { interruptAt, lab, scratch } from './lib/lab.mjs';

// 1,000 users are one visit a second.
const model = path.join(scratch, 'visit.lua');
writeFileSync(model, 'model { name = "visit", about = "a test" }\nactivity { name = "visit", per_day = 86.4, why = "a test", does = function(user) browser():get("/work") end }\n');

const line = (args, onSpawn) => lab(['line', ...args], { onSpawn });

async function standIn(t, options) {
	const server = await startStandIn(options);
	t.after(() => server.stop());
	return server;
}

const together = [];
const meanwhile = (name, fn) => together.push([name, fn]);

// The probe that was ended by hand, or by an end, is not over in the middle of a word: all is whole JSON.
const shape = (json) => {
	assert.equal(json.format, 'plimsoll-line');
	assert.ok(json.probes.length > 0 && json.probes.every((p) => p.users > 0 && p.activities[0].name === 'visit'));
	assert.ok(json.machine.cores > 0 && json.model.name === 'visit');
};

meanwhile('a server of 80 a second, watched as a process and by its metrics', async (t) => {
	const server = await standIn(t, { paths: { '/work': { work: 12.5 } }, waitingMax: 40 });
	const args = [model, '--json', '--start', '10k', '--width', '90%', '--no-demands', '--no-beyond', '--timeout', '3s', '--metrics', `${server.url}/metrics`, '--watch', `stand=${server.pid}`, server.url];
	const { code, json, stderr } = await line(args);
	assert.equal(code, 0, stderr);
	shape(json);
	assert.ok(json.complete && json.stopped === null);
	const { low_users: low, high_users: high, held, failed } = json.saturation;
	// A machine that is busy may make it slower, never faster.
	assert.ok(held && failed && low < high && low < 80000 * 1.15, stderr);
	assert.ok(Math.abs(json.saturation.low_per_second * 1000 - low) < 1);
	const failedProbes = json.probes.filter((p) => p.verdict === 'failed');
	assert.ok(failedProbes.length > 0 && failedProbes.every((p) => /a second/.test(p.cause)), stderr);
	const roles = Object.fromEntries(json.roles.map((r) => [r.name, r]));
	assert.ok(roles.work.cores > 0.2 && roles.work.cores < 1.1 && roles.work.memory_bytes === null, JSON.stringify(roles));
	assert.ok(roles.stand.cores > 0 && roles.stand.memory_bytes > 1e7 && roles.stand.threads > 1 && roles.stand.processes === 1);
	assert.ok(['work', 'stand'].includes(json.saturated.role));
	assert.ok(json.caveats.some((c) => /shared the processors/.test(c)));
});

meanwhile('no more users than --most, by two generators, a threshold of one activity, and the words for people', async (t) => {
	const server = await standIn(t, { paths: { '/work': { work: 0.1 } } });
	const { code, stdout, stderr } = await line([model, '--start', '20k', '--most', '30k', '--slo', 'visit.errors<40%', '--processes', '2', server.url]);
	assert.equal(code, 0, stderr);
	assert.match(stdout, /^saturation: above \d+ active users .*more were not tried$/m);
	assert.match(stdout, /^visit\.errors<40% is kept: /m);
	assert.match(stdout, /^visit against .*, 2 generators$/m);
	assert.match(stdout, /nothing was watched: no role can be named/);
	assert.match(stderr, /saturation +30000 users/);
});

meanwhile('a target that dies in the middle: what was measured is kept, and its death is not taken for its limit', async (t) => {
	const server = await standIn(t, { paths: { '/work': { work: 1 } }, dieAfter: 60 });
	const { code, json, stderr } = await line([model, '--json', '--no-beyond', '--timeout', '2s', server.url]);
	assert.equal(code, 1, stderr);
	shape(json);
	assert.equal(json.complete, false);
	assert.match(json.stopped, /^the target is gone: .*does not answer/);
	assert.ok(json.saturation === null || !json.saturation.failed, JSON.stringify(json.saturation));
	assert.match(json.probes.at(-1).cause ?? '', /gone|^$/);
});

meanwhile('Ctrl-C ends it with what there is', async (t) => {
	const server = await standIn(t, { paths: { '/work': { work: 1 } } });
	const { code, json } = await line([model, '--json', server.url], interruptAt(/saturation/));
	assert.equal(code, 1);
	shape(json);
	assert.ok(!json.complete && json.stopped === 'interrupted');
});

meanwhile('far beyond a line that is known: the curve, a jump, a peak, and the page of it', async (t) => {
	const server = await standIn(t, { paths: { '/work': { work: 12.5 } }, waitingMax: 20 });
	const page = path.join(scratch, 'grace.html');
	const args = ['--grace', '--saturation', '80k', '--steps', '0.5,3', '--settle', '0.5s', '--step-seconds', '1s', '--deadline', '2s', '--jumps', '1', '--bound', '30s'];
	args.push('--peaks', '2', '--base', '2s', '--peak', '1s', '--tail', '2s', '--hold', '1s', '--watch', `stand=${server.pid}`, '--html', page);
	const { code, json, stderr } = await line([model, '--json', ...args, server.url]);
	assert.equal(code, 0, stderr);
	shape(json);
	assert.ok(json.beyond === null && json.demands === null && json.saturation.low_users === 80000);
	const { curve, response, recovery, given, per_second } = json.grace;
	assert.ok(given && Math.abs(per_second - 80) < 0.01);
	assert.deepEqual(curve.steps.map((s) => [s.direction, s.load, s.seconds]), [['up', 0.5, 1], ['up', 3, 1], ['down', 0.5, 1]]);
	for (const s of curve.steps) {
		assert.equal(s.good + s.late + s.refused + s.failed + s.missed, s.offered, JSON.stringify(s));
		assert.equal(s.activities[0].offered, s.offered);
		assert.equal(s.served.count, s.good + s.late);
		assert.ok(s.good_of_peak <= 1 && s.cores.stand >= 0);
	}
	// A machine that is busy may serve fewer than 80 of some 240, never more.
	const top = curve.steps[1];
	assert.ok(top.offered > 150 && top.good < 110 && top.refused > 0, JSON.stringify(top));
	assert.ok(curve.peak_good_per_second > 0 && curve.hysteresis_area >= 0);
	assert.ok(response.times === 1 && response.bins_us.length === 200 && response.settled_ms === 0 && response.bound_us === 30e6);
	assert.ok(recovery.peaks === 2 && recovery.recovery_seconds.length === 2 && recovery.seconds.length === 8);
	const due = recovery.seconds.map((s) => s.due);
	assert.ok(due[2] > 4 * due[1] && recovery.seconds.every((s) => s.good <= s.due), `${due}`);
	assert.match(readFileSync(page, 'utf8'), /Far beyond the line.*Goodput over what is offered/s);
});

meanwhile('what is wrong is said in one line', async (t) => {
	const server = await standIn(t, { paths: { '/other': { work: 1 } } });
	const nobody = `http://127.0.0.1:${await freePort()}`;
	const bad = path.join(scratch, 'bad.lua');
	writeFileSync(bad, 'model { name = "x", about = "y" }\nnonsense(\n');
	const rows = [
		[[model, server.url], 1, /visit does not work there even with 5000 users: visit: GET \/work answered 404/],
		[[model, nobody], 1, /does not answer: Connection refused/],
		[[bad, nobody], 1, /bad\.lua:\d/],
		[[model, '--watch', 'no-such-program', server.url], 1, /there is no process called no-such-program/],
		[[model, '--watch', 'x=999999999', server.url], 1, /there is no process 999999999/],
		[[model, '--admin', nobody.slice(7), server.url], 1, /nobody answers at/],
		[[model, '--metrics', `${server.url}/other`, server.url], 1, /none of the figures|answered/],
		[[model, '--slo', 'mean<5ms', server.url], 1, /mean<5ms: a line can be searched for as/],
		[[model, '--width', '5', server.url], 2, /--width 5 is not allowed/],
		[[model, '--capacity', 'x', server.url], 2, /--capacity x is not allowed/],
		[[model, '--saturation', '5k', server.url], 2, /--saturation, --steps.* go with --grace/],
		[[model, '--peaks', '3', server.url], 2, /--peaks.* go with --grace/],
		[[model, '--no-curve', server.url], 2, /--no-recovery go with --grace/],
		[[model, '--grace', '--steps', '2,1', server.url], 2, /--steps 2,1 is not allowed/],
		[[model, '--grace', '--processes', '2', server.url], 2, /--grace is one generator's/],
		[[model, '--start', '0', server.url], 2, /--start 0 is not allowed/],
		[[model, '--nope', server.url], 2, /"--nope" is not understood/],
		[[model], 2, /line MODEL URL/],
	];
	await Promise.all(
		rows.map(async ([args, code, text]) => {
			const end = await line(args);
			assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
			const said = end.stderr.trim().split('\n').filter((l) => l.startsWith('plimsoll'));
			assert.equal(said.length, 1, end.stderr);
			assert.match(said[0], text);
			assert.equal(end.stdout, '');
		}),
	);
});

test('at the same time', { concurrency: 5 }, (t) => Promise.all(together.map(([name, fn]) => t.test(name, fn))));
