// HTTP/2 (h2c, prior knowledge) beside nginx's with equal workers and logging, and beside our own
// HTTP/1.1, the same bytes from all, loaded by the same program (h2load) in one run: CPU per request
// of a static file and of session_context; and what an idle connection costs.
//   node test/bench/http2.mjs [requests per run = 60000]
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { bestOfRounds, cpuUs, freePort, load, report, rolePids, run, startNginx } from './lib.mjs';

const requests = Number(process.argv[2] ?? 60000);
const IDLE = 1000;

const server = await startPlimsoll({ conf: { log: { level: 'info' }, http: { access_log: 'yes' } }, stderr: 'file' });
const web = (await rolePids(server)).web;
const file = Buffer.from(await (await fetch(`${server.url}/include.js`)).arrayBuffer());
const contextAnswer = await fetch(`${server.url}/wsapi/session_context`);
const context = await contextAnswer.text();
const cookie = contextAnswer.headers.get('set-cookie').split(';')[0];
const port = await freePort();
const nginx = await startNginx({
	workers: web.length,
	files: { 'include.js': file, 'context.json': context },
	locations: `listen 127.0.0.1:${port} http2 backlog=4096; location = /wsapi/session_context { default_type application/json; try_files /context.json =404; }`,
});

// What each row loads: h2load's arguments; HTTP/1.1 has one request at a time on a connection.
const PEERS = [
	{ name: 'nginx h2', url: `http://127.0.0.1:${port}`, pids: nginx.pids, args: ['-c8', '-m8'] },
	{ name: 'plimsoll h2', url: server.url, pids: web, args: ['-c8', '-m8'] },
	{ name: 'nginx h2, one stream', url: `http://127.0.0.1:${port}`, pids: nginx.pids, args: ['-c64', '-m1'] },
	{ name: 'plimsoll h2, one stream', url: server.url, pids: web, args: ['-c64', '-m1'] },
	{ name: 'plimsoll http/1.1', url: server.url, pids: web, args: ['-c64', '--h1'] },
];

async function h2load(url, pids, args) {
	const before = cpuUs(pids);
	const text = await run('h2load', [`-n${requests}`, ...args, url]);
	const used = cpuUs(pids) - before;
	if (!text.includes(`${requests} succeeded, 0 failed, 0 errored, 0 timeout`) || !text.includes(`${requests} 2xx`)) throw new Error(text);
	return { cpuUsPerRequest: used / requests, perSecond: Number(/([\d.]+) req\/s/.exec(text)[1]) };
}

async function compare(label, path, more = []) {
	const best = await bestOfRounds(PEERS, ({ url, pids, args }) => h2load(url + path, pids, [...args, ...more]));
	return [
		...PEERS.map(({ name }) => [`${label}, ${name}: CPU per request`, `${best[name].cpuUsPerRequest.toFixed(2)} us`, `${best[name].perSecond.toFixed(0)} requests/s`]),
		[`${label}: h2 per CPU second, of nginx`, (best['nginx h2'].cpuUsPerRequest / best['plimsoll h2'].cpuUsPerRequest).toFixed(2)],
		[`${label}: h2 with one stream, of nginx`, (best['nginx h2, one stream'].cpuUsPerRequest / best['plimsoll h2, one stream'].cpuUsPerRequest).toFixed(2)],
	];
}

const rss = (pids) => pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024, 0);

// Connections that have made one request and are idle.
async function idleBytes(url, pids) {
	const open = async () => {
		const session = http2.connect(url);
		await new Promise((resolve, reject) => {
			const stream = session.request({ ':path': '/include.js' });
			stream.on('error', reject).on('end', resolve).resume();
		});
		return session;
	};
	const sessions = [await open()];
	const before = rss(pids);
	for (let i = 0; i < IDLE; i += 50) sessions.push(...(await Promise.all(Array.from({ length: 50 }, open))));
	const each = (rss(pids) - before) / IDLE;
	for (const session of sessions) session.destroy();
	return each;
}

const idle = await idleBytes(server.url, web);
const idleNginx = await idleBytes(`http://127.0.0.1:${port}`, nginx.pids);
report(`HTTP/2 (${web.length} workers each, access log on, h2load -n${requests}, load ${load()})`, [
	...(await compare(`static file of ${file.length} B`, '/include.js')),
	...(await compare(`session_context, ${context.length} B`, '/wsapi/session_context', ['-H', `cookie: ${cookie}`])),
	['idle connection, plimsoll', `${(idle / 1024).toFixed(1)} KiB`, `RSS of ${IDLE} that have made one request`],
	['idle connection, nginx', `${(idleNginx / 1024).toFixed(1)} KiB`],
]);
await nginx.stop();
await server.stop();
