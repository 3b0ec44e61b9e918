// What operators read: headline figures in all their texts, statsd over UDP, Prometheus' format, traces
// from the edge to the roles, slow statements, and `plimsoll top` in a terminal.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { processes, restarted, pidOf, status, until } from '../harness/roles.mjs';
import { readExposition } from './lib/exposition.mjs';

const DOC = fileURLToPath(new URL('../../doc/', import.meta.url));
const PASS = 'correct horse';
const EMAIL = 'somebody@example.org';

// A UDP server that keeps the lines of statsd that come, each { name, value, type }.
async function startStatsd(port = 0) {
	const socket = dgram.createSocket('udp4');
	const statsd = { lines: [], largest: 0, stop: () => new Promise((resolve) => socket.close(resolve)) };
	socket.on('message', (bytes) => {
		statsd.largest = Math.max(statsd.largest, bytes.length);
		for (const line of bytes.toString('utf8').split('\n')) {
			const [, name, value, type] = /^([A-Za-z0-9_.-]+):(-?\d+(?:\.\d+)?)\|(g|c)$/.exec(line) ?? assert.fail(line);
			statsd.lines.push({ name, value: Number(value), type });
		}
	});
	await new Promise((resolve) => socket.bind(port, '127.0.0.1', resolve));
	statsd.port = socket.address().port;
	return statsd;
}

let server;
let statsd;
before(async () => {
	statsd = await startStatsd();
	server = await startPlimsoll({
		conf: {
			statsd: { address: `127.0.0.1:${statsd.port}`, prefix: 'test.plim soll', interval: '1s' },
			log: { level: 'info,rpc=debug' },
			http: { trace_header: 'yes' },
			identity: { min_mail_interval: '0ms' },
		},
	});
});
after(async () => {
	await server?.stop();
	await statsd?.stop();
});

const metricsPage = async () => readExposition(await (await fetch(`${server.adminUrl}/metrics`)).text());
const value = (page, name, labels = {}) =>
	page.filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v)).reduce((sum, s) => sum + s.value, 0);

// ---- traces ----

const traceOf = (answer) => answer.headers['x-request-id'];
const linesWith = (trace) => server.stderr().split('\n').filter((line) => line.includes(`trace=${trace}`));

test('one sign-up is found by its trace in the lines of web, compute and store', async () => {
	const client = new Client(server.url);
	await client.context();
	const staged = await client.stage(EMAIL, PASS);
	assert.match(traceOf(staged), /^[0-9a-f]{16}$/);
	const lines = await until('the lines', () => {
		const found = linesWith(traceOf(staged));
		return found.length >= 3 && found;
	});
	for (const [role, event] of [['web/', 'op=identity.stage_user'], ['compute/', 'call=accounts.password_hash'], ['store', 'call=identity.stage']]) {
		assert.ok(lines.some((line) => line.includes(`role=${role}`) && line.includes(event)), `${role} ${event}\n${lines.join('\n')}`);
	}
	const other = await new Client(server.url).stage('other@example.org', PASS);
	assert.notEqual(traceOf(other), traceOf(staged));
	const done = await client.post('/wsapi/complete_user_creation', { token: await mailedToken(server, EMAIL) });
	assert.equal(done.json.success, true);
});

test('a trusted proxy may begin the trace; what is no traceparent is ignored, as X-Request-Id is', async () => {
	const client = new Client(server.url);
	const ask = async (headers) => traceOf(await client.get('/', { headers }));
	assert.equal(await ask({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }), 'a3ce929d0e0e4736');
	for (const traceparent of ['00-4bf92f3577b34da6a3ce929d0e0e4736', '00-4bf92f3577b34da60000000000000000-00f067aa0ba902b7-01', 'x y=z "q"']) {
		assert.notEqual(await ask({ traceparent }), 'a3ce929d0e0e4736');
	}
	assert.notEqual(await ask({ 'x-request-id': '00000000000000aa' }), '00000000000000aa');
	// The same over HTTP/2.
	const session = http2.connect(server.url);
	const stream = session.request({ ':path': '/', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01' });
	const headers = await new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));
	assert.equal(headers['x-request-id'], 'a3ce929d0e0e4737');
	stream.close();
	await new Promise((resolve) => session.close(resolve));
});

test('from anybody else a traceparent is ignored, and without the key no header is sent', async () => {
	const conf = readFileSync(server.confPath, 'utf8');
	writeFileSync(server.confPath, conf.replace('trace_header = yes', 'trace_header = yes\ntrusted_proxies = 192.0.2.1'));
	process.kill(server.pid, 'SIGHUP');
	const client = new Client(server.url);
	const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
	await until('distrust', async () => {
		const answers = await Promise.all([1, 2, 3, 4].map(() => new Client(server.url).get('/', { headers })));
		return answers.every((answer) => traceOf(answer) !== 'a3ce929d0e0e4736');
	});
	writeFileSync(server.confPath, conf.replace('trace_header = yes', 'trace_header = no'));
	process.kill(server.pid, 'SIGHUP');
	await until('no header', async () => {
		const answers = await Promise.all([1, 2, 3, 4].map(() => new Client(server.url).get('/')));
		return answers.every((answer) => traceOf(answer) === undefined);
	});
	writeFileSync(server.confPath, conf);
	process.kill(server.pid, 'SIGHUP');
	await until('the header again', async () => traceOf(await client.get('/')) !== undefined);
});

test('a slow statement is logged with its name', async () => {
	const conf = readFileSync(server.confPath, 'utf8');
	const isTold = () => /event=slow_statement statement=\S+ ms=\d{1,2}\b/.test(server.stderr()); // below the usual threshold
	assert.ok(!isTold());
	// One that waits for another program's lock takes a few milliseconds.
	writeFileSync(server.confPath, `${conf}\n[store]\nslow_statement = 1ms\n`);
	process.kill(server.pid, 'SIGHUP');
	const script = "import sqlite3, sys, time\ndb = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)\nfor i in range(300):\n db.execute('BEGIN EXCLUSIVE'); time.sleep(.008); db.execute('ROLLBACK'); time.sleep(.004)\n";
	const locker = spawn('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db')], { stdio: 'ignore' });
	const ended = new Promise((resolve) => locker.once('close', resolve));
	const client = new Client(server.url);
	try {
		await until('a slow statement', async () => {
			await client.stage(`slow@example.org`, PASS);
			return isTold();
		});
	} finally {
		locker.kill('SIGKILL');
		await ended;
	}
	writeFileSync(server.confPath, conf);
	process.kill(server.pid, 'SIGHUP');
});

// ---- figures ----

test('/metrics is strictly of the format, and has the calls between roles', async () => {
	assert.equal((await new Client(server.url).stage('format@example.org', PASS)).status, 200);
	await sleep(300); // counters of calls are brought up to date ten times a second
	const page = await metricsPage();
	assert.ok(value(page, 'plimsoll_rpc_calls_total', { role: 'web', to: 'store' }) > 0);
	assert.ok(value(page, 'plimsoll_rpc_served_calls_total', { role: 'store' }) >= value(page, 'plimsoll_rpc_calls_total', { role: 'web', to: 'store' }));
	assert.ok(value(page, 'plimsoll_rpc_received_bytes_total', { role: 'web', to: 'compute' }) > 0);
	const text = readFileSync(path.join(DOC, 'METRICS.md'), 'utf8');
	for (const name of new Set(page.map((s) => s.name.replace(/_(bucket|sum|count)$/, '')))) assert.ok(text.includes(name.replace('plimsoll_', '')), name);
});

test('the figures have the same names and values in /metrics, /status, /live and the page of METRICS.md', async () => {
	const text = readFileSync(path.join(DOC, 'METRICS.md'), 'utf8');
	assert.equal(execFileSync(plimsollBin(), ['metrics', '--reference'], { encoding: 'utf8' }), text);
	const names = [...text.slice(0, text.indexOf('## Activities')).matchAll(/^\| `(\w+)`/gm)].map((m) => m[1]);
	assert.ok(names.length <= 12 && names.length >= 10);
	const s = await status(server);
	const live = await (await fetch(`${server.adminUrl}/live`)).json();
	assert.deepEqual(Object.keys(s.headline).sort(), [...names].sort());
	assert.deepEqual(live.figures.map((f) => f.name).sort(), [...names].sort());
	const known = new Set((await metricsPage()).map((m) => m.name));
	for (const name of names.filter((n) => !/latency|commit/.test(n))) assert.ok(known.has(`plimsoll_${name}`), name);
});

test('activities are counted as they are done, and make active users', async () => {
	const client = await signUp(server, 'counted@example.org', PASS);
	for (let i = 0; i < 20; i++) assert.equal((await client.get('/wsapi/list_emails')).status, 200);
	await client.get('/include.js');
	const s = await until('the figures', async () => {
		const now = await status(server);
		const rates = now.headline.activities_per_second;
		return rates['identity.sign_in'] >= 1.9 && rates['identity.include_js'] > 0 && now;
	});
	const { activities_per_second: rates, active_users: users } = s.headline;
	assert.ok(rates['identity.sign_up'] > 0 && rates['identity.include_js'] > 0);
	const counted = rates['identity.sign_in'] + rates['identity.log_in'] + rates['identity.sign_up'];
	assert.ok(Math.abs(users - (1e6 * counted) / (98.97 + 4.19 + 2.1 + 0.84 + 0.42)) < 1 + users / 1000, `${users}, ${counted}/s`);
	assert.ok(s.headline.goodput_per_second >= counted);
	assert.equal(s.headline.refused_per_second, 0);
});

test('the history goes on where it was left, and a question with nonsense is refused', async () => {
	const ask = async (query) => (await fetch(`${server.adminUrl}/live${query}`)).json();
	const first = await ask('');
	assert.equal(first.history.points.line_share.length, first.history.seq);
	const next = await until('a new point', async () => {
		const answer = await ask(`?since=${first.history.seq}`);
		return answer.history.seq > first.history.seq && answer;
	});
	assert.equal(next.history.points.line_share.length, next.history.seq - first.history.seq);
	assert.equal(next.figures, undefined);
	assert.equal((await fetch(`${server.adminUrl}/live?since=-1`)).status, 400);
	assert.equal((await ask('?history=no')).history, undefined);
});

// ---- statsd ----

test('statsd gets each figure as a gauge and what is counted as differences that add up', async () => {
	const client = new Client(server.url);
	await until('the first lines', () => statsd.lines.length > 0);
	await sleep(1100); // what was counted before is sent
	const from = statsd.lines.length;
	for (let i = 0; i < 30; i++) await client.get('/include.js');
	const own = () => statsd.lines.slice(from);
	const sum = (name) => own().filter((l) => l.name === name && l.type === 'c').reduce((s, l) => s + l.value, 0);
	await until('the counts', () => sum('test.plim_soll.activities_per_second.identity_include_js.count') >= 30);
	await sleep(1500);
	assert.equal(sum('test.plim_soll.activities_per_second.identity_include_js.count'), 30);
	const names = new Set(own().map((l) => l.name));
	for (const name of ['line_share', 'active_users', 'goodput_per_second', 'refused_per_second', 'errors_per_second', 'queue_wait_seconds', 'mail_delay_seconds', 'cores_busy', 'latency_p99_seconds.memory']) {
		assert.ok(names.has(`test.plim_soll.${name}`), name);
	}
	assert.ok(statsd.largest <= 1432);
});

test('a statsd that is dead costs nothing, and one that comes back is served', async () => {
	const { port } = statsd;
	await statsd.stop();
	const [{ cpu_us: before }] = await processes(server, 'admin');
	await sleep(3000); // three sendings to nobody
	const [{ cpu_us: later, restarts }] = await processes(server, 'admin');
	assert.ok(later - before < 600_000, `${later - before} us`);
	assert.equal(restarts, 0);
	statsd = await startStatsd(port);
	await until('lines again', () => statsd.lines.length > 0);
	const pid = await pidOf(server, 'admin');
	process.kill(pid, 'SIGKILL'); // a new admin opens a socket of its own
	await until('a new admin', () => restarted(server, 'admin', pid));
	const n = statsd.lines.length;
	await until('lines of the new admin', () => statsd.lines.length > n);
});

test('an address of statsd that cannot be is logged and left out', async () => {
	const other = await startPlimsoll({ conf: { statsd: { address: 'nobody.invalid:8125' } } });
	try {
		await until('the warning', () => /event=statsd_left_out/.test(other.stderr()));
	} finally {
		await other.stop();
	}
});

// ---- plimsoll top ----

// Runs it in a terminal of that size for so many seconds, then types; what came out and its exit code.
async function inTerminal(args, { rows, columns, seconds, keys }) {
	const script = `
import fcntl, json, os, pty, select, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ${rows}, ${columns}, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
out, end, typed = b"", time.time() + ${seconds}, False
while True:
    if not typed and time.time() > end:
        os.write(fd, ${JSON.stringify(keys)}.encode()); typed = True; end += 20
    if typed and time.time() > end:
        os.kill(pid, 9)
    if select.select([fd], [], [], 0.1)[0]:
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        out += got
print(json.dumps([out.decode("latin-1"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]))`;
	const { stdout } = await promisify(execFile)('python3', ['-c', script, plimsollBin(), ...args], { maxBuffer: 1 << 24 });
	return JSON.parse(stdout);
}

const plain = (text) => text.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '');

test('top draws 80 by 24 without a line too many, q ends it, and the terminal is as before', async () => {
	for (const [rows, columns] of [[24, 80], [12, 40]]) {
		const [out, code] = await inTerminal(['top', '--set', `admin.listen=127.0.0.1:${server.ports.admin}`], { rows, columns, seconds: 4, keys: 'q' });
		assert.equal(code, 0);
		assert.ok(out.startsWith('\x1b[?1049h\x1b[?25l') && out.includes('\x1b[?25h\x1b[?1049l'));
		const screens = out.split('\x1b[H').slice(1);
		assert.ok(screens.length >= 2, `${screens.length} pictures`);
		for (const screen of screens) {
			const lines = plain(screen).split(/\r+\n/);
			assert.ok(lines.length <= rows, `${lines.length} lines`);
			for (const line of lines) assert.ok(line.length <= columns, line);
		}
		const last = plain(screens.at(-1));
		assert.match(last, /^plimsoll \d/);
		assert.match(last, /line \[[#.]+/);
		if (rows === 24) {
			for (const word of ['active users', 'goodput', 'refused by', 'web 0', 'store 0', 'courier 0', 'admin 0']) assert.ok(last.includes(word), `${word}\n${last}`);
			assert.match(last, /web 0 +serving +\d+ % +\d+ %/);
		}
	}
});

test('top without a terminal prints one picture; without a server it says so', async () => {
	const run = promisify(execFile);
	const { stdout } = await run(plimsollBin(), ['top', '--set', `admin.listen=127.0.0.1:${server.ports.admin}`]);
	assert.match(stdout, /^plimsoll \d.*\nline \[/);
	assert.doesNotMatch(stdout, /\x1b/);
	const nobody = await freePort();
	await assert.rejects(run(plimsollBin(), ['top', '--set', `admin.listen=127.0.0.1:${nobody}`]), (e) => e.code === 1 && /nobody answers/.test(e.stderr));
});

test('what comes from outside does not reach the terminal or the page as it is', async () => {
	// A warning whose text holds control characters: the logger escapes, top and JSON have plain text.
	const text = await (await fetch(`${server.adminUrl}/live`)).text();
	assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f]/);
});
