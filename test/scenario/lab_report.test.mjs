// What the lab writes of its runs: the page.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { lab, standIn } from './lib/lab.mjs';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-report-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

// 864 users, 20 activities a second: each visit has two steps.
const model = path.join(scratch, 'm.lua');
writeFileSync(
	model,
	`model { name = "test", about = "people who <read> & write" }
assume("pages", 2, "A visit has two pages.")
activity { name = "visit", why = "They come back.", per_day = 2000, does = function(user)
	local b = browser()
	b:get("/a")
	b:get("/b")
end }
activity { name = "look", why = "They look once.", per_day = 1000, does = function(user) browser():get("/c") end }
`,
);
const load = (url, args) => lab(['load', model, '--users', '864', '--for', '1s', '--arrivals', 'constant', ...args, url]);

test('the page holds everything itself: sentence, plots, tables, model, machine, caveats', async (t) => {
	let n = 0;
	const url = await standIn(t, (req, res) => {
		if (req.url === '/c' && ++n % 3 === 0) res.statusCode = 503;
		res.end('x');
	});
	const file = path.join(scratch, 'page.html');
	const { code, stderr } = await load(url, ['--html', file]);
	assert.ok(code === 0 || code === 6, stderr);
	const page = readFileSync(file, 'utf8');
	assert.match(page, /864 active users of test for 1 s: [\d.]+ % of \d+ activities were done, [\d.]+ % were refused/);
	for (const title of ['Activities a second', 'Latency of activities over time', 'Latency by share of the activities']) {
		assert.match(page, new RegExp(`<h3>${title}</h3>[^]*?<svg[^]*?<polyline`));
	}
	for (const part of ['<h2>Steps', '<h2>The model', 'A visit has two pages.', 'They come back.', 'people who &lt;read&gt; &amp; write', '<h2>The generator and its machine', 'cores of', '<h2>To bear in mind', 'shared the processors of one machine', 'Only \\d+ activities were done']) {
		assert.match(page, new RegExp(part));
	}
	assert.doesNotMatch(page, /<script|src=|href=|@import|url\(|[0-9]nan|[^a-z]inf[^a-z]/i);
	assert.deepEqual(readdirSync(scratch).filter((f) => f.endsWith('.new')), []);
});

test('a page that cannot be written is said, and the results are printed all the same', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const folder = path.join(scratch, 'folder');
	mkdirSync(folder);
	const rows = [
		['/dev/full', /^plimsoll load: \/dev\/full could not be written: No space left on device$/m],
		[path.join(scratch, 'none', 'page.html'), /page\.html could not be written: No such file or directory/],
		[folder, /could not be written: Is a directory/],
	];
	await Promise.all(
		rows.map(async ([file, line]) => {
			const { code, stdout, stderr, json } = await load(url, ['--json', '--html', file]);
			assert.equal(code, 1);
			assert.match(stderr, line);
			assert.ok(json.activities[0].done > 0, stdout);
		}),
	);
});

test('thresholds: met, missed, misspelt; in text, JSON and page', async (t) => {
	const url = await standIn(t, (req, res) => {
		if (req.url === '/c') res.statusCode = 503;
		setTimeout(() => res.end('x'), req.url === '/b' ? 60 : 0);
	});
	const page = path.join(scratch, 'slo.html');
	const slo = ['visit.p50<50ms', 'visit.p50>55ms', 'errors<50%', 'look.errors<1%', 'look.p99<1s'].flatMap((text) => ['--slo', text]);
	const [missed, text, met] = await Promise.all([
		load(url, ['--json', '--html', page, ...slo]),
		load(url, slo),
		load(url, ['--slo', 'visit.done>1/s', '--slo', 'failed<=0%', '--json']),
	]);
	assert.deepEqual(missed.json.slo.map(({ text, met }) => [text, met]), [['visit.p50<50ms', false], ['visit.p50>55ms', true], ['errors<50%', true], ['look.errors<1%', false], ['look.p99<1s', false]]);
	assert.ok(missed.json.slo[0].measured > 59 && missed.json.slo[3].measured === 1 && missed.json.slo[4].measured === null);
	// A busy machine may make a run void (6), which comes first.
	const code = (end, want) => assert.ok(end.code === want || (end.code === 6 && /VOID|"void":\["/.test(end.stdout)), `${end.code}: ${end.stderr}`);
	code(missed, 1);
	code(text, 1);
	code(met, 0);
	assert.match(text.stdout, /thresholds\n {2}visit\.p50<50ms +\d+(\.\d+)? ms, MISSED\n {2}visit\.p50>55ms .*, met\n/);
	assert.match(text.stdout, /look\.p99<1s +nothing done, MISSED/);
	assert.match(readFileSync(page, 'utf8'), /Thresholds were missed[^]*look\.errors&lt;1%<\/td><td>100 %<\/td><td class="t bad">missed/);
	for (const [args, exit, line] of [
		[['--slo', 'p99<50'], 2, /--slo "p99<50": "50" is not a time with us, ms or s, as in/],
		[['--slo', 'nobody.p99<50ms'], 1, /"nobody\.p99<50ms": test has no activity "nobody" but visit, look/],
		[['--slo'], 2, /--slo needs a value/],
	]) {
		const end = await lab(['load', model, url, ...args]);
		assert.equal(end.code, exit, end.stderr);
		assert.match(end.stderr, line);
		assert.equal(end.stdout, '');
	}
});

test('the page of a line is drawn from its result; what is null is left out', async () => {
	const probe = (users, p99, more = {}) => ({ phase: 'saturation', users, seconds: 3, verdict: 'held', cause: null, offered_per_second: users / 100, done_per_second: users / 100, refused_per_second: 0, failed_per_second: 0, p50_us: 1000, p90_us: 2000, p99_us: p99, use: [{ role: 'web', cores: users / 1e5 }], ...more });
	const cost = (activity, value) => ({ activity, value, low: value * 0.9, high: value * 1.1 });
	const result = {
		format: 'plimsoll-line', version: 1, complete: true, stopped: null, seconds: 60, url: 'http://127.0.0.1:1',
		model: { name: 'shop', preset: null, activities: [{ name: 'buy', per_user_day: 2, share: 1, per_second_of_1m_users: 23 }] },
		machine: { cores: 2, cpu: 'c', kernel: 'k', memory_bytes: 8e9 },
		saturation: { low_users: 9800, high_users: 10100, held: true, failed: true }, slo_limit: null,
		beyond: { verdict: 'collapse', collapse_ratio: 0.5, steps: [{ direction: 'up', offered_per_second: 150, good_per_second: 50 }, { direction: 'up', offered_per_second: 200, good_per_second: 20 }, { direction: 'down', offered_per_second: 100, good_per_second: 30 }] },
		probes: [probe(8000, 8000), probe(9800, 20000), probe(2000, 3000), probe(4000, 9e9, { verdict: 'void' }), probe(12000, null, { verdict: 'failed', cause: 'the backlog <grows>' })],
		roles: [{ name: 'web', use: 0.97 }, { name: 'store', use: null }],
		saturated: { role: 'web', by: 'processor', use: 0.97, next_role: 'store', next_use: 0.3 },
		demands: { roles: [{ name: 'web', cpu_seconds: [cost('buy', 0.004)] }, { name: 'store', cpu_seconds: [cost('buy', 0.001)] }, { name: 'machine', cpu_seconds: [cost('buy', 0.005)] }] },
		predicted: null, caveats: ['all on one machine'],
	};
	const [json, file] = [path.join(scratch, 'line.json'), path.join(scratch, 'line.html')];
	writeFileSync(json, JSON.stringify(result));
	const end = await lab(['report', 'line', json, '--html', file]);
	assert.equal(end.code, 0, end.stderr);
	const page = readFileSync(file, 'utf8');
	const runs = path.join(scratch, 'runs.jsonl');
	assert.equal((await lab(['report', 'record', runs, json, '--commit', 'v1'])).code, 0);
	const [kept] = JSON.parse(readFileSync(runs, 'utf8')).costs;
	assert.ok(kept.activity === 'buy' && Math.abs(kept.value - 5000) < 1 && Math.abs(kept.high - 5000 - Math.hypot(400, 100)) < 1, JSON.stringify(kept));
	assert.match(page, /The line is between 9800 and 10\.1k active users; then web is full first, and after it store\./);
	assert.match(page, /Beyond the line: collapse\. At one and a half times it 50 % of the most is still done\./);
	assert.match(page, /99 of 100: 20 ms at 9800/);
	assert.doesNotMatch(page, /99 of 100: [\d.]+ k?s at 4000/, 'a void probe is in no plot');
	assert.match(page, /<span>buy<\/span>[^]*class="interval"[^]*<span>5 ms<\/span>/);
	for (const part of ['the backlog &lt;grows&gt;', 'all on one machine', 'How full each role is', 'beyond, up', 'and down']) assert.match(page, new RegExp(part));
	assert.doesNotMatch(page, /<script|src=|href=|[0-9" >]-?nan[" ,<]/i);
	writeFileSync(json, JSON.stringify({ ...result, complete: false, stopped: 'the target is gone', saturation: null, saturated: null, beyond: null, probes: [], roles: [], demands: null }));
	assert.equal((await lab(['report', 'line', json, '--html', file])).code, 0);
	assert.match(readFileSync(file, 'utf8'), /No line was found\.[^]*ended before its end \(the target is gone\)/);
	writeFileSync(json, '{}');
	assert.match((await lab(['report', 'line', json, '--html', file])).stderr, /no result of plimsoll line/);
});
