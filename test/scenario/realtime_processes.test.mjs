// Sessions have an owner, and any web process takes any request: connections travel, whatever balancer
// deals them out; what a killed process and a reload mean to them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRoundRobin } from '../harness/round_robin.mjs';
import { Raw, once } from './lib/raw.mjs';
import { CALM, Polling, Ws, getText, joined, postText, withPairs } from './lib/engineio.mjs';

const PROCESSES = 3;
const conf = (more = {}) => ({ conf: { web: { instances: PROCESSES, ...more } } });
const workerOf = (sid) => Buffer.from(sid, 'base64url')[2];
const webs = async (server) => {
	const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
	return processes.filter((p) => p.role === 'web');
};

// A session of each process.
async function oneOfEach(port) {
	const all = new Map();
	for (const end = Date.now() + 20000; all.size < PROCESSES; ) {
		assert.ok(Date.now() < end, 'not all processes accept');
		const session = await Polling.open(port);
		if (all.has(workerOf(session.sid))) await session.post('1');
		else all.set(workerOf(session.sid), session);
	}
	return [...all.values()];
}

test('requests of all sessions over one connection in turn', async () => {
	await withPairs(CALM, async (port) => {
		const sessions = await oneOfEach(port);
		const raw = await Raw.connect(port);
		for (let round = 0; round < 10; round++) {
			for (const session of sessions) {
				const text = `4${session.sid} ${round}`;
				const answer = await raw.exchange(postText(`&sid=${session.sid}`, text));
				assert.equal(answer.body.toString(), 'ok');
				assert.equal((await raw.exchange(getText(`&sid=${session.sid}`))).body.toString(), text);
			}
			// And what belongs to nobody is answered where it is.
			assert.equal((await raw.exchange(getText(`&sid=${'A'.repeat(27)}`))).status, 400);
		}
		raw.destroy();
	}, conf());
});

test('requests one behind the other in one write, for different owners', async () => {
	await withPairs(CALM, async (port) => {
		const sessions = await oneOfEach(port);
		const raw = await Raw.connect(port);
		await raw.send(sessions.map((s) => postText(`&sid=${s.sid}`, `4${s.sid}`)).join(''));
		for (const session of sessions) {
			assert.equal((await raw.read()).body.toString(), 'ok');
			assert.deepEqual(await session.packets(1), [`4${session.sid}`]);
		}
		// A long body, most of which comes after the connection has travelled.
		const big = `4${'x'.repeat(900000)}`;
		for (const session of sessions) {
			assert.equal((await raw.exchange(postText(`&sid=${session.sid}`, big))).body.toString(), 'ok');
			assert.equal((await session.packets(1))[0].length, big.length);
		}
		raw.destroy();
	}, conf());
});

test('behind a balancer that deals each request to the next connection', async () => {
	await withPairs(CALM, async (port) => {
		const balancer = await startRoundRobin([port, port, port]);
		try {
			await Promise.all(Array.from({ length: 10 }, async (_, i) => {
				const session = await Polling.open(balancer.port, '/socket.io/');
				await session.post('40');
				await session.packets(2);
				for (let n = 0; n < 10; n++) {
					await session.post(`42${n}["message-with-ack",${i}]`);
					assert.deepEqual(await session.packets(1), [`43${n}[${i}]`]);
				}
				const ws = await Ws.open(balancer.port, `&sid=${session.sid}`, { path: '/socket.io/' });
				ws.send('2probe');
				await ws.expect('3probe');
				ws.send('5');
				ws.send('42["message",1]');
				await ws.expect('42["message-back",1]');
				ws.end();
			}));
		} finally {
			await balancer.stop();
		}
	}, conf());
});

test('a killed process takes its own sessions with it and no others', async () => {
	await withPairs(CALM, async (port, server) => {
		const before = await webs(server);
		const sockets = [];
		for (let i = 0; i < 12; i++) sockets.push(await joined(port));
		process.kill(before[0].pid, 'SIGKILL');
		for (const end = Date.now() + 20000; ; await sleep(50)) {
			assert.ok(Date.now() < end, 'it did not come back');
			const now = await webs(server);
			const [again] = now.filter((p) => p.instance === before[0].instance);
			if (again.pid !== before[0].pid && again.state === 'serving') break;
		}
		const alive = sockets.filter((ws) => !ws.raw.ended);
		assert.ok(alive.length > 0 && alive.length < sockets.length, `${alive.length} of ${sockets.length} live on`);
		for (const ws of alive) {
			ws.send('42["message",1]');
			await ws.expect('42["message-back",1]');
			ws.end();
		}
		const sessions = await oneOfEach(port); // all of them hand over to all others
		for (let i = 0; i < 20; i++) {
			for (const session of sessions) assert.equal((await session.post(`4${i}`)).body, 'ok');
		}
		const stranger = Buffer.from(sessions[0].sid, 'base64url');
		stranger[12] ^= 1;
		assert.equal((await once(port, getText(`&sid=${stranger.toString('base64url')}`))).status, 400);
		stranger[2] = 60; // a process that there is not
		const answer = await once(port, getText(`&sid=${stranger.toString('base64url')}`));
		assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 1]);
	}, conf());
});

test('a reload changes what the next sessions are told', async () => {
	await withPairs({ conformance: 'no', ping_interval: '20s' }, async (port, server) => {
		assert.equal((await Polling.open(port, '/socket.io/')).hello.pingInterval, 20000);
		const text = readFileSync(server.confPath, 'utf8');
		writeFileSync(server.confPath, text.replace('ping_interval = 20s', 'ping_interval = 30s').replace('[pairs]', '[pairs]\nmax_message = 5000'));
		process.kill(server.pid, 'SIGHUP');
		for (const end = Date.now() + 20000; ; await sleep(20)) {
			const { hello } = await Polling.open(port, '/socket.io/');
			if (hello.pingInterval === 30000 && hello.maxPayload === 5000) break;
			assert.ok(Date.now() < end, 'the new values do not come');
		}
	}, conf());
});
