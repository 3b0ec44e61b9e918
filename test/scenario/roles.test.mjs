// The processes behind `plimsoll serve`: what each role's sandbox leaves it (on the release build),
// that whoever dies comes back, that a stop finishes what is admitted, and how a start is refused.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { confText, freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { childrenOf, pidOf, probeFolder, processes, processOf, status, until } from '../harness/roles.mjs';
import { Client, signUp } from '../harness/client.mjs';

const RELEASE = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const PASSWORD = 'correct horse';

// Everything the probe tries, and who may. What is not named here is for nobody.
const ATTEMPTS = [
	'read_key', 'write_key', 'read_database', 'write_database', 'create_in_database', 'read_blob', 'write_blob',
	'keep_blob', 'create_in_data_dir', 'read_passwd', 'list_root', 'read_resolver', 'tcp_socket', 'udp_socket', 'unix_socket', 'tcp_connect', 'database_connect',
	'tcp_bind', 'accept', 'thread', 'fork', 'execute', 'ptrace', 'kill', 'executable_memory', 'namespace',
	'setuid',
];
const ALLOWED = {
	web: ['read_database', 'read_blob', 'accept'],
	store: ['read_database', 'write_database', 'create_in_database', 'thread'],
	signer: ['read_key', 'write_key'],
	compute: ['thread'],
	courier: ['read_resolver', 'tcp_socket', 'udp_socket', 'tcp_connect', 'thread'],
	admin: ['accept', 'thread'],
	files: ['read_blob', 'write_blob', 'keep_blob', 'thread'],
	media: ['read_blob', 'thread', 'fork'],
	offload: ['read_resolver', 'tcp_socket', 'udp_socket', 'tcp_connect', 'thread'],
	helper: ['read_resolver', 'tcp_socket', 'udp_socket', 'tcp_connect', 'thread'],
};
const ELSEWHERE = ['offload', 'helper']; // run where NATS is configured: helpers.test.mjs

for (const [role, allowed] of Object.entries(ALLOWED)) {
	test(`sandbox of ${role}: only ${allowed.join(', ')}`, () => {
		const dir = probeFolder();
		try {
			const out = execFileSync(RELEASE, ['--sandbox-probe', role, dir], { encoding: 'utf8' });
			const words = out.trim().split('\n').map((line) => line.split(' '));
			const expected = ATTEMPTS.map((name) => [name, allowed.includes(name) ? 'ALLOWED' : 'denied']);
			assert.deepEqual(words.map(([name, result]) => [name, result]), expected);
			// Nothing here executes programs or looks into others: whoever tries is ended.
			const killed = words.filter((w) => w[2] === '(killed)').map(([name]) => name);
			assert.deepEqual(killed, ['execute', 'ptrace']);
		} finally {
			rmSync(dir, { recursive: true, force: true });
		}
	});
}

test('every role runs in its sandbox, as /status and the kernel say', async () => {
	const server = await startPlimsoll({ bin: RELEASE });
	try {
		const rows = (await status(server)).processes;
		assert.deepEqual([...new Set(rows.map((p) => p.role))].sort(), Object.keys(ALLOWED).filter((role) => !ELSEWHERE.includes(role)).sort());
		for (const { role, pid, sandbox } of rows) {
			assert.equal(sandbox, 7, `${role}: no_new_privs, Landlock, seccomp`);
			const kernel = readFileSync(`/proc/${pid}/status`, 'latin1');
			assert.match(kernel, /^NoNewPrivs:\t1$/m, role);
			assert.match(kernel, /^Seccomp:\t2$/m, role);
		}
		// Nothing but roles, and nobody twice.
		assert.deepEqual(childrenOf(server.pid).sort(), rows.map((p) => p.pid).sort());
	} finally {
		await server.stop();
	}
});

test('--no-sandbox is shown', async () => {
	const server = await startPlimsoll({ args: ['--no-sandbox'] });
	try {
		for (const { role, sandbox } of (await status(server)).processes) assert.equal(sandbox, 0, role);
	} finally {
		await server.stop();
	}
});

test('kill -9 of any role: it comes back, and people can sign in again', async () => {
	const server = await startPlimsoll();
	try {
		await signUp(server, 'kill@example.com', PASSWORD);
		for (const role of ['store', 'signer', 'compute', 'courier', 'files', 'media', 'web', 'admin']) {
			const old = await pidOf(server, role);
			process.kill(old, 'SIGKILL');
			// A dead process has no row, so the new one is known by its count.
			const row = await until(`a new ${role}`, async () =>
				(await processes(server, role)).find((p) => p.restarts === 1 && p.state === 'serving'),
			);
			assert.notEqual(row.pid, old);
			await until(`a login after the end of ${role}`, async () => {
				const answer = await new Client(server.url).login('kill@example.com', PASSWORD);
				return answer.json?.success;
			});
			assert.match(server.stderr(), new RegExp(`process=${role}\\S* reason="killed by signal 9`));
		}
		await signUp(server, 'after@example.com', PASSWORD); // through all of them, mail included
	} finally {
		await server.stop();
	}
});

test('kill -9 of everything but the supervisor at once', async () => {
	const server = await startPlimsoll();
	try {
		await signUp(server, 'all@example.com', PASSWORD);
		const before = childrenOf(server.pid);
		for (const pid of before) process.kill(pid, 'SIGKILL');
		await until('a login', async () => {
			const answer = await new Client(server.url).login('all@example.com', PASSWORD);
			return answer.json?.success;
		});
		await until('as many processes as before', () => childrenOf(server.pid).length === before.length);
	} finally {
		await server.stop();
	}
});

// Stops the process of compute that works on the request which ask() sends. Resolves to its pid and { answer }, a promise.
async function stopAtWork(server, ask) {
	for (;;) {
		let isOver = false;
		const answer = ask().finally(() => (isOver = true));
		const row = await until('work at compute', async () => isOver || (await processes(server, 'compute')).find((p) => p.busy > 0));
		if (row !== true) {
			process.kill(row.pid, 'SIGSTOP');
			if ((await processOf(server, 'compute', row.instance)).busy > 0) return { pid: row.pid, answer };
			process.kill(row.pid, 'SIGCONT');
		}
		await answer; // it was quicker than we
	}
}

// So long a login may take (services/identity/wsapi.def).
const LOGIN_MS = 2500;

// A login that is at compute when the server is told to stop, its answer, and how long that took.
async function stopDuringLogin() {
	const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: 10 }, log: { level: 'info' } } });
	const client = await signUp(server, 'drain@example.com', PASSWORD);
	const fresh = new Client(server.url);
	await fresh.context();
	let began = 0;
	const { pid, answer: login } = await stopAtWork(server, () => {
		began = performance.now();
		return fresh.login('drain@example.com', PASSWORD);
	});
	const took = login.then(() => performance.now() - began);
	process.kill(server.pid, 'SIGTERM');
	await until('the line that says so', () => /event=stopping/.test(server.stderr()), 60);
	process.kill(pid, 'SIGCONT');
	return { server, client, answer: await login, took: await took };
}

test('SIGTERM: an admitted request is answered, new ones are refused, exit code 0', async () => {
	let tried = await stopDuringLogin();
	// Compute stood still for all the time that a login may take, because the machine is busy: that says nothing. Once more.
	for (let tries = 1; tried.answer.status === 503 && tries < 5; tries++) {
		assert.ok(tried.took > LOGIN_MS - 50, `refused after ${tried.took} ms, and not for its time`);
		assert.match(tried.answer.headers['retry-after'], /^\d+$/);
		assert.equal((await tried.server.stop()).code, 0);
		tried = await stopDuringLogin();
	}
	const { server, client, answer } = tried;
	assert.equal(answer.status, 200, `${answer.text}\n${server.stderr()}`);
	assert.equal(answer.json.success, true);
	assert.equal(answer.headers.connection, 'close');
	await assert.rejects(client.request('GET', '/__lbheartbeat__', { headers: { connection: 'close' } }));
	assert.equal((await server.stop()).code, 0);
});

test('SIGTERM: a client that never ends is cut at the deadline', async () => {
	const server = await startPlimsoll({ conf: { web: { drain: '1s' } } });
	const socket = net.connect(server.ports.web, '127.0.0.1');
	socket.on('error', () => {});
	socket.write('POST /wsapi/stage_user HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n');
	const [first] = await once(socket, 'data');
	assert.match(`${first}`, /^HTTP\/1\.1 100 /, 'the body is waited for');
	socket.write('{');
	const began = Date.now();
	assert.equal((await server.stop()).code, 0);
	assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms: no less than without the key`);
});

test('the end of the supervisor is the end of all roles', async () => {
	const server = await startPlimsoll();
	const children = childrenOf(server.pid);
	assert.ok(children.length >= 6);
	await server.kill();
	await until('the end of all roles', () =>
		children.every((pid) => {
			try {
				return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
			} catch {
				return true;
			}
		}),
	);
	rmSync(server.dir, { recursive: true, force: true });
});

test('SIGHUP: a good file takes effect, a bad one changes nothing', async () => {
	const server = await startPlimsoll();
	try {
		const text = readFileSync(server.confPath, 'utf8');
		writeFileSync(server.confPath, text.replace('level = warn', 'level = info'));
		process.kill(server.pid, 'SIGHUP');
		await until('the line that says so', () => /event=reloaded/.test(server.stderr()));

		writeFileSync(server.confPath, `${text}\n[web]\ndrian = 5s\n`);
		process.kill(server.pid, 'SIGHUP');
		await until('the refusal', () => /event=reload_refused/.test(server.stderr()));
		assert.match(server.stderr(), /drian: unknown key; did you mean \[web\] drain\?/);
		assert.equal((await processes(server, 'web')).length, 2);

		writeFileSync(server.confPath, text.replace('instances = 2', 'instances = 3'));
		process.kill(server.pid, 'SIGHUP');
		await until('the note', () => /\[web\] instances takes effect only after a restart/.test(server.stderr()));
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 200);
	} finally {
		await server.stop();
	}
});

// Runs `serve` to its end; resolves to { code, stderr }.
async function serveOnce(conf, args = []) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-refused-'));
	const file = path.join(dir, 'plimsoll.ini');
	writeFileSync(file, confText(conf));
	const child = spawn(plimsollBin(), ['serve', '-c', file, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
	let stderr = '';
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	const timer = setTimeout(() => child.kill('SIGKILL'), 20000);
	const code = await new Promise((resolve) => child.once('close', resolve));
	clearTimeout(timer);
	rmSync(dir, { recursive: true, force: true });
	return { code, stderr };
}

test('a port in use: exit code 4 and a line that names it', async () => {
	const holder = net.createServer().listen(0, '127.0.0.1');
	await new Promise((resolve) => holder.once('listening', resolve));
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-port-'));
	const { port } = holder.address();
	try {
		const { code, stderr } = await serveOnce({
			plimsoll: { data_dir: dir },
			web: { listen: `127.0.0.1:${port}` },
			admin: { listen: `127.0.0.1:${await freePort()}` },
			symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' },
		});
		assert.equal(code, 4, stderr);
		assert.match(stderr, new RegExp(`^plimsoll: \\[web\\] listen = 127\\.0\\.0\\.1:${port}: .+\n$`));
	} finally {
		holder.close();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('a second instance on the same data: exit code 4 and a line that says so', async () => {
	const server = await startPlimsoll();
	try {
		const { code, stderr } = await serveOnce({
			plimsoll: { data_dir: server.dataDir },
			web: { listen: `127.0.0.1:${await freePort()}` },
			admin: { listen: `127.0.0.1:${await freePort()}` },
			symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' },
		});
		assert.equal(code, 4, stderr);
		assert.match(stderr, new RegExp(`^plimsoll: the data directory .+ is in use by another plimsoll \\(process ${server.pid}\\)\n$`));
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 200);
	} finally {
		await server.stop();
	}
});

test('a data directory that cannot be made: exit code 1 and a line that says why', async () => {
	const { code, stderr } = await serveOnce({ plimsoll: { data_dir: '/proc/plimsoll' } });
	assert.equal(code, 1, stderr);
	assert.match(stderr, /^plimsoll: cannot make the folder \/proc\/plimsoll: .+\n$/);
});

test('an unknown service in the configuration: exit code 3', async () => {
	const { code, stderr } = await serveOnce({ plimsoll: { services: 'identity, fakir' } });
	assert.equal(code, 3, stderr);
	assert.match(stderr, /^(plimsoll: )?\[plimsoll\] services: there is no service "fakir"\n$/);
});
