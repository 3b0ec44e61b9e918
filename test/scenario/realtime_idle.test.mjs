// What an idle session keeps in the release build: over WebSocket, over long polling with a poll that
// waits, and of a member of a couple.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { couple } from '../harness/pairs.mjs';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { Polling, Ws, withPairs } from './lib/engineio.mjs';
import { Live } from './lib/live.mjs';

const BIN = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const N = 1000;
const AT_ONCE = 50;
const MOST = { websocket: 6 * 1024, polling: 8 * 1024, member: 6 * 1024 };
const DEVICES = 20; // of one member in one process, at most

async function webPid(server) {
	const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
	return processes.find((p) => p.role === 'web').pid;
}

const rss = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;

async function many(n, make) {
	const all = [];
	for (let i = 0; i < n; i += AT_ONCE) all.push(...(await Promise.all(Array.from({ length: AT_ONCE }, make))));
	return all;
}

// Heartbeats do not come while we count.
async function measure(t, kind, open, close) {
	const conf = { conformance: 'no', ping_interval: '1h', ping_timeout: '1h', connect_timeout: '10m', drain: '0s' };
	await withPairs(conf, async (port, server) => {
		const pid = await webPid(server);
		const first = await many(AT_ONCE * 4, () => open(port)); // what is made once, is
		const before = rss(pid);
		const rest = await many(N, () => open(port));
		const each = (rss(pid) - before) / N;
		t.diagnostic(`${each.toFixed(0)} bytes of RSS per idle ${kind} session`);
		assert.ok(each <= MOST[kind], `${each} bytes`);
		[...first, ...rest].forEach(close);
	}, { bin: BIN, conf: { web: { instances: 1 }, http: { max_connections_per_address: 0 } } });
}

test('idle WebSocket sessions', (t) =>
	measure(
		t,
		'websocket',
		async (port) => {
			const ws = await Ws.open(port, '', { path: '/socket.io/' });
			assert.equal((await ws.packet())[0], '0');
			return ws;
		},
		(ws) => ws.end(),
	));

test('idle polling sessions', (t) =>
	measure(
		t,
		'polling',
		async (port) => {
			const session = await Polling.open(port, '/socket.io/');
			return session.begin();
		},
		(raw) => raw.destroy(),
	));

test('idle sessions of members', async (t) => {
	const conf = { conformance: 'no', ping_interval: '1h', ping_timeout: '1h', connect_timeout: '10m', presence_lease: '10m', drain: '0s' };
	await withPairs(conf, async (port, server) => {
		server.pairsPort = port;
		const members = [];
		while (members.length < 20) members.push(...(await couple(server)));
		const join = (some) => Promise.all(some.flatMap((m) => Array.from({ length: DEVICES }, () => Live.join(server, m))));
		const all = await join(members.slice(0, 8));
		const before = rss(await webPid(server));
		for (let i = 8; i < members.length; i += 4) all.push(...(await join(members.slice(i, i + 4))));
		const each = (rss(await webPid(server)) - before) / (all.length - 8 * DEVICES);
		t.diagnostic(`${each.toFixed(0)} bytes of RSS per idle session of a member`);
		assert.ok(each <= MOST.member, `${each} bytes`);
		all.forEach((live) => live.end());
	}, { bin: BIN, conf: { web: { instances: 1 }, http: { max_connections_per_address: 0 } } });
});
