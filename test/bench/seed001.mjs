// The load that Persona's capacity page planned for one million active users (preset seed-001, rates
// of persona.md 6.2), made open loop on a database of a million accounts: what it costs, by role,
// beside the page's own figures. Requests of an activity and their order are persona.md 6.3; each
// activity is another user on a connection of its own, each assertion another one. Devices that signed
// in before have a session and a certificate, as eight sign-ins a day leave them.
//   node test/bench/seed001.mjs [seconds = 60] [bcrypt cost = 10] [accounts = 1000000] [static = no]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertion, bundle, newKey } from '../harness/assertion.mjs';
import { Client } from '../harness/client.mjs';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { cpuUs, load, quantile, report, rolePids, wrk, writeWrkScript } from './lib.mjs';

const SECONDS = Number(process.argv[2] ?? 60);
const COST = Number(process.argv[3] ?? 10);
const ACCOUNTS = Number(process.argv[4] ?? 1000000);
const STATIC = process.argv[5] === 'static';

// Activities per second at one million active users, as the page prints them.
const RATES = { signup: 2.1, reset_pass: 0.42, add_email: 0.84, reauth: 1.68, signin: 93.93, include_only: 364 };
const STATIC_RATES = { includeJs: 4500, dialogs: 100 };
const WARM_DEVICES = 3000;
const PASS = 'THE PASSWORD';
const SITE = 'http://site.example';

// ---- the server, its accounts, and the devices that are signed in ----

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-seed001-'));
const ports = { web: await freePort(), admin: await freePort() };
const start = (cost) =>
	startPlimsoll({
		dir,
		ports,
		conf: {
			http: { access_log: 'no' },
			accounts: { bcrypt_cost: cost, bcrypt_cost_stretched: cost },
			identity: { test_doors: 'yes', min_mail_interval: '0s' },
		},
	});
const create = (server, from, to) =>
	execFileSync(plimsollBin(), ['user', 'create-many', String(from), String(to), '-c', server.confPath], { stdio: 'ignore' });

const keys = Array.from({ length: 5 }, () => newKey());
const devices = []; // signed in, with a certificate

class Device {
	constructor(server, email, pass = PASS) {
		this.email = email;
		this.pass = pass;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		this.client = new Client(server.url, { agent: this.agent });
		this.key = keys[Math.floor(Math.random() * keys.length)];
	}

	async call(method, operation, fields, expected) {
		const answer = await (method === 'GET'
			? this.client.get(`/wsapi/${operation}`)
			: this.client.post(`/wsapi/${operation}`, fields));
		if (answer.status !== 200 || (expected && !answer.text.includes(expected))) {
			throw new Error(`${operation}: ${answer.status} ${answer.text}`);
		}
		return answer;
	}

	async logIn() {
		await this.client.context();
		const began = performance.now();
		await this.call('POST', 'authenticate_user', { email: this.email, pass: this.pass, ephemeral: false }, '"success":true');
		logins.push(performance.now() - began);
	}

	async certify() {
		const pubkey = JSON.stringify(this.key.publicKey);
		this.certificate = (await this.call('POST', 'cert_key', { email: this.email, pubkey, ephemeral: false })).text;
	}

	// What a site does with the assertion: a post of its own, without this browser's cookies.
	async verify() {
		const site = new Client(this.client.base, { agent: this.agent });
		await site.context();
		const text = bundle([this.certificate], assertion(this.key, SITE));
		const answer = await site.post('/verify', { audience: SITE, assertion: text });
		if (answer.json?.status !== 'okay') throw new Error(`verify: ${answer.status} ${answer.text}`);
	}

	// Between activities people's connections end.
	hangUp() {
		this.agent.destroy();
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		this.client.agent = this.agent;
	}
}

const logins = []; // ms of each authenticate_user

async function prepare() {
	let server = await start(4);
	await server.stop();
	create(server, 0, ACCOUNTS);
	server = await start(4);
	for (let i = 0; i < WARM_DEVICES; i++) {
		const device = new Device(server, `${Math.floor(Math.random() * ACCOUNTS)}@loadtest.domain`);
		await device.logIn();
		await device.certify();
		device.hangUp();
		devices.push(device);
	}
	await server.stop();
	server = await start(COST);
	create(server, ACCOUNTS, ACCOUNTS + 5000); // with hashes of the cost under test
	return server;
}

// ---- what users do ----

let next = 0;
const busy = new Set(); // devices in an activity

// Does something with a device that is signed in and has nothing else to do.
async function withDevice(work) {
	let device;
	do device = devices[Math.floor(Math.random() * devices.length)];
	while (busy.has(device));
	busy.add(device);
	try {
		await work(device);
	} finally {
		device.hangUp();
		busy.delete(device);
	}
}

const fresh = () => `new${next++}-${Math.random().toString(36).slice(2)}@loadtest.domain`;

async function verification(device, email) {
	return (await device.call('GET', `fake_verification?email=${encodeURIComponent(email)}`)).text;
}

async function throughStaging(device) {
	await device.client.context();
	await device.call('POST', 'stage_user', { email: device.email, pass: device.pass, site: SITE }, '"success":true');
	const token = await verification(device, device.email);
	await device.call('POST', 'complete_user_creation', { token }, '"success":true');
	await device.logIn();
	await device.certify();
	await device.call('GET', 'list_emails');
	await device.verify();
}

const ACTIVITIES = {
	async include_only(server) {
		const agent = new http.Agent();
		await new Client(server.url, { agent, headers: { 'accept-encoding': 'gzip' } }).get('/include.js');
	},
	signin: () =>
		withDevice(async (device) => {
			await device.call('GET', 'list_emails', null, device.email);
			await device.verify();
		}),
	async reauth(server) {
		const device = new Device(server, `${ACCOUNTS + Math.floor(Math.random() * 5000)}@loadtest.domain`);
		await device.logIn();
		await device.certify();
		await device.call('GET', 'list_emails');
		await device.verify();
		device.hangUp();
	},
	async signup(server) {
		const device = new Device(server, fresh());
		await throughStaging(device);
		device.hangUp();
	},
	async reset_pass(server) {
		const device = new Device(server, `${ACCOUNTS + (next++ % 5000)}@loadtest.domain`);
		await throughStaging(device);
		device.hangUp();
	},
	add_email: () =>
		withDevice(async (device) => {
			const email = fresh();
			await device.call('POST', 'stage_email', { email, site: SITE }, '"success":true');
			const token = await verification(device, email);
			await device.call('POST', 'complete_email_confirmation', { token }, '"success":true');
			await device.call('GET', `email_addition_status?email=${encodeURIComponent(email)}`, null, 'complete');
			const { certificate } = device;
			await device.certify();
			await device.call('GET', 'list_emails');
			await device.verify();
			device.certificate = certificate;
		}),
};

// ---- the run ----

const done = {};
const failures = [];
let lateMs = 0; // the worst delay of this script itself

async function arrivals(server, name, rate, end) {
	let due = performance.now();
	for (;;) {
		due += (-Math.log(1 - Math.random()) / rate) * 1000;
		if (due >= end) return;
		const wait = due - performance.now();
		if (wait > 0) await sleep(wait);
		lateMs = Math.max(lateMs, performance.now() - due);
		const promise = ACTIVITIES[name](server)
			.then(() => (done[name] = (done[name] ?? 0) + 1))
			.catch((error) => failures.push(`${name}: ${error.message}`))
			.finally(() => pending.delete(promise));
		pending.add(promise);
	}
}
const pending = new Set();

async function statements(server) {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	return [...text.matchAll(/^plimsoll_sql_seconds_count\{[^\n]*\} (\d+)/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
}

const written = (pids) =>
	pids.reduce((sum, pid) => sum + Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1]), 0);

// Pages and scripts as the page plans them: include.js by everybody, dialogs with all they load.
async function staticLoad(server) {
	const headers = { 'Accept-Encoding': 'gzip' };
	const files = ['/sign_in', '/identity/style.css', '/identity/dialog.js'].map((name) => ({ path: name, headers }));
	const run = (name, requests, rate, expected) => {
		const delayMs = 20;
		const script = writeWrkScript(path.join(dir, `${name}.lua`), requests, { expected, delayMs });
		return wrk(server.url, [], { seconds: SECONDS, connections: Math.round((rate * delayMs) / 1000), script });
	};
	return Promise.all([
		run('include', [{ path: '/include.js', headers }], STATIC_RATES.includeJs, ''),
		run('dialog', files, STATIC_RATES.dialogs * files.length, ''),
	]);
}

const server = await prepare();
const roles = await rolePids(server);
const pids = Object.values(roles).flat();
for (const device of devices) device.client.base = new URL(server.url);
logins.length = 0;

// What the server has used so far: CPU microseconds by role, statements, bytes written.
async function usage() {
	const cpu = Object.fromEntries(Object.entries(roles).map(([role, list]) => [role, cpuUs(list)]));
	return { cpu, statements: await statements(server), written: written(pids) };
}

const before = await usage();
const end = performance.now() + SECONDS * 1000;
const extra = STATIC ? staticLoad(server) : Promise.resolve([]);
await Promise.all(Object.entries(RATES).map(([name, rate]) => arrivals(server, name, rate, end)));
const late = pending.size;
const after = await usage();
const cpu = Object.fromEntries(Object.entries(after.cpu).map(([role, us]) => [role, us - before.cpu[role]]));
const used = Object.values(cpu).reduce((a, b) => a + b, 0);
const share = (role) => `${((100 * cpu[role]) / used).toFixed(0)} %`;
const perSecond = (value) => value / SECONDS;
const others = Object.keys(cpu).filter((role) => role !== 'compute');
await Promise.all(pending);
const staticRuns = await extra;

logins.sort((a, b) => a - b);
const mean = logins.reduce((a, b) => a + b, 0) / logins.length;
const page = COST >= 12 ? { cores: 2.1 } : { cores: 0.7 };
report(`seed-001: one million active users, bcrypt cost ${COST}, ${ACCOUNTS} accounts${STATIC ? ', static files' : ''} (load ${load()})`, [
	['activities/s', perSecond(Object.values(done).reduce((a, b) => a + b, 0)).toFixed(1), Object.entries(done).map(([k, n]) => `${k} ${perSecond(n).toFixed(2)}`).join(', ')],
	['failed; unfinished at the end; this script late by', `${failures.length}; ${late}`, `${lateMs.toFixed(0)} ms at the worst`],
	...(STATIC ? [['static requests/s', staticRuns.reduce((sum, r) => sum + r.perSecond, 0).toFixed(0), `p99 ${staticRuns.map((r) => r.p99ms.toFixed(1)).join(' and ')} ms`]] : []),
	['cores used', (used / 1e6 / SECONDS).toFixed(2), `the page: ${page.cores}, without sign-ins (goal ${STATIC ? '1.5' : '1 at cost 10'})`],
	['of them', share('compute'), `compute (bcrypt); ${others.map((role) => `${role} ${share(role)}`).join(', ')}`],
	['authenticate_user, mean', `${mean.toFixed(0)} ms`, `p99 ${quantile(logins, 0.99).toFixed(0)} ms of ${logins.length}; the page: 360 ms, 1.5 s`],
	['statements/s', perSecond(after.statements - before.statements).toFixed(0), 'the page: 33, without sign-ins'],
	['bytes/s written to disk', perSecond(after.written - before.written).toFixed(0), 'the page: 800k written, 300k read'],
]);
for (const text of [...new Set(failures)].slice(0, 5)) console.log(`  ${text.slice(0, 200)}`);
await server.stop();
rmSync(dir, { recursive: true, force: true });
