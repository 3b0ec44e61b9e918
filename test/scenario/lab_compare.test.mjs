// Runs compared: two with each other, and a record of many over time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { lab, standIn } from './lib/lab.mjs';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-compare-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name) => path.join(scratch, name);

const model = at('m.lua');
writeFileSync(model, 'model { name = "test", about = "a test" }\nactivity { name = "visit", why = "a test", per_day = 5000, does = function(user) browser():get("/") end }\n');
// 50 visits a second.
const load = (url, args) => lab(['load', model, '--users', '864', '--for', '2s', '--json', ...args, url]);

test('diff: a slower server that refuses is told from the same one', async (t) => {
	const quick = await standIn(t, (req, res) => setTimeout(() => res.end('x'), 10));
	let n = 0;
	const slow = await standIn(t, (req, res) => {
		if (++n % 4 === 0) res.statusCode = 503;
		setTimeout(() => res.end('x'), 500);
	});
	const runs = await Promise.all([load(quick, []), load(slow, [])]);
	runs.forEach((end, i) => writeFileSync(at(`${'ab'[i]}.json`), end.stdout));
	const worse = await lab(['report', 'diff', at('a.json'), at('b.json'), '--json', '--html', at('diff.html')]);
	assert.equal(worse.code, 1, worse.stderr);
	const verdicts = (json) => Object.fromEntries(json.rows.map((row) => [row.what, row.verdict]));
	assert.equal(verdicts(worse.json).p50, 'worse');
	assert.equal(verdicts(worse.json).errors, 'worse');
	const [p50] = worse.json.rows;
	assert.ok(p50.change.value > 1.5 && p50.change.low > 1 && p50.change.high > p50.change.value, JSON.stringify(p50));
	assert.ok(p50.a.value < p50.b.value && p50.a.low <= p50.a.value && p50.a.value <= p50.a.high);
	assert.match(readFileSync(at('diff.html'), 'utf8'), /B is worse in what is marked/);

	const better = await lab(['report', 'diff', at('b.json'), at('a.json')]);
	assert.equal(better.code, 0);
	assert.match(better.stdout, /visit +p50 .* better/);
	assert.match(better.stdout, /visit +errors .*points.* better/);
	const same = await lab(['report', 'diff', at('a.json'), at('a.json'), '--json']);
	assert.equal(same.code, 0);
	assert.ok(same.json.rows.every(({ verdict }) => verdict === 'same' || verdict === 'unknown') && same.json.rows.length === 4);

	writeFileSync(at('other.json'), JSON.stringify({ ...JSON.parse(runs[0].stdout), users: 5, machine: { cpu: 'another', cores: 99 } }));
	assert.match((await lab(['report', 'diff', at('a.json'), at('other.json')])).stdout, /users differs: 864 and 5\n[^]*different machines: \d+ cores of .*, 99 cores of another/);
});

test('a run against our server leaves a record with the cost of an activity and its commit', async () => {
	const server = await startPlimsoll({ conf: { web: { instances: 1 } } });
	try {
		const file = at('runs.jsonl');
		execFileSync('git', ['init', '-q'], { cwd: scratch });
		const page = at('page.html');
		const end = await lab(['load', model, '--users', '864', '--for', '13s', '--json', '--admin', server.adminUrl.slice(7), '--record', file, '--html', page, server.url], { cwd: scratch });
		assert.ok(end.json, end.stderr);
		const { cpu_us_per_activity: cost } = end.json.target;
		assert.ok(cost.value > 0 && cost.low < cost.value && cost.high > cost.value, JSON.stringify(cost));
		assert.match(readFileSync(page, 'utf8'), /Cores used by each role over time[^]*of processor \(95 %: /);
		const again = await lab(['report', 'record', file, '-', '--commit', 'v2'], { cwd: scratch });
		assert.equal(again.code, 1, 'there is nothing on standard input');
		writeFileSync(at('result.json'), end.stdout);
		assert.equal((await lab(['report', 'record', file, at('result.json'), '--commit', 'v2'])).code, 0);
		const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
		assert.deepEqual(lines.map(({ commit, kind, model: name }) => [commit, kind, name]), [['', 'load', 'test'], ['v2', 'load', 'test']]);
		assert.deepEqual(lines[0].costs[0], { activity: 'visit', ...cost });
		assert.ok(lines[0].machine.cores >= 1 && lines[0].users === 864);
	} finally {
		await server.stop();
	}
});

test('trend: an activity that grew beyond its interval ends with 1; damaged lines and other machines are left out', async () => {
	const file = at('trend.jsonl');
	const line = (commit, value, more = {}) =>
		appendFileSync(file, JSON.stringify({ format: 'plimsoll-record', at_ms: 1790000000000, commit, kind: 'line', model: 'persona', preset: '', void: false, machine: { cpu: 'c', cores: 2, memory_bytes: 8e9 }, costs: [{ activity: 'signin', value, low: value - 20, high: value + 20 }, { activity: 'signup', value: 5000, low: 4900, high: 5100 }], ...more }) + '\n');
	for (const [i, value] of [1000, 1010, 990, 1005].entries()) line(`c${i}`, value);
	line('big', 100, { machine: { cpu: 'c', cores: 64, memory_bytes: 8e9 } });
	appendFileSync(file, '{ "half": \n');
	line('new', 1003);
	const calm = await lab(['report', 'trend', file, '--html', at('trend.html')]);
	assert.equal(calm.code, 0, calm.stderr);
	assert.match(calm.stdout, /5 of 6 runs may be compared \(line of persona, 2 cores of c\); the newest is of 2026-09-21 \d\d:\d\d, commit new/);
	assert.match(calm.stdout, /signin +1\.003 +0\.983 to 1\.023 .* as before/);
	assert.match(calm.stderr, /1 lines of .* are no records/);
	const page = readFileSync(at('trend.html'), 'utf8');
	assert.match(page, /No activity costs more[^]*<h3>signin<\/h3>[^]*class="dot c0"[^]*another kind or machine: not compared/);

	line('slow', 1100);
	const grew = await lab(['report', 'trend', file, '--json']);
	assert.equal(grew.code, 1);
	assert.deepEqual(grew.json.activities.map(({ name, verdict, earlier }) => [name, verdict, earlier]), [['signin', 'grew', 5], ['signup', 'same', 5]]);
	line('void', 9000, { void: true });
	assert.equal((await lab(['report', 'trend', file, '--json'])).json.activities[0].cpu_us.value, 1100, 'a void run is not the newest');
});

test('what is wrong is said in one line', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	writeFileSync(at('no.json'), '{"format":"something"}');
	writeFileSync(at('broken.json'), '{');
	const rows = [
		[['report'], 2, /report diff A B, report trend FILE, report record/],
		[['report', 'diff', at('no.json')], 2, /report diff A B/],
		[['report', 'diff', at('no.json'), at('no.json')], 1, /no result of plimsoll load --json/],
		[['report', 'diff', at('none.json'), at('no.json')], 1, /none\.json: No such file/],
		[['report', 'diff', at('broken.json'), at('no.json')], 1, /broken\.json is no JSON/],
		[['report', 'trend', at('none.jsonl')], 1, /none\.jsonl: No such file/],
		[['report', 'record', at('x.jsonl'), at('no.json')], 1, /no result of plimsoll load or line/],
		[['report', 'trend', '--nope'], 2, /"--nope" is not understood/],
	];
	await Promise.all(
		rows.map(async ([args, code, line]) => {
			const end = await lab(args);
			assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
			assert.match(end.stderr, line);
			assert.equal(end.stderr.trim().split('\n').length, 1, end.stderr);
		}),
	);
	const full = await lab(['load', model, '--users', '864', '--for', '1s', '--json', '--record', '/dev/full', url]);
	assert.equal(full.code, 1);
	assert.match(full.stderr, /plimsoll load: \/dev\/full could not be written: No space left on device/);
	assert.ok(full.json.activities[0].done > 0);
});
