// What the benchmarks of grace share: servers of the same work, each alone on processor 0, and the lab on
// processor 1. PLIMSOLL_BIN is the program; PLIMSOLL_BEFORE another build of it, the peer "before".
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, plimsollBin, startPlimsoll } from '../../harness/plimsoll.mjs';
import { pinned, runLabCommand } from '../lib.mjs';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
export const SERVER_CPU = '0';
export const LAB_CPU = '1';
export const ACCOUNTS = 2000; // as signin.lua has it
const HAPROXY_QUEUE = '1s';

export const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-grace-'));
const children = new Set();
process.on('exit', () => {
	for (const child of children) child.kill('SIGKILL');
	rmSync(scratch, { recursive: true, force: true });
});

export const model = (name) => (path.isAbsolute(name) ? name : path.join(HERE, `${name}.lua`));

function keep(child) {
	children.add(child);
	const ended = new Promise((resolve) => child.once('close', resolve)).finally(() => children.delete(child));
	return async () => {
		child.kill('SIGTERM');
		await ended;
	};
}

async function untilAnswers(url) {
	for (let i = 0; i < 200; i++) {
		const status = await new Promise((resolve) =>
			http.get(url, { agent: false }, (res) => res.resume().on('end', () => resolve(res.statusCode))).on('error', () => resolve(0)),
		);
		if (status > 0) return;
		await sleep(50);
	}
	throw new Error(`${url} does not answer`);
}

// ---- servers; each has url, stop(), and watch: words for plimsoll line ----

async function plimsoll({ cost, program = plimsollBin(), conf = {} }) {
	const server = await startPlimsoll({
		bin: pinned(program, scratch, SERVER_CPU),
		conf: {
			identity: { test_doors: 'yes', min_mail_interval: '0s' },
			web: { instances: 1 },
			compute: { instances: 1 },
			accounts: { bcrypt_cost: cost, bcrypt_cost_stretched: cost },
			http: { access_log: 'no' },
			...conf,
		},
	});
	execFileSync(program, ['user', 'create-many', '0', String(ACCOUNTS), '-c', server.confPath], { stdio: 'ignore' });
	return { ...server, watch: ['--admin', server.adminUrl.slice(7)], stop: () => server.stop() };
}

// Our HTTP server alone, with requests that spin; see test/bench/spin_server.c.
async function spinServer({ spinUs, program = plimsollBin() }) {
	const port = await freePort();
	const near = ['test/bench/spin_server', '../test/bench/spin_server'].map((p) => path.join(path.dirname(program), p));
	const child = spawn('sh', ['-c', `for f in "$@"; do [ -x "$f" ] && exec taskset -c ${SERVER_CPU} "$f" ${port} ${spinUs}; done; exit 1`, 'sh', ...near], { stdio: ['ignore', 'ignore', 'inherit'] });
	const stop = keep(child);
	await untilAnswers(`http://127.0.0.1:${port}/health`);
	return { url: `http://127.0.0.1:${port}`, pid: child.pid, watch: ['--watch', `server=${child.pid}`], stop };
}

async function node(guard, { cost, spinUs }) {
	const port = await freePort();
	const words = ['-c', SERVER_CPU, process.execPath, path.join(HERE, 'peer.mjs'), String(port), guard, String(cost), String(spinUs)];
	const child = spawn('taskset', words, { stdio: ['ignore', 'ignore', 'inherit'] });
	const stop = keep(child);
	await untilAnswers(`http://127.0.0.1:${port}/health`);
	return { url: `http://127.0.0.1:${port}`, port, pid: child.pid, watch: ['--watch', `node=${child.pid}`], stop };
}

const COSTLY = ['/wsapi/authenticate_user', '/wsapi/stage_user', '/spin'];

// As the manual has them: as many a second as the work behind can do, a burst of half a second, and so many at once.
async function nginx(options) {
	const behind = await node('none', options);
	const port = await freePort();
	const dir = mkdtempSync(path.join(scratch, 'nginx-'));
	const rate = Math.max(1, Math.round(options.perSecond));
	const burst = Math.max(1, Math.round(options.perSecond / 2));
	const costly = COSTLY.map((p) => `location = ${p} { limit_req zone=r burst=${burst} nodelay; limit_conn c ${burst + 2}; proxy_pass http://behind; }`).join('\n');
	writeFileSync(
		path.join(dir, 'nginx.conf'),
		`daemon off; pid ${dir}/pid; error_log ${dir}/error.log crit; worker_processes 1; ${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 16384; }
http {
	access_log off; keepalive_timeout 115; keepalive_requests 1000000;
	client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
	limit_req_zone $server_name zone=r:1m rate=${rate}r/s; limit_conn_zone $server_name zone=c:1m;
	limit_req_status 503; limit_conn_status 503;
	upstream behind { server 127.0.0.1:${behind.port}; keepalive 64; }
	server { listen 127.0.0.1:${port} backlog=4096; proxy_http_version 1.1; proxy_set_header Connection "";
		${costly}
		location / { proxy_pass http://behind; } }
}
`,
	);
	const child = spawn('taskset', ['-c', SERVER_CPU, '/usr/sbin/nginx', '-p', dir, '-c', path.join(dir, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
	const stop = keep(child);
	await untilAnswers(`http://127.0.0.1:${port}/health`);
	return {
		url: `http://127.0.0.1:${port}`,
		watch: ['--watch', `nginx=${child.pid}`, ...behind.watch],
		stop: async () => {
			await stop();
			await behind.stop();
		},
	};
}

// A queue in front of the work: so many at once, others wait for a second at the most.
async function haproxy(options) {
	const behind = await node('none', options);
	const port = await freePort();
	const file = path.join(scratch, `haproxy-${port}.cfg`);
	writeFileSync(
		file,
		`global
	maxconn 9000
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 115s
	timeout server 30s
	timeout queue ${HAPROXY_QUEUE}
frontend f
	bind 127.0.0.1:${port} backlog 4096
	acl costly path ${COSTLY.join(' ')}
	use_backend costly if costly
	default_backend rest
backend costly
	server s 127.0.0.1:${behind.port} maxconn ${options.atOnce}
backend rest
	server s 127.0.0.1:${behind.port}
`,
	);
	const child = spawn('taskset', ['-c', SERVER_CPU, '/usr/sbin/haproxy', '-db', '-f', file], { stdio: ['ignore', 'ignore', 'ignore'] });
	const stop = keep(child);
	await untilAnswers(`http://127.0.0.1:${port}/health`);
	return {
		url: `http://127.0.0.1:${port}`,
		watch: ['--watch', `haproxy=${child.pid}`, ...behind.watch],
		stop: async () => {
			await stop();
			await behind.stop();
		},
	};
}

// Budgets are small in the first ten seconds of a process and double each second then (core/grace/resource.c).
export const SLOW_START_MS = 13000;

// Of the mix: "signin", "signup" (bcrypt) or "spin".
export async function start(name, mix, options) {
	const server = await begin(name, mix, options);
	if (name === 'plimsoll' || name === 'before') await sleep(SLOW_START_MS);
	return server;
}

function begin(name, mix, options) {
	const o = { cost: 9, spinUs: 1000, perSecond: 30, atOnce: 2, ...options };
	switch (name) {
		case 'plimsoll':
			return mix === 'spin' ? spinServer(o) : plimsoll(o);
		case 'before':
			return mix === 'spin' ? spinServer({ ...o, program: process.env.PLIMSOLL_BEFORE }) : plimsoll({ ...o, program: process.env.PLIMSOLL_BEFORE });
		case 'nginx':
			return nginx(o);
		case 'haproxy':
			return haproxy(o);
		default:
			return node(name, o);
	}
}

export const PEERS = ['plimsoll', 'toobusy', 'overload-protection', 'compute-cluster', 'nginx', 'haproxy', 'none'];

// ---- the lab ----

// Users of one address are one client to a server that is fair.
const ADDRESSES = ['--from', '127.0.1.1-127.0.1.250'];
const addresses = (args) => (args.includes('--from') ? args : [...ADDRESSES, ...args]);

// plimsoll line --grace on processor 1; its result, or an error with what it said.
export async function grace(mix, server, { users, args = [], progress = false, onText = () => {} }) {
	const words = ['-c', LAB_CPU, plimsollBin(), 'line', model(mix), '--grace', '--json', ...(users ? ['--saturation', String(users)] : []), ...server.watch, ...addresses(args), server.url];
	const child = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'pipe'] });
	keep(child);
	let [stdout, stderr] = ['', ''];
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => {
		stderr += text;
		onText(text);
		if (progress) process.stderr.write(text);
	});
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (!stdout.startsWith('{')) throw new Error(`plimsoll line: ${code}\n${stderr}`);
	return JSON.parse(stdout);
}

// plimsoll load on processor 1.
export const load = (mix, url, args) => runLabCommand(['load', model(mix), ...addresses(args), url], { cpu: LAB_CPU });

// ---- what a server can do: few callers in a closed loop, who ask for the costly request alone ----

function ask(agent, url, method, target, body, cookie) {
	return new Promise((resolve, reject) => {
		const headers = { ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }), ...(cookie && { cookie }) };
		const req = http.request(`${url}${target}`, { agent, method, headers }, (res) => {
			let text = '';
			res.on('data', (d) => (text += d)).on('end', () => resolve({ status: res.statusCode, text, cookie: (res.headers['set-cookie'] ?? []).map((c) => c.split(';')[0]).join('; ') }));
		});
		req.on('error', reject);
		req.end(body);
	});
}

export async function activity(agent, url, mix, n) {
	if (mix === 'spin') return (await ask(agent, url, 'GET', '/spin')).status === 200;
	const context = await ask(agent, url, 'GET', '/wsapi/session_context');
	const csrf = JSON.parse(context.text).csrf_token;
	let { cookie } = context;
	const post = async (name, fields) => {
		const r = await ask(agent, url, 'POST', `/wsapi/${name}`, JSON.stringify({ ...fields, csrf }), cookie);
		cookie = r.cookie || cookie;
		return r.status === 200 && JSON.parse(r.text).success;
	};
	if (mix === 'signin') return post('authenticate_user', { email: `${n % ACCOUNTS}@loadtest.domain`, pass: 'THE PASSWORD', ephemeral: false });
	const email = `peak${process.pid}-${n}@loadtest.domain`;
	if (!(await post('stage_user', { email, pass: 'THE PASSWORD', site: 'http://site1.example' }))) return false;
	const token = (await ask(agent, url, 'GET', `/wsapi/fake_verification?email=${encodeURIComponent(email)}`, undefined, cookie)).text;
	return (await post('complete_user_creation', { token })) && post('authenticate_user', { email, pass: 'THE PASSWORD', ephemeral: false });
}

// How often a second callers succeed with what they do one after the other, the first second left out; who fails waits
// for a moment.
export async function closedLoop(seconds, callers, ask) {
	const begin = performance.now();
	let good = 0;
	const one = async () => {
		while (performance.now() < begin + (seconds + 1) * 1000) {
			const ok = await ask().catch(() => false);
			const at = (performance.now() - begin) / 1000;
			if (ok && at > 1 && at <= seconds + 1) good++;
			if (!ok) await sleep(20);
		}
	};
	await Promise.all(Array.from({ length: callers }, one));
	return good / seconds;
}

// Good activities a second.
export async function capacity(url, mix, { seconds = 5, callers = mix === 'spin' ? 8 : 3 } = {}) {
	const agent = new http.Agent({ keepAlive: true, maxSockets: callers });
	let n = 0;
	const rate = await closedLoop(seconds, callers, () => activity(agent, url, mix, n++));
	agent.destroy();
	return rate;
}

// 1,000 users are one activity a second in signin.lua and signup.lua, 10,000 are 1,000 in spin.lua.
export const usersOf = (mix, perSecond) => Math.max(1, Math.round(perSecond * (mix === 'spin' ? 10 : 1000)));

export const percent = (x) => (x === null || x === undefined || Number.isNaN(x) ? '-' : `${(100 * x).toFixed(1)} %`);
export const msOf = (us) => (us === null || us === undefined ? '-' : `${(us / 1000).toFixed(1)} ms`);

// The step of a curve at a load, on the way up or down.
export const stepAt = (json, load, direction = 'up') => json.grace.curve.steps.find((s) => s.load === load && s.direction === direction);

export function pinSelf() {
	execFileSync('taskset', ['-acp', LAB_CPU, String(process.pid)], { stdio: 'ignore' });
}

// How many were refused, by what was short, and by what was asked for.
export async function refusedBy(url) {
	const text = await (await fetch(`${url}/metrics`)).text();
	const sums = {};
	for (const [, label, n] of text.matchAll(/^plimsoll_http_refus(?:als|ed)_total{.*?(?:why|op)="([^"]*)".*} (\d+)$/gm)) sums[label] = (sums[label] ?? 0) + Number(n);
	return Object.entries(sums).filter(([, n]) => n > 0).map(([label, n]) => `${label} ${n}`).join(', ');
}
