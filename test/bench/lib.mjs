// What the benchmarks share: processor time of processes, wrk, nginx, a table that prints ratios.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { status } from '../harness/roles.mjs';

const TICKS = Number(spawnSync('getconf', ['CLK_TCK']).stdout);

// CPU microseconds that the processes have used so far.
export function cpuUs(pids) {
	let ticks = 0;
	for (const pid of pids) {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
		ticks += Number(fields[11]) + Number(fields[12]);
	}
	return (ticks / TICKS) * 1e6;
}

const ROUNDS = 3;

// Measures each of the peers ({ name, ... }) in alternating rounds, so that whatever else the machine does
// hits all of them; resolves to { name: its result with the least cpuUsPerRequest }.
export async function bestOfRounds(peers, measure) {
	const best = {};
	for (let i = 0; i < ROUNDS; i++) {
		for (const peer of peers) {
			const r = await measure(peer);
			if (r.errors) throw new Error(`${peer.name}: ${r.errors} answers were no 2xx`);
			if (!best[peer.name] || r.cpuUsPerRequest < best[peer.name].cpuUsPerRequest) best[peer.name] = r;
		}
	}
	return best;
}

// The processes of a running Plimsoll by role, from its status page.
export async function rolePids(server) {
	const pids = {};
	for (const p of (await status(server)).processes) (pids[p.role] ??= []).push(p.pid);
	return pids;
}

// A program like bin that is held to one processor, with all that it starts; a file in dir.
export function pinned(bin, dir, cpu) {
	const file = path.join(dir, `${path.basename(bin)}-pinned`);
	writeFileSync(file, `#!/bin/sh\nexec taskset -c ${cpu} '${bin}' "$@"\n`);
	chmodSync(file, 0o755);
	return file;
}

// How busy one processor is while fn runs: 0..1.
export async function coreUse(cpu, fn) {
	const read = () => new RegExp(`^cpu${cpu} (.*)`, 'm').exec(readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
	const before = read();
	const result = await fn();
	const d = read().map((v, i) => v - before[i]);
	return { result, busy: 1 - (d[3] + d[4]) / d.slice(0, 8).reduce((a, b) => a + b, 0) };
}

// Idle share of all cores while fn runs: 0..1.
export async function idleShare(fn) {
	const read = () => readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
	const before = read();
	const result = await fn();
	const after = read();
	const d = after.map((v, i) => v - before[i]);
	return { result, idle: (d[3] + d[4]) / d.slice(0, 8).reduce((a, b) => a + b, 0) };
}

// wrk for some seconds: { requests, perSecond, p99ms, errors, cpuUsPerRequest }. cpu: the processor that it may use.
export async function wrk(url, pids, { connections = 64, seconds = 6, script, headers = {}, cpu } = {}) {
	const args = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
	for (const [k, v] of Object.entries(headers)) args.push('-H', `${k}: ${v}`);
	if (script) args.push('-s', script);
	const command = cpu === undefined ? args : ['taskset', '-c', String(cpu), ...args];
	const before = cpuUs(pids);
	const text = await run(command[0], [...command.slice(1), url]);
	const used = cpuUs(pids) - before;
	const requests = Number(/(\d+) requests in/.exec(text)[1]);
	const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text);
	const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text);
	return {
		requests,
		perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
		p99ms: p99 ? Number(p99[1]) * { us: 0.001, ms: 1, s: 1000 }[p99[2]] : NaN,
		errors: bad ? Number(bad[1]) : 0,
		cpuUsPerRequest: used / requests,
	};
}

const lua = (text) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;

// Writes a script for wrk that sends the requests ({ method, path, headers, body }) one after the other,
// over and over, and prints the first answers without the expected text. delayMs: of each connection
// before a request, for a rate below saturation.
export function writeWrkScript(file, requests, { expected, delayMs = 0 }) {
	const rows = requests.map(({ method = 'GET', path: target, headers = {}, body }) => {
		const fields = Object.entries(headers).map(([k, v]) => `[${lua(k)}]=${lua(v)}`).join(',');
		return `{${lua(method)},${lua(target)},{${fields}},${body === undefined ? 'nil' : lua(body)}}`;
	});
	writeFileSync(
		file,
		`local rows = {${rows.join(',\n')}}
local i, bad = 0, 0
request = function() i = i % #rows + 1; local r = rows[i]; return wrk.format(r[1], r[2], r[3], r[4]) end
response = function(status, headers, body)
	if not body:find(${lua(expected)}, 1, true) then bad = bad + 1; if bad < 3 then print(status, body) end end
end
${delayMs ? `delay = function() return ${delayMs} end` : ''}
`,
	);
	return file;
}

export function run(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
		let text = '';
		child.stdout.on('data', (d) => (text += d));
		child.stderr.on('data', (d) => (text += d));
		child.on('error', reject);
		child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${command}: ${code}\n${text}`))));
	});
}

export async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// nginx as its manual advises for small static answers, with as many workers and an access log.
// locations: text of location blocks; files: { name: bytes } in its root; tls: { certificate, key }; cpu: the processor
// that it is held to.
export async function startNginx({ locations = '', files, tls, workers = os.cpus().length, cpu }) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-nginx-'));
	const port = await freePort();
	for (const [name, bytes] of Object.entries(files)) {
		mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
		writeFileSync(path.join(dir, name), bytes);
	}
	writeFileSync(
		path.join(dir, 'nginx.conf'),
		`daemon off; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes ${workers};
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
	access_log ${dir}/access.log combined buffer=32k flush=1s; sendfile on; tcp_nopush on; tcp_nodelay on;
	keepalive_timeout 65; keepalive_requests 1000000; open_file_cache max=${Math.max(1000, Object.keys(files).length)}; types_hash_max_size 2048;
	client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir};
	scgi_temp_path ${dir}; server_tokens off;
	${tls ? `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_cache off; ssl_session_tickets on; ssl_buffer_size 16k; ssl_ciphers ECDHE+AESGCM;` : ''}
	server { listen 127.0.0.1:${port} ${tls ? 'ssl' : ''} backlog=4096; root ${dir}; ${locations} }
}
`,
	);
	const bin = cpu === undefined ? '/usr/sbin/nginx' : pinned('/usr/sbin/nginx', dir, cpu);
	const child = spawn(bin, ['-p', dir, '-c', `${dir}/nginx.conf`], { stdio: 'ignore' });
	process.on('exit', () => child.kill('SIGTERM')); // a benchmark that fails leaves nothing behind
	for (let i = 0; i < 100; i++) {
		try {
			await new Promise((resolve, reject) => net.connect(port, '127.0.0.1', resolve).on('error', reject));
			break;
		} catch {
			await sleep(50);
		}
	}
	const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
	return {
		url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
		port,
		pids: children.map(Number),
		async stop() {
			child.kill('SIGTERM');
			await new Promise((resolve) => child.once('close', resolve));
			rmSync(dir, { recursive: true, force: true });
		},
	};
}

const reportRow = ([what, value, note = '']) => console.log(`  ${what.padEnd(52)} ${String(value).padStart(12)}  ${note}`);

export function report(title, rows) {
	console.log(`\n== ${title}`);
	rows.forEach(reportRow);
}

// A table of a long run, whose rows are printed as they come.
export function reportAsItGoes(title) {
	console.log(`\n== ${title}`);
	return { push: (...rows) => rows.forEach(reportRow) };
}

export function load() {
	return os.loadavg()[0].toFixed(2);
}

export function quantile(sorted, q) {
	return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : NaN;
}

// Values of the metrics page: { 'name{labels}': number }, all processes added.
export async function metrics(server) {
	const sums = {};
	for (const [, name, labels = '', value] of (await (await fetch(`${server.adminUrl}/metrics`)).text()).matchAll(/^(\w+)(?:\{([^}\n]*)\})? (\S+)$/gm)) {
		const kept = labels.split(',').filter((label) => !/^(role|instance|process)=/.test(label)).join(',');
		const key = kept ? `${name}{${kept}}` : name;
		sums[key] = (sums[key] ?? 0) + Number(value);
	}
	return sums;
}

// Memory of all roles in KiB: what is theirs, and what of files lies in it (pages of the database that the kernel may
// drop at any time).
export function memory(pids) {
	const sums = { own: 0, files: 0, all: 0 };
	for (const pid of pids) {
		const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
		const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
		sums.own += field('Pss_Anon') + field('Pss_Shmem');
		sums.files += field('Pss_File');
		sums.all += field('Pss');
	}
	return sums;
}

// A command of the lab ("load", "replay") that says JSON: that, with what it said on standard error in .said. cpu: the
// processor that it may use. first: what it sends must not wait for a processor that the server uses, as the users are
// elsewhere; only root may ask for that.
export function runLabCommand(words, { cpu, first = false } = {}) {
	const command = [...(first && process.getuid() === 0 ? ['chrt', '--fifo', '1'] : []), ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]), plimsollBin(), words[0], '--json', ...words.slice(1)];
	return new Promise((resolve, reject) => {
		const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
		let [out, said] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
		child.on('error', reject);
		child.on('close', (code) => (out.startsWith('{') ? resolve({ ...JSON.parse(out), said }) : reject(new Error(`plimsoll ${words[0]}: ${code}\n${said}`))));
	});
}
