// plimsoll replay against a server that keeps what it saw: times, order of each client, filters, hits and misses,
// and what is said of a log that is broken.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { lab, scratch, standIn } from './lib/lab.mjs';

const replay = (log, url, args = [], options = {}) => lab(['replay', log, '--json', ...args, url], options);

let counter = 0;
function file(text, ending = 'log') {
	const name = path.join(scratch, `r${++counter}.${ending}`);
	writeFileSync(name, text);
	return name;
}
const line = (client, second, request, status) => `${client} - - [10/Oct/2025:13:55:${String(second).padStart(2, '0')} +0000] "${request} HTTP/1.1" ${status} 10 "-" "-"\n`;

// Answers 200 to /a..., 404 to /b..., 500 to /e...; keeps [method, url, ms since the first].
async function server(t, wait = 0) {
	const seen = [];
	let began = 0;
	const url = await standIn(t, (req, res) => {
		began ||= performance.now();
		let body = '';
		req.on('data', (chunk) => (body += chunk)).on('end', () => {
			seen.push({ method: req.method, url: req.url, ms: performance.now() - began, body, type: req.headers['content-type'] });
			res.statusCode = { a: 200, b: 404, e: 500 }[req.url[1]];
			setTimeout(() => res.end('x'), wait);
		});
	});
	return { seen, url };
}

test('original times, twice as fast: each request where its second was, each client in its order', async (t) => {
	const { seen, url } = await server(t, 10);
	let text = '';
	for (let second = 0; second < 4; second++) for (let i = 0; i < 6; i++) text += line(`10.0.0.${i % 3}`, 10 + second, `GET /a${second}-${i}`, 200);
	const { json, stderr } = await replay(file(text), url, ['--speed', '2']);
	assert.ok(json, stderr);
	assert.deepEqual([json.replay.requests, json.replay.clients, json.replay.hits, json.replay.changed], [24, 3, 24, 0]);
	assert.equal(seen.length, 24);
	for (let client = 0; client < 3; client++) {
		const own = seen.filter((s) => Number(s.url.split('-')[1]) % 3 === client).map((s) => s.url);
		assert.deepEqual(own, [...own].sort());
	}
	// The first is somewhere in its second, so half seconds of the run are known to within half a second.
	for (const s of seen) assert.ok(Math.abs(s.ms - 500 * Number(s.url[2])) < 800, `${s.url} at ${s.ms}`);
	const steps = json.activities[0].steps;
	assert.equal(steps.reduce((n, s) => n + s.done, 0), 24);
});

test('filters: methods, paths, statuses, a part of the time, a number', async (t) => {
	const { seen, url } = await server(t);
	const log = file(
		line('c', 0, 'GET /a/1', 200) + line('c', 1, 'GET /b/2', 404) + line('c', 2, 'POST /a/3', 200) + line('c', 3, 'HEAD /a/4', 304) + line('c', 4, 'GET /a/5?x', 200),
	);
	const urls = async (...args) => {
		seen.length = 0;
		const { json, stderr } = await replay(log, url, ['--times', 'fast', ...args]);
		assert.ok(json, stderr);
		return seen.map((s) => `${s.method} ${s.url}`);
	};
	assert.deepEqual(await urls(), ['GET /a/1', 'GET /b/2', 'HEAD /a/4', 'GET /a/5?x']);
	assert.deepEqual(await urls('--method', 'all', '--path', '/a/3'), ['POST /a/3']);
	assert.deepEqual(await urls('--path', '/a/'), ['GET /a/1', 'HEAD /a/4', 'GET /a/5?x']);
	assert.deepEqual(await urls('--path', '*/?'), ['GET /a/1', 'GET /b/2', 'HEAD /a/4']);
	assert.deepEqual(await urls('--status', '404,3xx'), ['GET /b/2', 'HEAD /a/4']);
	assert.deepEqual(await urls('--since', '1', '--until', '2025-10-10T13:55:04Z'), ['GET /b/2', 'HEAD /a/4']);
	assert.deepEqual(await urls('--requests', '2'), ['GET /a/1', 'GET /b/2']);
});

test('hits, misses and answers of another kind than the log has', async (t) => {
	const { url } = await server(t);
	const { json, code } = await replay(file(line('c', 0, 'GET /a', 200) + line('c', 0, 'GET /b', 404) + line('d', 0, 'GET /b2', 302) + line('d', 0, 'GET /e', 200) + line('d', 0, 'GET /e', 500)), url, ['--times', 'fast']);
	assert.equal(code, 1);
	const { hits, misses, others, log_hits, log_misses, log_others, changed } = json.replay;
	assert.deepEqual([hits, misses, others, log_hits, log_misses, log_others, changed], [1, 2, 2, 3, 1, 1, 2]);
	// A 500 is a failure where the log had none.
	assert.equal(json.activities[0].failed, 1);
	assert.deepEqual(json.failures.map((f) => f.text), ['/e: answered 500']);
});

test('N clients in a closed loop; Poisson at a rate; a list of paths with counts', async (t) => {
	const { seen, url } = await server(t, 50);
	const paths = file('URI,STATUS CODE,PRIVATE,COUNT\n/a1,200,no,6\n/b1,404,no,2\n', 'csv');
	const began = Date.now();
	const fast = (await replay(paths, url, ['--times', 'fast', '--clients', '4', '--shuffle'])).json;
	assert.ok(Date.now() - began >= 100, 'eight requests of 50 ms by four');
	assert.equal(fast.activities[0].done, 8);
	assert.equal(fast.replay.clients, 4);
	assert.equal(fast.generator.running_max, 4);
	assert.deepEqual([fast.replay.hits, fast.replay.misses, fast.replay.changed], [6, 2, 0]);
	assert.equal(seen.filter((s) => s.url === '/a1').length, 6);
	const poisson = (await replay(paths, url, ['--times', 'poisson', '--rate', '20'])).json;
	assert.ok(poisson.seconds > 0.1 && poisson.seconds < 2, `${poisson.seconds} s for 8 at 20 a second`);
	const none = await replay(paths, url);
	assert.equal(none.code, 1);
	assert.match(none.stderr, /the log has no times: --rate says how many a second/);
});

test('by three processes: every request once, each client in its order, one report, page and record', async (t) => {
	const { seen, url } = await server(t, 5);
	let text = '';
	for (let i = 0; i < 40; i++) text += line(`10.0.0.${i % 7}`, 0, `GET /${i % 4 === 3 ? 'b' : 'a'}${String(i).padStart(2, '0')}`, 200);
	const [log, page, record] = [file(text), path.join(scratch, 'replay.html'), path.join(scratch, 'replay.jsonl')];
	const { json, stderr } = await replay(log, url, ['--times', 'fast', '--processes', '3', '--html', page, '--record', record]);
	assert.ok(json, stderr);
	assert.equal(json.generator.generators, 3);
	assert.deepEqual([json.replay.requests, json.replay.clients, json.replay.hits, json.replay.misses, json.replay.changed], [40, 7, 30, 10, 10]);
	assert.deepEqual([json.activities[0].done, json.activities[0].latency.count], [40, 40]);
	assert.deepEqual(seen.map((s) => s.url).sort(), Array.from({ length: 40 }, (_, i) => `/${i % 4 === 3 ? 'b' : 'a'}${String(i).padStart(2, '0')}`).sort());
	for (let client = 0; client < 7; client++) {
		const own = seen.map((s) => Number(s.url.slice(2))).filter((n) => n % 7 === client);
		assert.deepEqual(own, [...own].sort((a, b) => a - b));
	}
	assert.match(readFileSync(page, 'utf8'), /Then and now[\s\S]*in the log[\s\S]*10 answers are of another kind/);
	const kept = JSON.parse(readFileSync(record, 'utf8'));
	assert.deepEqual([kept.kind, kept.model, kept.preset], ['replay', path.basename(log), '40 requests']);
});

test('a HAR document: bodies go along', async (t) => {
	const { seen, url } = await server(t);
	const entry = (ms, method, target, status, postData) => ({ startedDateTime: `2026-05-31T12:00:00.${String(ms).padStart(3, '0')}Z`, request: { method, url: `https://old.example${target}`, postData }, response: { status } });
	const har = file(JSON.stringify({ log: { entries: [entry(0, 'GET', '/a?q=1', 200), entry(100, 'POST', '/a/form', 200, { mimeType: 'application/json', text: '{"x":1}' })] } }), 'har');
	const { json, stderr } = await replay(har, url, ['--method', 'all']);
	assert.ok(json, stderr);
	assert.equal(json.replay.format, 'har');
	assert.deepEqual(seen.map(({ method, url, body, type }) => [method, url, body, type]), [['GET', '/a?q=1', '', undefined], ['POST', '/a/form', '{"x":1}', 'application/json']]);
	assert.ok(Math.abs(seen[1].ms - 100) < 90, `${seen[1].ms} ms`);
});

test('a slow answer is charged to the requests of its client behind it', async (t) => {
	const { url } = await server(t, 300);
	const { json } = await replay(file(line('c', 0, 'GET /a', 200) + line('c', 0, 'GET /a', 200) + line('c', 0, 'GET /a', 200) + line('d', 0, 'GET /a', 200)), url, ['--speed', '1000']);
	const { latency, service } = json.activities[0].steps[0];
	assert.ok(latency.max_us > 850000, `the third waited for two: ${latency.max_us}`);
	assert.ok(service.max_us < 800000 && service.max_us > 290000);
	assert.equal(json.generator.running_max, 2);
	const parallel = (await replay(file(line('c', 0, 'GET /a', 200).repeat(3)), url, ['--speed', '1000', '--parallel', '3'])).json;
	assert.equal(parallel.generator.running_max, 3);
});

test('broken lines are counted and the first named; a log without requests, wrong words', async (t) => {
	const { url } = await server(t);
	const log = file(`nonsense\n${line('c', 0, 'GET /a', 200)}${line('c', 0, 'GET a', 200)}\n\u0016\u0003\n${line('c', 61, 'GET /a', 200)}`.repeat(1));
	const end = await replay(log, url, ['--times', 'fast', '--format', 'combined']);
	assert.equal(end.json.replay.broken_lines, 4);
	assert.equal(end.json.replay.requests, 1);
	assert.match(end.stderr, /4 of 6 lines were not understood, first:\n {2}line 1: fewer fields than the common format has: nonsense\n {2}line 3: no request that can be sent: c - - .*\n {2}line 5: fewer fields than the common format has: \?\?\n/);
	const rows = [
		[['replay', file('a\nb\n'), url], 1, /no request in 2 lines/],
		[['replay', 'none.log', url], 1, /none\.log cannot be read/],
		[['replay', log], 2, /replay LOG URL/],
		[['replay', log, '--processes', '2', '--format', 'combined', url], 1, /1 clients for 2 processes: the requests of a client stay in one/],
		[['replay', log, '--generators', '2', url], 2, /a log is replayed by this machine alone \(--processes\)/],
		[['replay', log, '--status', '999', url], 1, /none of the 1 requests is replayed/],
		[['replay', log, '--since', 'soon', url], 1, /"soon" is no time/],
		[['replay', log, '--times', 'never', url], 2, /--times never: allowed is original, poisson or fast/],
		[['replay', log, '--shuffle', url], 1, /in random order the times of the log mean nothing/],
		[['replay', file('{"log":{}}', 'har'), url], 1, /no HAR document: it has no log\.entries/],
	];
	for (const [args, code, text] of rows) {
		const e = await lab(args);
		assert.equal(e.code, code, `${args.join(' ')}: ${e.stderr}`);
		assert.match(e.stderr, text);
	}
});
