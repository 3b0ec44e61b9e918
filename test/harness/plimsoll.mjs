// A whole Plimsoll of its own for a test: free ports, a temporary data folder, ended by its pid.
//   const server = await startPlimsoll({ conf: { accounts: { max_failed_logins: 3 } } });
//   server.url, server.adminUrl, server.healthUrl, server.symbolsUrl, server.pid, server.stderr(), await server.stop()
// The program is PLIMSOLL_BIN, or build/plimsoll of this tree.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free_port.mjs';
import { sharedPostgres } from './postgres.mjs';
import { PATIENCE } from './patience.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_SECONDS = 30 * PATIENCE; // a sanitizer build on a busy machine
const STOP_SECONDS = 60; // the server itself gives up on every process within 32 (core/role/stop.c); a disk may hold up the kill
// Benchmarks have what users have. Tests: what a busy machine does to them is no overload, but for those of overload,
// and a start costs processor time, of which there are hundreds.
const IS_TEST = process.argv[1]?.endsWith('.test.mjs');
export const TOLERANCE = IS_TEST ? 30 : 1;
const STDERR_MAX = 1 << 20; // characters kept; the newest

const running = new Set();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

export function plimsollBin() {
	return process.env.PLIMSOLL_BIN ?? path.join(ROOT, 'build/plimsoll');
}

export { freePort };

// Text of a configuration file: { section: { key: value } }; an array is a line for each.
export function confText(conf) {
	const section = ([name, keys]) =>
		`[${name}]\n${Object.entries(keys).flatMap(([key, value]) => [value].flat().map((v) => `${key} = ${v}\n`)).join('')}`;
	return Object.entries(conf).map(section).join('\n');
}

// Status of a GET, or null when nobody answers. On a connection of its own, so that none stays open.
function statusOf(url, localAddress) {
	return new Promise((resolve) => {
		const req = http.get(url, { agent: false, timeout: 2000, localAddress }, (res) => {
			res.resume();
			res.on('end', () => resolve(res.statusCode));
			res.on('error', () => resolve(null));
		});
		req.on('timeout', () => req.destroy());
		req.on('error', () => resolve(null));
	});
}

// Making a key of 2048 bits takes longer than all else that a start does. The servers of a whole run of
// the tests therefore get the key that the first of them made, at PLIMSOLL_TEST_KEY.
const SHARED_KEY = process.env.PLIMSOLL_TEST_KEY;

function giveKey(dataDir) {
	if (!SHARED_KEY || existsSync(dataDir) || !existsSync(SHARED_KEY)) return;
	mkdirSync(path.join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
	copyFileSync(SHARED_KEY, path.join(dataDir, 'keys/identity.key'));
}

function keepKey(dataDir) {
	const made = path.join(dataDir, 'keys/identity.key');
	if (!SHARED_KEY || existsSync(SHARED_KEY) || !existsSync(made)) return;
	copyFileSync(made, `${SHARED_KEY}.${process.pid}`);
	renameSync(`${SHARED_KEY}.${process.pid}`, SHARED_KEY);
}

// Options: conf (sections over those below), bin, args (behind "serve -c FILE"), env, dir (a folder
// to use and keep, for a second start on the same data), ports ({ web, admin, symbols }, likewise), stderr
// ("keep"; "file", as a service manager would, where the log is large; "null"), probeFrom (the address
// from which the service is asked whether it is ready, where the usual one is a trusted proxy's), ownKey
// (not the key that others have).
export async function startPlimsoll(options = {}) {
	const { conf = {}, bin = plimsollBin(), args = [], env = {}, stderr = 'keep' } = options;
	const ports = options.ports ?? { web: await freePort(), admin: await freePort(), symbols: await freePort(), health: await freePort() };
	const dir = options.dir ?? mkdtempSync(path.join(os.tmpdir(), 'plimsoll-test-'));
	const sections = {
		plimsoll: { public_url: `http://127.0.0.1:${ports.web}`, data_dir: path.join(dir, 'data') },
		// Idle clients of tests are not worth half a second at each stop.
		web: { listen: `127.0.0.1:${ports.web}`, instances: 2, drain_idle: '0s' },
		admin: { listen: `127.0.0.1:${ports.admin}` },
		health: { listen: `127.0.0.1:${ports.health ?? 0}` },
		symbols: { listen: `127.0.0.1:${ports.symbols ?? 0}` },
		compute: IS_TEST ? { instances: 1 } : {},
		files: { instances: 1 },
		pairs: { listen: `127.0.0.1:${ports.pairs ?? 0}` },
		grace: { tolerance: TOLERANCE },
		accounts: { bcrypt_cost: 4, bcrypt_cost_stretched: 4 },
		log: { level: 'warn' },
	};
	if (process.env.PLIMSOLL_TEST_ENGINE === 'postgres') sections.store = (await sharedPostgres()).store();
	for (const [name, keys] of Object.entries(conf)) sections[name] = { ...sections[name], ...keys };
	if (!options.ownKey) giveKey(sections.plimsoll.data_dir);
	const confPath = path.join(dir, 'plimsoll.ini');
	writeFileSync(confPath, confText(sections));
	if (sections.store?.engine === 'postgres') execFileSync(bin, ['migrate', '-c', confPath], { stdio: ['ignore', 'ignore', 'inherit'] });

	const logTo = { file: path.join(dir, 'stderr.log'), null: '/dev/null' }[stderr];
	const logFile = logTo ? openSync(logTo, 'w') : -1;
	const child = spawn(bin, ['serve', '-c', confPath, ...args], {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', logTo ? logFile : 'pipe'],
	});
	if (logTo) closeSync(logFile);
	running.add(child);
	let log = '';
	child.stderr?.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-STDERR_MAX)));
	let announced = false; // "is ready": all processes are, and it takes upgrades
	let out = '';
	child.stdout.setEncoding('utf8').on('data', (text) => {
		out = (out + text).slice(-STDERR_MAX);
		announced ||= out.includes('is ready');
	});
	const ended = new Promise((resolve) => {
		child.once('error', (error) => resolve({ code: null, signal: null, error }));
		child.once('close', (code, signal) => resolve({ code, signal }));
	}).finally(() => running.delete(child));

	const server = {
		url: sections.plimsoll.public_url,
		adminUrl: `http://127.0.0.1:${ports.admin}`,
		healthUrl: `http://127.0.0.1:${ports.health}`,
		symbolsUrl: `http://127.0.0.1:${ports.symbols}`,
		pid: child.pid,
		dir,
		dataDir: sections.plimsoll.data_dir,
		confPath,
		ports,
		store: sections.store, // undefined: SQLite
		stderr: () => log,
		stdout: () => out,
		isAnnounced: () => announced,
		ended, // resolves to { code, signal } however it ended
		// Asks it to stop. Throws when it did not do so cleanly; removes the folder unless it was given.
		async stop() {
			if (running.has(child)) child.kill('SIGTERM');
			const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
			const begun = Date.now();
			const end = await ended;
			clearTimeout(timer);
			if (!options.dir) rmSync(dir, { recursive: true, force: true });
			if (end.code !== 0 || /AddressSanitizer|LeakSanitizer|runtime error: /.test(log)) {
				throw new Error(`plimsoll ended with ${end.signal ?? end.code} after ${Date.now() - begun} ms\n${log}`);
			}
			return end;
		},
		// Ends the supervisor as a power cut would; its folder stays.
		async kill() {
			child.kill('SIGKILL');
			return ended;
		},
	};
	await untilReady(server, `http://127.0.0.1:${ports.web}`, options.probeFrom);
	keepKey(server.dataDir);
	return server;
}

async function untilReady(server, webUrl, probeFrom) {
	let end = null;
	server.ended.then((value) => (end = value));
	for (const deadline = Date.now() + READY_SECONDS * 1000; ; await sleep(50)) {
		const [web, admin] = await Promise.all([
			statusOf(`${webUrl}/__heartbeat__`, probeFrom),
			statusOf(`${server.adminUrl}/status`),
		]);
		if (web === 200 && admin === 200 && server.isAnnounced()) return;
		if (end || Date.now() > deadline) {
			const why = end ? `ended with ${end.error ?? end.signal ?? end.code}` : `not ready: ${web}, ${admin}`;
			if (!end) await server.kill();
			throw new Error(`plimsoll ${why}\n${server.stderr()}`);
		}
	}
}
