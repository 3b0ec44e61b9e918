// Couples beside socket.io 4.8 on ws, in one run with one client (pair_load.c), turn by turn, over WebSocket and
// over long polling: memory of an idle session, deliveries to the partner per second of processor, echo p50 and
// p99 at rising rates.
//   node test/bench/pairs.mjs [couples = 200] [seconds a run = 5] [idle sessions = 2000] [rounds = 3] [transports = websocket,polling]
// AWAKE=1 keeps the cores from sleeping by a loop of the idle class on each. On a virtual machine waking a core that
// sleeps costs several times what a delivery does, and is charged to whoever wakes it: at rates that leave the cores
// asleep in between that is most of what is measured, of either server.
// Signals (typing) are what both do alike: one in, one out to the partner. Messages are more here than there:
// checked, numbered, written to the disk and synced before they are told; the peer keeps nothing.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { doorMember, pairByDoor, startPairs } from '../harness/pairs.mjs';
import { cpuUs, load, report, rolePids } from './lib.mjs';

const [COUPLES, SECONDS, IDLE, ROUNDS] = [200, 5, 2000, 3].map((usual, i) => Number(process.argv[2 + i] ?? usual));
const TRANSPORTS = (process.argv[6] ?? 'websocket,polling').split(',');
const DELIVERIES = { websocket: [2000, 8000, 16000], polling: [500, 2000] };
const MESSAGES = 500;
const ECHOES = { websocket: [100, 1000, 4000, 8000, 16000], polling: [100, 500, 1000, 2000] };
const CARRIED = 0.98; // of what was sent: the rate is one that the server bears
const WARM = 400; // sessions before memory is looked at: what is made once, is
const SEATS = 20; // sessions of one member; of more the oldest goes
const HERE = fileURLToPath(new URL('.', import.meta.url));
const CLIENT = path.join(path.dirname(realpathSync(plimsollBin())), '../test/bench/pair_load');

const TYPING = ['42["typing",{}]', '42["typing"'];
const MESSAGE = ['42@["message",{"text":"a message of forty-five bytes, as half are@","client_id":"RUN.@"}]', '42["activity"'];
const PING = ['42@["ping2",1]', '43'];

function keepAwake() {
	const loops = os.cpus().map(() => spawn('chrt', ['-i', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
	process.on('exit', () => loops.forEach((loop) => loop.kill()));
}

// ---- the two servers ----

async function startOurs() {
	const server = await startPairs({
		conf: {
			web: { instances: 1, drain_idle: '0s' },
			pairs: { test_doors: 'yes', packets_per_second: 0, ping_interval: '1h', ping_timeout: '1h', drain: '0s' },
			http: { access_log: 'no', max_connections_per_address: 0 },
			log: { level: 'error' },
		},
		bin: plimsollBin(),
	});
	const auths = [];
	for (let i = 0; i < COUPLES; i++) {
		const both = await Promise.all([0, 1].map((k) => doorMember(server, `${k}.${i}@loadtest.domain`)));
		await pairByDoor(...both);
		auths.push(...both.map(({ token }) => ({ token })));
	}
	const roles = await rolePids(server);
	return { name: 'plimsoll', port: server.pairsPort, auths, pids: Object.values(roles).flat(), pid: roles.web[0], stop: () => server.stop() };
}

async function startPeer() {
	if (!existsSync(path.join(HERE, 'node_modules/socket.io'))) {
		execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], { cwd: HERE, stdio: 'inherit' });
	}
	const port = await freePort();
	const child = spawn(process.execPath, [path.join(HERE, 'socketio_peer.mjs'), String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
	process.on('exit', () => child.kill());
	await new Promise((resolve) => child.stdout.once('data', resolve));
	const auths = Array.from({ length: 2 * COUPLES }, (_, i) => ({ couple: `c${i >> 1}`, user: String(i) }));
	return { name: 'socket.io', port, auths, pids: [child.pid], pid: child.pid, stop: () => child.kill() };
}

// ---- the client ----

// Sessions that stand: go() lets them do what they were opened for, and resolves to the client's figures.
async function openSessions(server, transport, auths, [packet, heard] = ['', ''], rate = 0) {
	const child = spawn(CLIENT, [`127.0.0.1:${server.port}`, transport, String(rate), String(SECONDS), packet, heard], { stdio: ['pipe', 'pipe', 'inherit'] });
	const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = new Promise((resolve) => child.once('close', resolve));
	child.stdin.write(`${auths.map((auth) => JSON.stringify(auth)).join('\n')}\nend\n`);
	const { value } = await lines.next();
	if (value !== 'open') throw new Error(`${server.name}, ${transport}: sessions did not open`);
	return {
		async go() {
			child.stdin.write('go\n');
			const result = JSON.parse((await lines.next()).value);
			await ended;
			return result;
		},
		async close() {
			child.stdin.end();
			await ended;
		},
	};
}

const rss = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;
const take = (auths, n) => Array.from({ length: n }, (_, i) => auths[i % auths.length]);

// Of a server that has done nothing else: memory that was given back would be used again, and hide them.
async function idleBytes(start, transport) {
	const server = await start();
	const first = await openSessions(server, transport, take(server.auths, WARM));
	const before = rss(server.pid);
	const rest = await openSessions(server, transport, take(server.auths, IDLE));
	const each = (rss(server.pid) - before) / IDLE;
	await Promise.all([first.close(), rest.close()]);
	await server.stop();
	return each;
}

let runs = 0;
async function run(server, transport, what, rate) {
	runs++;
	const [packet, heard] = what;
	// What was said once under a name is not said again by another run.
	const sessions = await openSessions(server, transport, server.auths, [packet.replace('RUN', runs), heard], rate);
	const before = cpuUs(server.pids);
	const result = await sessions.go();
	return { ...result, cpuUs: cpuUs(server.pids) - before };
}

const lowest = (list, of) => list.reduce((best, one) => (of(one) < of(best) ? one : best));

// Each server in turn, so that whatever else the machine does hits both; the best of each.
async function both(servers, measure, of) {
	const all = servers.map(() => []);
	for (let i = 0; i < ROUNDS; i++) {
		for (const [k, server] of servers.entries()) all[k].push(await measure(server));
	}
	return all.map((list) => lowest(list, of));
}

// ---- the table ----

const ratio = (ours, peer) => `${(ours / peer).toFixed(2)}x`;

async function deliveries(servers, transport, what, rate) {
	const each = ({ cpuUs: us, heard }) => us / heard;
	const [ours, peer] = await both(servers, (server) => run(server, transport, what, rate), each);
	const perSecond = [ours, peer].map((one) => 1e6 / each(one));
	const delivered = [ours, peer].map(({ sent, heard }) => `${((100 * heard) / sent).toFixed(1)} %`);
	const acks = what === MESSAGE ? `; acknowledged in p99 ${[ours, peer].map(({ p99_us: us }) => us).join(' : ')} us` : '';
	return [`${what === TYPING ? 'signals' : 'messages'} at ${rate}/s: deliveries per core-second`, ratio(...perSecond), `${perSecond.map((n) => n.toFixed(0)).join(' : ')}; delivered ${delivered.join(' : ')}${acks}`];
}

async function echoes(servers, transport) {
	const rows = [];
	for (const rate of ECHOES[transport]) {
		const found = await both(servers, (server) => run(server, transport, PING, rate), ({ p99_us: us }) => us);
		const [ours, peer] = found;
		const isCarried = found.map(({ sent, acks }) => acks >= CARRIED * sent);
		const figure = (name, one, i) => (isCarried[i] ? String(one[name]) : 'not carried');
		for (const [name, what] of [['p50_us', 'p50'], ['p99_us', 'p99']]) {
			const value = isCarried.every(Boolean) ? ratio(ours[name], peer[name]) : '-';
			rows.push([`echo at ${rate}/s: ${what}`, value, `${found.map((one, i) => figure(name, one, i)).join(' : ')} us`]);
		}
	}
	return rows;
}

if (process.env.AWAKE) keepAwake();
if (IDLE + WARM > SEATS * 2 * COUPLES) throw new Error(`${IDLE} idle sessions need more couples`);
const idle = {};
for (const transport of TRANSPORTS) idle[transport] = [await idleBytes(startOurs, transport), await idleBytes(startPeer, transport)];
const servers = [await startOurs(), await startPeer()];
try {
	for (const transport of TRANSPORTS) {
		const rows = [[`idle session: resident memory, of ${IDLE}`, ratio(...idle[transport]), `${idle[transport].map((n) => `${(n / 1024).toFixed(1)} KiB`).join(' : ')}`]];
		for (const rate of DELIVERIES[transport]) rows.push(await deliveries(servers, transport, TYPING, rate));
		rows.push(await deliveries(servers, transport, MESSAGE, MESSAGES));
		rows.push(...(await echoes(servers, transport)));
		report(`${transport}, ${2 * COUPLES} sessions: plimsoll : socket.io 4.8 on ws, and the ratio (load ${load()})`, rows);
	}
} finally {
	for (const server of servers) await server.stop();
}
