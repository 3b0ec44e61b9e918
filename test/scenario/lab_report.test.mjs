// What the lab writes of its runs: the page.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { run, standIn } from './lib/lab_command.mjs';

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
const load = (url, args) => run(['load', model, '--users', '864', '--for', '1s', '--arrivals', 'constant', ...args, url]);

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
		const end = await run(['load', model, url, ...args]);
		assert.equal(end.code, exit, end.stderr);
		assert.match(end.stderr, line);
		assert.equal(end.stdout, '');
	}
});
