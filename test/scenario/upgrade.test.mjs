// Upgrades and reloads while people use the server: nobody notices. And upgrades that fail: nobody
// notices either.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { confText, freePort } from '../harness/plimsoll.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { childrenOf, processOf, processes, restarted, until } from '../harness/roles.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { SteadyLoad, stopAllLoads } from '../harness/steady_load.mjs';
import { startUpgradable, trialBin } from '../harness/upgradable.mjs';
import { Raw, once } from './lib/raw.mjs';

const ROUNDS = Number(process.env.UPGRADE_ROUNDS ?? 20);
const CONF = {
	identity: { min_mail_interval: '0s' },
	// One of each is what an upgrade is about; more only makes sanitizer builds slow.
	web: { instances: 1, drain_idle: '2s' },
	compute: { instances: 1 },
	log: { level: 'info,http=warn,mail=warn' },
};

// HAProxy in front, with connections that it keeps and shares; more: of its line for the server.
async function startHaproxy(dir, serverPort, more = '') {
	const port = await freePort();
	const file = path.join(dir, `haproxy-${port}.cfg`);
	writeFileSync(
		file,
		`global
	maxconn 200
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	http-reuse safe
frontend in
	bind 127.0.0.1:${port}
	default_backend plimsoll
backend plimsoll
	server one 127.0.0.1:${serverPort} ${more}
`,
	);
	const child = spawn('/usr/sbin/haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
	let log = '';
	child.stderr.on('data', (text) => (log += text));
	process.on('exit', () => child.kill('SIGKILL'));
	const ended = new Promise((resolve) => child.once('exit', resolve));
	const url = `http://127.0.0.1:${port}`;
	await until(`HAProxy: ${log}`, async () => (await fetch(`${url}/__lbheartbeat__`)).status === 200);
	stops.push(() => (child.kill('SIGTERM'), ended));
	return { url };
}

const stops = []; // of what else a test has started

async function withServer(options, fn) {
	const server = await startUpgradable(options);
	try {
		await fn(server);
		await server.stop();
	} catch (error) {
		throw new Error(`${error.stack}\n${server.stderr().slice(-6000)}`);
	} finally {
		stopAllLoads();
		for (const stop of stops.splice(0)) await stop();
		server.cleanUp();
	}
}

function rewriteConf(server, change) {
	writeFileSync(server.confPath, change(readFileSync(server.confPath, 'utf8')));
}

const linesWith = (server, text) => server.stderr().split('\n').filter((line) => line.includes(text)).length;

test(`${ROUNDS} upgrades and ${ROUNDS} reloads under load, direct and behind HAProxy: no request fails`, async (t) => {
	await withServer({ conf: CONF }, async (server) => {
		const haproxy = await startHaproxy(server.dir, server.ports.web);
		const haproxyH2 = await startHaproxy(server.dir, server.ports.web, 'proto h2');
		const loads = [
			new SteadyLoad(server),
			new SteadyLoad(server, { name: 'haproxy', url: haproxy.url, slow: false }),
			new SteadyLoad(server, { name: 'haproxy-h2', url: haproxyH2.url, slow: false }),
		];
		const pids = [server.pidNow()];
		const took = [];
		loads.forEach((load) => load.start());
		for (let round = 1; round <= ROUNDS; round++) {
			// Reload: first something that takes effect at once.
			rewriteConf(server, (text) => text.replace(/(drain_idle = ).*/, `$1${2000 + round}ms`));
			server.signal('SIGHUP');
			await until('the reload', () => linesWith(server, 'event=reloaded') === round);
			const begun = performance.now();
			const { stdout } = await server.upgrade();
			took.push(performance.now() - begun);
			assert.match(stdout, new RegExp(`^process ${server.pidNow()} serves; it got ready in \\d+ ms\n`));
			pids.push(server.pidNow());
			// The next comes while the last ones still drain.
			await until('the end of older ones', () => linesWith(server, 'event=predecessor_ended') >= round - 3);
		}
		await Promise.all(loads.map((load) => load.stop()));
		for (const load of loads) await load.allLogIn(); // all at once would be more than the line
		t.diagnostic(loads.map((load) => `${load.name} ${JSON.stringify(load.count)}`).join('; '));
		t.diagnostic(`an upgrade took ${Math.round(Math.min(...took))} to ${Math.round(Math.max(...took))} ms`);
		assert.deepEqual(loads.flatMap((load) => load.failures), []);
		assert.equal(new Set(pids).size, ROUNDS + 1, 'each time another process');
		for (const [what, n] of Object.entries(loads[0].count)) assert.ok(n >= ROUNDS / 4, `only ${n} of ${what}: that tests nothing`);
		await until('only one server is left', () => server.processes().length === 1 + childrenOf(server.pidNow()).length);
		assert.match(server.check().stdout, /the configuration and the data are good/);
	});
});

// What the old server says of an upgrade that cannot be, and that it goes on under load meanwhile.
async function fails(server, load, reason, { act = () => server.upgrade(), killed = [] } = {}) {
	const [pid, before] = [server.pidNow(), load.count.signedUp];
	await assert.rejects(act(), (error) => {
		assert.equal(error.code, 1, error.stderr);
		assert.match(error.stderr, new RegExp(`nothing has changed, process ${pid} serves on: .*${reason.source}`));
		return true;
	});
	assert.equal(server.pidNow(), pid);
	await until('sign-ups go on', () => load.count.signedUp > before + 1);
	await until('nothing is left of it', () => server.processes().length === 1 + childrenOf(pid).length);
	for (const other of killed) assert.throws(() => process.kill(other, 0));
}

test('upgrades that fail leave the old server as it was', async () => {
	const conf = { ...CONF, plimsoll: { upgrade_timeout: '60s' } };
	await withServer({ conf }, async (server) => {
		const load = new SteadyLoad(server);
		load.start();
		await until('load', () => load.count.signedUp > 0);

		server.removeProgram();
		await fails(server, load, /cannot execute .*plimsoll: No such file or directory/);
		server.use('/bin/false');
		await fails(server, load, /the new program ended with exit code 1/);
		server.use('/etc/hostname');
		await fails(server, load, /cannot execute|could not be executed/);
		server.writeProgram('#!/bin/sh\nkill -SEGV $$\n');
		await fails(server, load, /the new program was killed by signal 11 \(Segmentation fault\)/);
		server.writeProgram('#!/bin/sh\nexec sleep 600\n');
		const limit = async (text) => {
			const n = linesWith(server, 'event=reloaded');
			rewriteConf(server, (all) => all.replace(/(upgrade_timeout = ).*/, `$1${text}`));
			server.signal('SIGHUP');
			await until('the reload', () => linesWith(server, 'event=reloaded') > n);
		};
		await limit('1s');
		await fails(server, load, /did not become ready within \[plimsoll\] upgrade_timeout/);
		await limit('60s');

		// A mistake in the file: the command itself would see it, so the signal comes from elsewhere.
		server.use('now');
		const good = readFileSync(server.confPath, 'utf8');
		rewriteConf(server, (text) => `${text}\n[web]\ninstanzes = 3\n`);
		server.signal('SIGUSR2');
		const outcomeWith = (word) =>
			until(`the outcome with ${word}`, () => {
				const text = readFileSync(path.join(server.dataDir, 'upgrade'), 'utf8');
				return text.includes(word) && text;
			});
		const outcome = await outcomeWith('instanzes');
		assert.match(outcome, /^failed\n.*plimsoll\.ini:\d+: \[web\] instanzes: unknown key/);
		assert.ok(linesWith(server, 'event=upgrade_failed') > 0);
		// Something that only the start itself finds out.
		const other = await freePort();
		const blocker = await new Promise((resolve) => {
			const child = spawn(process.execPath, ['-e', `require("net").createServer().listen(${other}, "127.0.0.1", () => console.log("here"))`]);
			stops.push(() => child.kill());
			child.stdout.once('data', () => resolve(child));
		});
		writeFileSync(server.confPath, good.replace(/(\[web\]\nlisten = ).*/, `$1127.0.0.1:${other}`));
		await fails(server, load, /\[web\] listen = 127\.0\.0\.1:\d+: cannot listen on .*: the port is in use/);
		blocker.kill();
		writeFileSync(server.confPath, good.replace(/data_dir = .*/, `data_dir = ${server.dir}/other`));
		server.signal('SIGUSR2');
		await outcomeWith('is not the folder of the running server');
		writeFileSync(server.confPath, good);

		// And then one that works.
		await server.upgrade();
		await load.stop();
		assert.deepEqual(load.failures, []);
	});
});

test('a program with other tables: requests wait for the database, none fails; and there is no way back', async (t) => {
	await withServer({ conf: { ...CONF, web: { ...CONF.web, drain_idle: '600ms' } } }, async (server) => {
		const load = new SteadyLoad(server);
		load.start();
		await until('load', () => load.count.signedUp > 0);
		server.use('next');
		const before = server.pidNow();
		const begun = performance.now();
		await server.upgrade();
		t.diagnostic(`took ${Math.round(performance.now() - begun)} ms with two slow requests to wait for`);
		assert.notEqual(server.pidNow(), before);
		assert.equal(linesWith(server, 'event=upgrade_needs_database'), 1);
		const n = load.count.signedUp;
		await until('sign-ups go on', () => load.count.signedUp > n + 1);
		await until('the old server is gone', () => linesWith(server, 'event=predecessor_ended') === 1);

		server.use('now');
		await fails(server, load, /store: .*the database is newer than this program: it has migration 2 of trial, known here are 1/);
		await load.stop();
		await load.allLogIn();
		assert.deepEqual(load.failures, []);
		assert.match(server.check().stdout, /the data are good/);
	});
});

test('a migration that fails: the old server starts its processes again', async () => {
	await withServer({ conf: { ...CONF, web: { ...CONF.web, drain_idle: '600ms' } } }, async (server) => {
		const load = new SteadyLoad(server);
		load.start();
		await until('load', () => load.count.signedUp > 0);
		// The migration adds this column and finds it there.
		const sql = (text) =>
			execFileSync('python3', ['-c', `import sqlite3\ndb = sqlite3.connect("${server.dataDir}/db/plimsoll.db", timeout=10)\ndb.execute("${text}")\ndb.commit()`]);
		sql("ALTER TABLE trial ADD COLUMN note TEXT NOT NULL DEFAULT ''");
		server.use('next');
		await fails(server, load, /store: .*duplicate column name: note/);
		assert.equal(linesWith(server, 'event=upgrade_needs_database'), 1, 'it had let go of the database');
		sql('ALTER TABLE trial DROP COLUMN note');
		await server.upgrade();
		await load.stop();
		await load.allLogIn();
		assert.deepEqual(load.failures, []);
	});
});

test('with PostgreSQL both stores write side by side; tables are the business of plimsoll migrate', async () => {
	const postgres = await startPostgres();
	stops.push(() => postgres.remove());
	await withServer({ conf: { ...CONF, store: postgres.store() } }, async (server) => {
		const load = new SteadyLoad(server);
		load.start();
		for (let round = 1; round <= 3; round++) {
			const n = load.count.signedUp;
			await until('sign-ups go on', () => load.count.signedUp > n + 1);
			await server.upgrade();
		}
		server.use('next');
		await until('the old ones are gone', () => linesWith(server, 'event=predecessor_ended') === 3);
		await fails(server, load, /store: .*not up to date/);
		await load.stop();
		await load.allLogIn();
		assert.deepEqual(load.failures, []);
	});
});

test('mails go out once, although the couriers of two servers are at work', async () => {
	const sink = await startSink({ mode: 'slow' });
	stops.push(() => sink.stop());
	const mail = { smtp: sink.url, from: 'Plimsoll <id@example.org>', connections: 2 };
	await withServer({ conf: { ...CONF, mail } }, async (server) => {
		const addresses = [];
		for (let round = 0; round < 4; round++) {
			const some = Array.from({ length: 6 }, (_, i) => `r${round}.${i}@example.org`);
			addresses.push(...some);
			const staged = Promise.all(some.map((email) => new Client(server.url, { agent: false }).stage(email, 'correct horse')));
			await server.upgrade();
			for (const answer of await staged) assert.equal(answer.status, 200, answer.text);
		}
		await sink.waitFor(addresses.length);
		await until('the end of the old ones', () => linesWith(server, 'event=predecessor_ended') === 4);
		assert.deepEqual(sink.mails.map((m) => m.to[0]).sort(), addresses.sort());
	});
});

test('a stop that reaches old and new lets the old one finish, and the new one waits for it', async () => {
	await withServer({ conf: CONF }, async (server) => {
		const raw = await Raw.connect(server.ports.web);
		await raw.send('GET /trial/download HTTP/1.1\r\nHost: x\r\n\r\n');
		const { headers } = await raw.readHead(); // the old one is at it
		const old = server.pidNow();
		await server.upgrade();
		assert.notEqual(server.pidNow(), old);
		for (const pid of [old, server.pidNow()]) process.kill(pid, 'SIGTERM');
		assert.equal((await raw.readExactly(Number(headers['content-length']))).length, 256 * 1024);
		raw.destroy();
		await until('the end of all', () => server.processes().length === 0);
		const order = server.stderr().match(/event=(predecessor_ended|stopping)/g);
		assert.deepEqual(order, ['event=stopping', 'event=predecessor_ended']);
		server.stop = async () => assert.deepEqual(await server.ended, { code: 0, signal: null });
	});
});

test('when the old server is killed in the middle, the new one goes, too; and without a server there is nothing to upgrade', async () => {
	const server = await startUpgradable({ conf: CONF });
	try {
		// A start that takes a while.
		server.writeProgram(`#!/bin/sh\nsleep 0.3\nexec ${server.program('now')} "$@"\n`);
		server.signal('SIGUSR2');
		await until('the new program', () => linesWith(server, 'event=upgrading') === 1);
		process.kill(server.pidNow(), 'SIGKILL');
		await server.ended; // of everybody who has its standard error
		await until('the end of all', () => server.processes().length === 0);
		assert.match(server.stderr(), /the running server is gone/);
		await assert.rejects(server.upgrade(), (error) => error.code === 1 && /^plimsoll upgrade: no server works with .*data\n$/.test(error.stderr));
	} finally {
		server.cleanUp();
	}
});

test('a reload names the keys that it cannot change; an upgrade applies them', async () => {
	await withServer({ conf: CONF }, async (server) => {
		const moved = await freePort();
		assert.equal((await processes(server, 'web')).length, 1);
		rewriteConf(server, (text) => text.replace(/instances = 1/, 'instances = 2').replace(/(\[admin\]\nlisten = ).*/, `$1127.0.0.1:${moved}`));
		server.signal('SIGHUP');
		await until('the reload', () => linesWith(server, 'event=reloaded') === 1);
		assert.ok(server.stderr().includes('[web] instances takes effect only after a restart'));
		assert.ok(server.stderr().includes('an upgrade applies these'));
		assert.equal((await processes(server, 'web')).length, 1);
		await server.upgrade();
		server.adminUrl = `http://127.0.0.1:${moved}`;
		assert.equal((await processes(server, 'web')).length, 2);
	});
});

test('a process that hangs is killed and started again', async () => {
	const conf = { ...CONF, plimsoll: { watchdog: '2s' } };
	await withServer({ conf }, async (server) => {
		for (const role of ['store', 'web']) {
			const row = await processOf(server, role);
			process.kill(row.pid, 'SIGSTOP');
			await restarted(server, role, row.pid);
			assert.match(server.stderr(), new RegExp(`event=process_hangs process=${role}(/0)? pid=${row.pid} silent_ms=\\d{4} state=T`));
		}
		await signUp(server, 'somebody@example.org', 'correct horse');
		// A pause of everybody is not the fault of anybody.
		const all = [server.pidNow(), ...childrenOf(server.pidNow())];
		for (const pid of all) process.kill(pid, 'SIGSTOP');
		await sleep(2500);
		for (const pid of all.reverse()) process.kill(pid, 'SIGCONT');
		await sleep(300);
		assert.equal(linesWith(server, 'event=process_hangs'), 2);
	});
});

// Receives what a service manager would: resolves wants as lines come in. Each message is
// { pid, lines }, pid being the sender's.
const RECEIVER = `
import json, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print("{}", flush=True)
while True:
    text, extra, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = struct.unpack("3i", extra[0][2])[0]
    print(json.dumps({"pid": pid, "lines": text.decode().split("\\n")}), flush=True)
`;

async function startReceiver(file) {
	const child = spawn('python3', ['-c', RECEIVER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
	const messages = [];
	let rest = '';
	process.on('exit', () => child.kill('SIGKILL'));
	child.stdout.setEncoding('utf8').on('data', (text) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop();
		messages.push(...lines.map((line) => JSON.parse(line)));
	});
	await until('the receiver', () => messages.length === 1);
	messages.length = 0;
	return {
		messages,
		// The first message from that process that has the line.
		message: (pid, line) => until(`${line} of ${pid}`, () => messages.find((m) => m.pid === pid && m.lines.some((l) => l === line || (line.endsWith('=') && l.startsWith(line))))),
		stop: () => child.kill('SIGKILL'),
	};
}

const socketActivate = (options) => (link) => `#!/bin/sh\nexec systemd-socket-activate -E ASAN_OPTIONS ${options} ${link} "$@"\n`;

test('a service manager passes the sockets and is told what happens', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-notify-'));
	const receiver = await startReceiver(path.join(dir, 'socket'));
	const ports = { web: await freePort(), admin: await freePort() };
	const wrap = socketActivate(
		`-l 127.0.0.1:${ports.web} -l 127.0.0.1:${ports.admin} --fdname=web:admin -E NOTIFY_SOCKET=${dir}/socket -E WATCHDOG_USEC=400000`,
	);
	// The names decide: nobody listens on the addresses of the file.
	const conf = { ...CONF, web: { ...CONF.web, listen: '127.0.0.1:1' }, admin: { listen: '127.0.0.1:2' }, symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' } };
	try {
		await withServer({ conf, ports, wrap }, async (server) => {
			const first = server.pidNow();
			await receiver.message(first, 'READY=1');
			await receiver.message(first, 'WATCHDOG=1');
			server.signal('SIGHUP');
			const reloading = await receiver.message(first, 'RELOADING=1');
			assert.match(reloading.lines[1], /^MONOTONIC_USEC=\d+$/);
			await until('READY=1 once more', () => receiver.messages.filter((m) => m.lines[0] === 'READY=1').length === 2);

			await server.upgrade();
			const second = server.pidNow();
			const order = (m) => receiver.messages.indexOf(m);
			const main = await receiver.message(first, `MAINPID=${second}`);
			const ready = await receiver.message(second, 'READY=1');
			assert.ok(order(main) < order(ready));
			await receiver.message(second, 'WATCHDOG=1');
			assert.equal((await once(ports.web, 'GET /__heartbeat__ HTTP/1.1\r\nHost: x\r\n\r\n')).status, 200);
			await until('the old one is gone', () => linesWith(server, 'event=predecessor_ended') === 1);
			const late = receiver.messages.slice(order(main) + 1).filter((m) => m.pid === first);
			assert.deepEqual(late, [], 'the old one speaks no more');
			server.signal('SIGTERM');
			await receiver.message(second, 'STOPPING=1');
			await server.ended;
			server.stop = async () => {};
		});
	} finally {
		receiver.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('sockets without names are told apart by their address; one that fits nothing is refused', async () => {
	const ports = { web: await freePort(), admin: await freePort() };
	const wrap = socketActivate(`-l 127.0.0.1:${ports.admin} -l 127.0.0.1:${ports.web}`);
	await withServer({ conf: CONF, ports, wrap }, async (server) => {
		assert.equal((await new Client(server.url).get('/__heartbeat__')).status, 200);
		await server.upgrade();
		assert.equal((await new Client(server.url).get('/__heartbeat__')).status, 200);
	});

	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-activate-'));
	const [other, web, admin] = [await freePort(), await freePort(), await freePort()];
	const file = path.join(dir, 'plimsoll.ini');
	writeFileSync(
		file,
		confText({ plimsoll: { data_dir: path.join(dir, 'data') }, web: { listen: `127.0.0.1:${web}` }, admin: { listen: `127.0.0.1:${admin}` }, symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' } }),
	);
	const child = spawn('systemd-socket-activate', ['-E', 'ASAN_OPTIONS', '-l', `127.0.0.1:${other}`, '--fdname=plimsoll.socket', trialBin('now'), 'serve', '-c', file], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let text = '';
	child.stderr.setEncoding('utf8').on('data', (piece) => (text += piece));
	const ended = new Promise((resolve) => child.once('close', resolve));
	await until('somebody listens', () => once(other, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch((error) => error.code !== 'ECONNREFUSED'));
	assert.equal(await ended, 3);
	assert.match(text, /plimsoll: the service manager's socket "plimsoll\.socket" \(number 1\) fits no listener: name it/);
	rmSync(dir, { recursive: true, force: true });
});
