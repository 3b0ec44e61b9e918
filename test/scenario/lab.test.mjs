// The lab against stand-ins of known behaviour: counts, times from the intended moment, refusals,
// faults of the generator itself, and what a person is told when something is wrong.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCertificate } from '../harness/certificates.mjs';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { ROOT, activity, byName, interruptAt, lab, load, model, scratch, standIn } from './lib/lab.mjs';

// Most of these wait most of the time, so they run at the same time, at the end of the file.
const together = [];
const meanwhile = (name, fn) => together.push([name, fn]);

test('the rates of the capacity page are derived, reproduced and contradicted as always', async () => {
	const end = await lab(['model', 'rates', 'models/persona.lua', '--preset', 'seed-001', '--users', '1M']);
	assert.equal(end.code, 0, end.stderr);
	assert.equal(end.stdout, readFileSync(path.join(ROOT, 'test/golden/persona-seed-001.txt'), 'utf8'));
});

test('only the lab links LuaJIT', () => {
	const libraries = (name) => execFileSync('ldd', [path.join(path.dirname(plimsollBin()), name)], { encoding: 'utf8' });
	assert.doesNotMatch(libraries('plimsoll'), /luajit/);
	assert.doesNotMatch(libraries('plimsoll-courier'), /luajit/);
	assert.match(libraries('plimsoll-lab'), /luajit/);
});

meanwhile('requests, cookies, captures, checks and counts are what the server saw', async (t) => {
	const seen = { '/begin': 0, '/next': 0, '/other': 0 };
	const faults = [];
	const url = await standIn(t, (req, res) => {
		const where = new URL(req.url, 'http://x').pathname;
		seen[where]++;
		let body = '';
		req.on('data', (chunk) => (body += chunk));
		req.on('end', () => {
			if (where === '/begin') {
				res.setHeader('Set-Cookie', [`who=${seen['/begin']}; Path=/; HttpOnly`, 'gone=']);
				res.end(JSON.stringify({ token: `t${seen['/begin']}` }));
			} else if (where === '/next') {
				const { token, list } = JSON.parse(body);
				if (req.headers.cookie !== `who=${token.slice(1)}`) faults.push(`cookie ${req.headers.cookie} ${token}`);
				if (req.headers['x-extra'] !== 'yes' || list[1] !== 2.5) faults.push('header or body');
				res.setHeader('X-Round', 'yes');
				res.end('{"ok":true}');
			} else {
				if (req.headers.cookie) faults.push('a cookie of nobody');
				res.statusCode = 404;
				res.end('none');
			}
		});
	});
	const file = model(
		activity('visit', 500, `
			local b = browser()
			local token = b:get("/begin?x=" .. url_encode("a b")):json().token
			think(0.01)
			local answer = b:post("/next", { token = token, list = { 1, 2.5 } }, { headers = { ["X-Extra"] = "yes" }, step = "second" })
			check(answer:json().ok, "not ok")
			check(answer:header("x-ROUND") == "yes" and answer:header("x-none") == nil, "header")
			browser():get("/other", { expect = 404 })`) +
			activity('wrong', 500, 'check(browser():get("/other", { expect = 404 }).body == "some", "the body is " .. "none")') +
			activity('never', 0, ''),
	);
	const runs = [];
	for (let i = 0; i < 2; i++) {
		const before = { ...seen };
		const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1.5s', '--seed', '7']);
		assert.ok(json, stderr);
		const [visit, wrong] = [byName(json, 'visit'), byName(json, 'wrong')];
		assert.equal(visit.failed, 0, JSON.stringify(json.failures));
		assert.equal(visit.done, visit.begun);
		assert.equal(visit.due, visit.begun);
		assert.equal(seen['/begin'] - before['/begin'], visit.done);
		assert.equal(seen['/next'] - before['/next'], visit.steps.find((s) => s.name === 'second').done);
		assert.equal(seen['/other'] - before['/other'], visit.done + wrong.begun);
		assert.deepEqual(visit.steps.map((s) => s.name), ['begin', 'second', 'other']);
		assert.equal(wrong.failed, wrong.begun);
		assert.ok(wrong.begun > 0 && json.failures.some((f) => /^wrong: .*m\d+\.lua:\d+: check failed: the body is none$/.test(f.text) && f.count === wrong.failed));
		assert.equal(byName(json, 'never').due, 0);
		runs.push([visit.due, wrong.due]);
	}
	assert.deepEqual(faults, []);
	assert.deepEqual(runs[0], runs[1], 'the same seed, the same arrivals');
	assert.ok(Math.abs(runs[0][0] - 7.5) < 8, `5 a second for 1.5 s: ${runs[0][0]}`);
});

// 3 s at 100 a second, of which a stand-in answers nobody for 0.8 s. It notes when each request came and was answered;
// what the lab must have seen follows from that, however late either of them was.
async function stalledRun(t) {
	const [came, answered, held] = [[], [], []];
	const loop = monitorEventLoopDelay({ resolution: 1 });
	loop.enable();
	let stalled = false;
	const answer = (res, i) => {
		answered[i] = performance.now();
		res.end('x');
	};
	const stall = async () => {
		await sleep(1000);
		stalled = true;
		await sleep(800);
		stalled = false;
		held.splice(0).forEach((reply) => reply());
	};
	const url = await standIn(t, (req, res) => {
		const i = came.push(performance.now()) - 1;
		if (i === 0) stall();
		if (stalled) held.push(() => answer(res, i));
		else answer(res, i);
	});
	const file = model(activity('visit', 10000, 'browser():get("/")'));
	const { json, stderr } = await load(file, url, ['--users', '864', '--for', '3s', '--arrivals', 'constant']);
	assert.ok(json, stderr);
	loop.disable();
	return { json, came, answered, late: loop.max / 1e6 };
}

// The times in ms from the moments at which requests were due, 10 ms apart, to their answers, in rising order.
// None comes before it is due, so that the one that came soonest tells when the first was.
function waits(came, answered) {
	const first = Math.min(...came.map((at, i) => at - 10 * i));
	return answered.map((at, i) => at - first - 10 * i).sort((a, b) => a - b);
}

test('a stall is charged with everything that arrived meanwhile', async (t) => {
	const { json, came, answered, late } = await stalledRun(t);
	const visit = byName(json, 'visit');
	assert.equal(visit.done, visit.due);
	assert.equal(visit.done, answered.length);
	assert.ok(visit.due >= 299 && visit.due <= 301, `100 a second for 3 s: ${visit.due}`);
	const want = waits(came, answered);
	assert.ok(want.at(-4) > 700, `1 % waited longer than 0.8 s less 1 % of the three: ${want.at(-4)}`);
	// What the lab adds: the way through the kernel, how late it was itself, which it tells, and the stand-in for the first request.
	const slack = 20 + json.generator.lateness.max_us / 1000 + late;
	for (const [share, us] of [[0.5, visit.steps[0].latency.p50_us], [0.99, visit.steps[0].latency.p99_us]]) {
		const wanted = want[Math.ceil(share * want.length) - 1];
		const said = `share ${share}: ${us / 1000} ms; by the stand-in ${wanted}; the others ${slack}`;
		assert.ok(us / 1000 > wanted * 0.98 - 12 && us / 1000 < wanted * 1.02 + slack, said);
	}
});

meanwhile('the generator says when it was late itself', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const file = model(activity('visit', 10000, 'browser():get("/")'));
	const { json, code, stderr } = await load(file, url, ['--users', '864', '--for', '5s'], {
		onSpawn: async (child) => {
			await sleep(2500);
			child.kill('SIGSTOP');
			await sleep(500);
			child.kill('SIGCONT');
		},
	});
	assert.ok(json, stderr);
	assert.equal(code, 6);
	assert.ok(json.generator.void.some((cause) => /left late/.test(cause)), JSON.stringify(json.generator.void));
	assert.ok(json.generator.lateness.max_us > 400000);
	assert.equal(byName(json, 'visit').done, byName(json, 'visit').due);
});

test('the generator says when others take its processor', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const file = model(activity('visit', 10000, 'browser():get("/")'));
	const hogs = [1, 2, 3].map(() => spawn('taskset', ['-c', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
	const { json, code } = await load(file, url, ['--users', '864', '--for', '1.5s'], { prefix: ['taskset', '-c', '0'] });
	for (const hog of hogs) hog.kill('SIGKILL');
	assert.equal(code, 6);
	assert.ok(json.generator.void.some((cause) => /left late.*other programs held the processor/.test(cause)), JSON.stringify(json.generator.void));
});

meanwhile('the generator says when it has no descriptors left', async (t) => {
	const url = await standIn(t, (req, res) => setTimeout(() => res.end('x'), 1500));
	const file = model(activity('visit', 10000, 'browser():get("/")'));
	const { json, code } = await load(file, url, ['--users', '864', '--for', '1s'], { prefix: ['prlimit', '--nofile=60:60'] });
	assert.equal(code, 6);
	assert.ok(json.generator.void.some((cause) => /no file descriptor|the most that/.test(cause)), JSON.stringify(json.generator));
});

meanwhile('too few users for the rate: void, and said', async (t) => {
	const url = await standIn(t, (req, res) => setTimeout(() => res.end('x'), 400));
	const file = model(activity('visit', 864000, 'browser():get("/")'));
	const { json, code } = await load(file, url, ['--users', '2', '--for', '1s']);
	assert.equal(code, 6);
	assert.ok(json.generator.void.some((cause) => /more users are needed/.test(cause)));
});

meanwhile('refusals: counted apart, and tried again as Retry-After says when the model or the flag wants it', async (t) => {
	let n = 0;
	const url = await standIn(t, (req, res) => {
		if (++n % 2 === 1) res.writeHead(503, { 'Retry-After': '1' });
		res.end('x');
	});
	const file = model(activity('visit', 1000, 'browser():get("/")'));
	const plain = byName((await load(file, url, ['--users', '864', '--for', '1s', '--arrivals', 'constant'])).json, 'visit');
	assert.equal(plain.refused + plain.done, plain.begun);
	assert.ok(plain.refused >= 4 && plain.failed === 0, JSON.stringify(plain));
	const patient = byName((await load(file, url, ['--users', '864', '--for', '1s', '--arrivals', 'constant', '--retry', 'retry-after'])).json, 'visit');
	assert.ok(patient.steps[0].retried >= 1 && patient.steps[0].refused >= patient.steps[0].retried, JSON.stringify(patient));
	assert.ok(patient.latency.max_us > 900000);
});

meanwhile('a connection that the server closes between two requests is opened again', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x', () => setTimeout(() => req.socket.destroy(), 20)));
	const file = model(activity('visit', 1000, 'local b = browser() b:get("/a") think(0.1) b:get("/b")'));
	const visit = byName((await load(file, url, ['--users', '864', '--for', '1s'])).json, 'visit');
	assert.ok(visit.done > 0);
	assert.equal(visit.failed, 0);
});

meanwhile('no answer: a failure after the patience, and a target that is gone', async (t) => {
	const url = await standIn(t, (req, res) => {
		if (req.url === '/cut') req.socket.destroy();
	});
	const file = model(activity('wait', 500, 'browser():get("/never")') + activity('cut', 500, 'browser():get("/cut")'));
	const { json, code } = await load(file, url, ['--users', '864', '--for', '1s', '--timeout', '3s']);
	assert.notEqual(code, 0);
	const texts = json.failures.map((f) => f.text);
	assert.ok(texts.some((text) => /^cut: cut: (connection|the connection)/.test(text)), `${texts}`);
	assert.ok(texts.includes('wait: never: no answer in time'), `${texts}`);
	assert.equal(byName(json, 'wait').failed, byName(json, 'wait').begun);
});

meanwhile('Ctrl-C ends a run with its report; a page and a table are written', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const file = model(activity('visit', 2000, 'browser():get("/")'));
	const page = path.join(scratch, 'report.html');
	const began = Date.now();
	const end = await lab(['load', file, '--users', '864', '--for', '1h', '--html', page, url], {
		onSpawn: interruptAt(/begun/),
	});
	assert.ok(Date.now() - began < 8000);
	assert.match(end.stdout, /visit +20\.00/);
	assert.match(end.stdout, /interrupted/);
	assert.match(end.stderr, /begun [\d.]+\/s/);
	const html = readFileSync(page, 'utf8');
	assert.match(html, /<svg.*<polyline/s);
	assert.doesNotMatch(html, /<script|src=|href=|@import|url\(/);
});

meanwhile('what is wrong is said in one line', async () => {
	const good = model(activity('visit', 1, 'browser():get("/")'));
	const bad = path.join(scratch, 'bad.lua');
	writeFileSync(bad, 'model { name = "x", about = "y" }\n\nassume("a", nil, "b")\n');
	const nobody = `http://127.0.0.1:${await freePort()}`;
	const rows = [
		[['load', good, nobody], 1, /does not answer: Connection refused/],
		[['load', good, 'ftp://127.0.0.1'], 1, /is no target/],
		[['load', good, 'https://127.0.0.1', '--ca', good], 1, /m\d+\.lua: no certificates to trust/],
		[['load', good, 'http://127.0.0.1/path'], 1, /is no target/],
		[['load', good], 2, /load MODEL URL/],
		[['load', good, '--users', 'many', nobody], 2, /--users many: allowed is a number of users/],
		[['load', good, '--for', '0s', nobody], 2, /--for 0s: allowed is/],
		[['load', good, '--nope', nobody], 2, /"--nope" is not understood/],
		[['load', good, '--preset', 'p', nobody], 1, /has no preset "p"/],
		[['load', good, '--warm', '5', nobody], 1, /has no warm = function/],
		[['load', 'none.lua', nobody], 1, /none\.lua cannot be read/],
		[['model', 'check', bad], 1, /bad\.lua:3: a must be a number/],
		[['model', 'what'], 2, /model check MODEL or model rates MODEL/],
	];
	await Promise.all(
		rows.map(async ([args, code, line]) => {
			const end = await lab(args);
			assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
			assert.match(end.stderr, line);
			assert.equal(end.stderr.trim().split('\n').length, 1, end.stderr);
			assert.equal(end.stdout, '');
		}),
	);
});

meanwhile('TLS: a certificate that is trusted, one that is not, and large answers', async (t) => {
	const { certificate, key } = testCertificate();
	const large = 'x'.repeat(300000);
	const server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (req, res) => res.end(req.url === '/large' ? large : 'x'));
	let [shaken, reused] = [0, 0];
	server.on('secureConnection', (socket) => {
		shaken++;
		reused += socket.isSessionReused() ? 1 : 0;
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		server.closeAllConnections?.();
		server.close();
	});
	const url = `https://localhost:${server.address().port}`;
	const file = model(activity('visit', 1000, 'local b = browser() b:get("/a") check(#b:get("/large").body == 300000, "cut") b:post("/b", ("y"):rep(200000))'));
	for (const trust of [['--ca', certificate], ['--insecure', '--resume', '100%']]) {
		[shaken, reused] = [0, 0];
		const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1s', ...trust]);
		assert.ok(json, stderr);
		assert.deepEqual(json.failures, []);
		assert.ok(byName(json, 'visit').done > 0);
		assert.deepEqual([json.generator.tls_handshakes, json.generator.tls_resumed], [shaken, reused]);
		assert.ok(trust.length === 2 ? reused === 0 : reused > 0 && reused < shaken, `${reused} of ${shaken}`);
	}
	const { json, code } = await load(file, url, ['--users', '864', '--for', '1s']);
	assert.notEqual(code, 0);
	assert.equal(byName(json, 'visit').done, 0);
	assert.match(json.failures[0].text, /^visit: a: TLS: self.signed certificate$/);
});

meanwhile('a target that dies in the middle, and a full disk for the page: what was measured is kept', async () => {
	const server = http.createServer((req, res) => res.end('x'));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${server.address().port}`;
	const file = model(activity('visit', 3000, 'browser():get("/")'));
	const { json, code, stderr } = await load(file, url, ['--users', '864', '--for', '4s', '--html', '/dev/full'], {
		onSpawn: (child) => child.stderr.once('data', () => server.close()),
	});
	assert.equal(code, 1);
	assert.match(stderr, /^plimsoll load: \/dev\/full could not be written: No space left on device$/m);
	const visit = byName(json, 'visit');
	assert.ok(visit.done > 0 && visit.failed > 0, JSON.stringify(json.failures));
	assert.ok(json.answered_until_seconds > 0.5 && json.answered_until_seconds < 3.5, `${json.answered_until_seconds}`);
	assert.ok(json.failures.every((f) => /^visit: \/: connection (refused|reset)$/.test(f.text)), JSON.stringify(json.failures));
});

meanwhile('users who cannot be prepared: no run, and why', async (t) => {
	const url = await standIn(t, (req, res) => {
		res.statusCode = 403;
		res.end('who are you');
	});
	const file = model(activity('visit', 1000, 'browser():get("/")'), ', warm = function(user) user:browser(1):get("/hello") end');
	const end = await load(file, url, ['--users', '864', '--warm', '5', '--for', '1s']);
	assert.equal(end.code, 1);
	assert.match(end.stderr, /^plimsoll load: 5 of 5 users could not be prepared: warm: GET \/hello answered 403: who are you$/m);
	assert.equal(end.stdout, '');
});

test('at the same time', { concurrency: 6 }, (t) => Promise.all(together.map(([name, fn]) => t.test(name, fn))));
