// A nats-server of a test's own, and helpers (`plimsoll helper`) beside a server of a test.
//   const nats = await startNats({ tls: testCertificate() }); nats.conf() is a section [nats]
//   const helper = await startHelper(nats, { name: 'one' }); helper.kill(); await helper.stop()
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free_port.mjs';
import { confText, plimsollBin } from './plimsoll.mjs';
import { childrenOf, status, until } from './roles.mjs';

const BIN = ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find((file) => existsSync(file)) ?? 'nats-server';
const USER = { user: 'plimsoll', password: 'correct horse' };

const running = new Set();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

// The child's output and its end, remembered.
function watched(child) {
	running.add(child);
	const seen = { out: '', err: '' };
	child.stdout.setEncoding('utf8').on('data', (text) => (seen.out += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (seen.err += text));
	seen.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
	seen.ended.then(() => running.delete(child));
	return seen;
}

function answers(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1');
		socket.once('data', () => resolve(true) ?? socket.destroy()); // INFO
		socket.once('error', () => resolve(false));
	});
}

// Options: tls ({ certificate, key }), ca (what its clients are told, else tls.certificate), open (it asks for
// no password), text (its whole configuration, by port).
export async function startNats({ tls, ca = tls?.certificate, open = false, text } = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-nats-'));
	const nats = { port: await freePort(), dir };
	const file = path.join(dir, 'nats.conf');
	writeFileSync(file, text?.(nats.port) ?? `listen: 127.0.0.1:${nats.port}
${open ? '' : `authorization { user: ${USER.user}, password: "${USER.password}" }`}
${tls ? `tls { cert_file: "${tls.certificate}", key_file: "${tls.key}" }` : ''}
`);
	async function begin() {
		const child = spawn(BIN, ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
		const seen = watched(child);
		await until('nats-server', async () => {
			if (child.exitCode !== null) throw new Error(seen.err);
			return answers(nats.port);
		});
		nats.child = child;
		nats.log = () => seen.err;
		nats.ended = seen.ended;
	}
	await begin();
	return Object.assign(nats, {
		url: `${tls ? 'tls' : 'nats'}://localhost:${nats.port}`,
		conf: (over = {}) => ({ url: nats.url, ...USER, ...(tls ? { ca_file: ca } : {}), ...over }),
		async kill() {
			nats.child.kill('SIGKILL');
			await nats.ended;
		},
		begin,
		async stop() {
			await nats.kill();
			rmSync(dir, { recursive: true, force: true });
		},
	});
}

// Options: name, instances, conf (more sections), bin, before (words of a command that runs it).
export async function startHelper(nats, { name = 'helper', instances = 1, conf = {}, bin = plimsollBin(), before = [] } = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-helper-'));
	const file = path.join(dir, 'helper.ini');
	const sections = { nats: nats.conf(), helper: { name }, compute: { instances }, log: { level: 'info' } };
	for (const [section, keys] of Object.entries(conf)) sections[section] = { ...sections[section], ...keys };
	writeFileSync(file, confText(sections), { mode: 0o644 });
	const [program, ...words] = [...before, bin, 'helper', '-c', file];
	if (before.length > 0) await makeReadable(dir);
	const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
	const seen = watched(child);
	await until('the helper', () => {
		if (child.exitCode !== null) throw new Error(seen.err);
		return seen.out.includes('is ready');
	}, 60);
	const helper = {
		pid: child.pid,
		name,
		stdout: () => seen.out,
		stderr: () => seen.err,
		ended: seen.ended,
		processes: () => childrenOf(child.pid),
		// As the machine's end would: nobody of it says anything any more.
		async kill() {
			const pids = [child.pid, ...childrenOf(child.pid)];
			process.kill(child.pid, 'SIGSTOP'); // it starts nobody anew meanwhile
			for (const pid of pids.reverse()) process.kill(pid, 'SIGKILL');
			await seen.ended;
			rmSync(dir, { recursive: true, force: true });
		},
		async stop() {
			child.kill('SIGTERM');
			const timer = setTimeout(() => child.kill('SIGKILL'), 60000);
			const end = await seen.ended;
			clearTimeout(timer);
			rmSync(dir, { recursive: true, force: true });
			if (end.code !== 0 || /AddressSanitizer|LeakSanitizer|runtime error: /.test(seen.err)) {
				throw new Error(`the helper ended with ${end.signal ?? end.code}\n${seen.err}`);
			}
		},
	};
	return helper;
}

async function makeReadable(dir) {
	const { chmodSync } = await import('node:fs');
	chmodSync(dir, 0o755);
}

// The value of a family of the server, or of one of its rows.
export async function family(server, name, row) {
	const { families } = await status(server);
	return row === undefined ? families[name].value : families[name].rows[row] ?? 0;
}

// Waits until the server has so many helpers.
export const helpersAre = (server, n) => until(`${n} helpers`, async () => (await family(server, 'helpers')) === n, 60);

export { sleep };
