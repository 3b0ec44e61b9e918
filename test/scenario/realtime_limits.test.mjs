// Bounds of sessions: what waits for a slow reader, how much comes from one client, how many there
// are; and how a process that ends takes leave of them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from './lib/raw.mjs';
import { CALM, Polling, Ws, getText, joined, withPairs } from './lib/engineio.mjs';

const metric = async (server, name) => {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	return [...text.matchAll(new RegExp(`^plimsoll_${name}\\{[^}]*\\} (\\d+)`, 'gm'))].reduce((sum, [, n]) => sum + Number(n), 0);
};

async function until(check) {
	for (const deadline = Date.now() + 20000; !(await check()); await new Promise((resolve) => setTimeout(resolve, 50))) {
		assert.ok(Date.now() < deadline, 'it did not happen in 20 s');
	}
}

test('a slow reader is closed, and others do not notice', async () => {
	await withPairs(CALM, async (port, server) => {
		const slow = await joined(port);
		slow.raw.socket.pause();
		const big = `42["message","${'x'.repeat(200000)}"]`;
		for (let i = 0; i < 120 && (await metric(server, 'realtime_closed_slow_total')) === 0; i++) {
			slow.send(big);
			const other = await joined(port);
			other.send('42["message","x"]');
			await other.expect('42["message-back","x"]');
			other.end();
		}
		await until(async () => (await metric(server, 'realtime_closed_slow_total')) === 1);
		slow.end();
		await until(async () => (await metric(server, 'realtime_websocket_sessions')) === 0);
	});
});

test('without conformance: what clients are told, the rate of packets, the number of sessions', async () => {
	const conf = { conformance: 'no', packets_per_second: 5, packets_burst: 10, max_sessions: 2, max_message: '2k', ping_interval: '1s', ping_timeout: '60s', connect_timeout: '60s' };
	await withPairs(conf, async (port, server) => {
		const all = [];
		let refusal;
		while (!refusal && all.length < 10) {
			const answer = await once(port, getText('', { path: '/socket.io/' }));
			if (answer.status === 200) all.push(JSON.parse(answer.body.toString().slice(1)));
			else refusal = answer;
		}
		assert.ok(all.length >= 2 && all.length <= 4, `${all.length} sessions in two processes`);
		assert.deepEqual({ ...all[0], sid: '' }, { sid: '', upgrades: ['websocket'], pingInterval: 1000, pingTimeout: 60000, maxPayload: 2048 });
		assert.equal(refusal.status, 503);
		assert.ok(Number(refusal.headers['retry-after']) >= 1);
		assert.ok((await metric(server, 'realtime_sessions_refused_total')) >= 1);
		assert.equal((await once(port, getText(''))).status, 404); // /engine.io/
		const flood = new Polling(port, '/socket.io/', all[0]);
		const answer = await flood.post(Array.from({ length: 40 }, () => '6').join('\x1e'));
		assert.ok(answer.status === 200 || answer.status === 400);
		await flood.expectGone();
		const other = new Polling(port, '/socket.io/', all[1]);
		assert.equal((await other.post(`4${'x'.repeat(2048)}`)).status, 413);
		assert.equal((await other.post('40/none,')).body, 'ok');
		assert.ok((await other.packets(1))[0].startsWith('44/none,'));
	}, { conf: { web: { instances: 2 } } });
});

test('new sessions are let in at a rate', async () => {
	const conf = { ...CALM, sessions_per_second: 2 };
	await withPairs(conf, async (port, server) => {
		const begun = Date.now();
		const open = async () => (await once(port, getText('', { path: '/socket.io/' }))).status;
		const all = await Promise.all(Array.from({ length: 20 }, open));
		const let_in = all.filter((status) => status === 200).length;
		assert.ok(all.every((status) => status === 200 || status === 503));
		assert.ok(let_in >= 2 && let_in <= 3 + (2 * (Date.now() - begun)) / 1000, `${let_in} of 20`);
		assert.equal(await metric(server, 'realtime_sessions_refused_total'), 20 - let_in);
		await until(async () => (await open()) === 200);
	}, { conf: { web: { instances: 1 } } });
});

test('a process that ends says bye, and closes with the code for it', async () => {
	await withPairs({ ...CALM, drain: '1s' }, async (port, server) => {
		const ws = await joined(port);
		const polling = await Polling.open(port, '/socket.io/');
		await polling.post('40');
		await polling.packets(2);
		const waiting = await polling.begin();
		// Nothing tells that a poll waits; one that is still on its way may find its connection closed.
		await new Promise((resolve) => setTimeout(resolve, 1000));
		process.kill(server.pid, 'SIGTERM');
		let bye;
		while (!bye) {
			const packet = await ws.packet();
			if (packet.includes('bye')) bye = JSON.parse(packet.slice(2));
		}
		assert.equal(bye[0], 'bye');
		assert.ok(bye[1].retry_ms >= 0 && bye[1].retry_ms <= 1000 && bye[1].reason === 'drain');
		assert.equal(await ws.closed({ pong: true }), 1001);
		assert.match((await waiting.read()).body.toString(), /42\["bye",/);
		ws.end();
		waiting.destroy();
	});
});

test('sessions leave nothing behind', async () => {
	await withPairs(CALM, async (port, server) => {
		for (let i = 0; i < 50; i++) {
			const ws = await joined(port);
			ws.end();
			const session = await Polling.open(port);
			await session.post('1');
		}
		await until(async () => (await metric(server, 'realtime_websocket_sessions')) + (await metric(server, 'realtime_polling_sessions')) === 0);
		assert.equal(await metric(server, 'realtime_sessions_opened_total'), 100);
	});
});
