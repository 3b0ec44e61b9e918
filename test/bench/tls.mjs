// TLS beside nginx in one run: CPU per full handshake (ECDSA P-256 and RSA-2048), per resumed one and
// per request, of web and signer together. `node test/bench/tls.mjs [SECONDS]`. Rounds alternate; the
// best of each counts. Clients: openssl s_time (one handshake after the other, two at a time), wrk.
import { makeCertificate } from '../harness/certificates.mjs';
import { startTls } from '../scenario/lib/tls.mjs';
import { readFileSync } from 'node:fs';
import { connect } from '../scenario/lib/tls.mjs';
import { bestOfRounds, cpuUs, load, report, rolePids, run, startNginx, wrk } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 3);
const ROUNDS = 3;
const IDLE = 1000;

// [label, arguments of s_time]
const KINDS = [
	['full, TLS 1.3', ['-new', '-tls1_3']],
	['full, TLS 1.2', ['-new', '-tls1_2']],
	['resumed, TLS 1.2', ['-reuse', '-tls1_2']],
];

async function handshakes(port, pids, args) {
	const before = cpuUs(pids);
	const one = () => run('openssl', ['s_time', '-connect', `127.0.0.1:${port}`, '-time', String(seconds), ...args]);
	const texts = await Promise.all([one(), one()]);
	const used = cpuUs(pids) - before;
	// "2042 connections in 1.26s; ...", and a line like it in real seconds.
	const n = texts.reduce((sum, text) => sum + Number(/(\d+) connections in \d+ real seconds/.exec(text)[1]), 0);
	return { n, cpuUs: used / n };
}

const best = (a, b) => (!a || b < a ? b : a);
const rows = [];

async function compareHandshakes(kind, plimsoll, pids, nginx) {
	for (const [label, args] of KINDS) {
		if (kind === 'RSA' && label.startsWith('resumed')) continue; // the same work
		const least = {};
		for (let i = 0; i < ROUNDS; i++) {
			least.nginx = best(least.nginx, (await handshakes(nginx.port, nginx.pids, args)).cpuUs);
			least.plimsoll = best(least.plimsoll, (await handshakes(plimsoll.tlsPort, pids, args)).cpuUs);
		}
		rows.push([`${kind} ${label}: handshakes per CPU second, of nginx`, (least.nginx / least.plimsoll).toFixed(2),
			`${least.plimsoll.toFixed(0)} us beside ${least.nginx.toFixed(0)} us (goal 0.8)`]);
	}
}

async function compareRequests(plimsoll, pids, nginx, path, bytes) {
	const peers = [{ name: 'nginx', url: nginx.url, of: nginx.pids }, { name: 'plimsoll', url: plimsoll.url, of: pids }];
	const { nginx: n, plimsoll: p } = await bestOfRounds(peers, ({ url, of }) => wrk(url + path, of, { seconds }));
	rows.push([`requests over TLS (${bytes} B) per CPU second, of nginx`, (n.cpuUsPerRequest / p.cpuUsPerRequest).toFixed(2),
		`${p.cpuUsPerRequest.toFixed(2)} us beside ${n.cpuUsPerRequest.toFixed(2)} us; ${p.perSecond.toFixed(0)}/s beside ${n.perSecond.toFixed(0)}/s (goal 0.9)`]);
}

const rss = (pids) => pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024, 0);

// Resident memory per connection that has answered one request and is idle.
async function idleMemory(port, pids) {
	const open = async (n) => {
		const sockets = [];
		for (let i = 0; i < n; i += 50) {
			const some = await Promise.all(Array.from({ length: 50 }, () => connect(port)));
			await Promise.all(some.map((s) => new Promise((done) => (s.once('data', done), s.write('GET /include.js HTTP/1.1\r\nHost: x\r\n\r\n')))));
			sockets.push(...some);
		}
		return sockets;
	};
	(await open(100)).forEach((s) => s.destroy());
	await new Promise((r) => setTimeout(r, 300));
	const before = rss(pids);
	const held = await open(IDLE);
	const each = (rss(pids) - before) / IDLE;
	held.forEach((s) => s.destroy());
	return each;
}

for (const kind of ['P-256', 'RSA']) {
	const pair = makeCertificate(['localhost', '127.0.0.1'], { kind });
	const plimsoll = await startTls({ pairs: [pair], conf: { http: { access_log: 'yes' }, log: { level: 'info' } }, stderr: 'file' });
	const roles = await rolePids(plimsoll);
	const pids = [...roles.web, ...roles.signer];
	const file = Buffer.from(await (await fetch(`${plimsoll.plainUrl}/include.js`)).arrayBuffer());
	const nginx = await startNginx({ workers: roles.web.length, files: { 'include.js': file }, tls: pair });
	await compareHandshakes(kind, plimsoll, pids, nginx);
	if (kind === 'P-256') {
		await compareRequests(plimsoll, pids, nginx, '/include.js', file.length);
		const [ours, theirs] = [await idleMemory(plimsoll.tlsPort, roles.web), await idleMemory(nginx.port, nginx.pids)];
		rows.push(['memory of an idle TLS connection', `${(ours / 1024).toFixed(1)} KiB`, `nginx ${(theirs / 1024).toFixed(1)} KiB (RSS, ${IDLE} connections)`]);
	}
	await nginx.stop();
	await plimsoll.stop();
}
report(`TLS beside nginx (2 workers each, load ${load()})`, rows);
