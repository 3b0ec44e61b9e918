// TLS on the listeners of couples and of symbols. Sessions have an owner here, too: what cannot travel, a TLS
// connection, stays where it is, and its requests go to the process that has the session.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCertificate } from '../harness/certificates.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { CALM, Polling, Ws, getText, postText } from './lib/engineio.mjs';
import { Raw, once } from './lib/raw.mjs';
import { connect } from './lib/tls.mjs';

process.env.HTTP_TEST_TLS = '1'; // what the clients here speak

const PROCESSES = 3;
const PATH = { path: '/socket.io/' };
const workerOf = (sid) => Buffer.from(sid, 'base64url')[2];

async function withTls(fn, { instances = PROCESSES, pairs = {} } = {}) {
	const [port, plain, symbols] = [await freePort(), await freePort(), await freePort()];
	const { certificate, key } = testCertificate();
	const server = await startPlimsoll({
		conf: {
			web: { instances },
			tls: { certificate, key },
			symbols: { tls_listen: `127.0.0.1:${symbols}` },
			pairs: { listen: `127.0.0.1:${plain}`, tls_listen: `127.0.0.1:${port}`, conformance: 'yes', ...CALM, ...pairs },
		},
	});
	try {
		await fn(port, { ...server, plain, symbols });
	} finally {
		await server.stop();
	}
}

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

test('requests of sessions of all processes over TLS, in turn and in one write, short and long', async () => {
	await withTls(async (port) => {
		const sessions = await oneOfEach(port);
		const raw = await Raw.connect(port);
		for (let round = 0; round < 5; round++) {
			for (const { sid } of sessions) {
				const words = `4${sid} ${round}`;
				assert.equal((await raw.exchange(postText(`&sid=${sid}`, words))).body.toString(), 'ok');
				assert.equal((await raw.exchange(getText(`&sid=${sid}`))).body.toString(), words);
			}
			assert.equal((await raw.exchange(getText(`&sid=${'A'.repeat(27)}`))).status, 400);
		}
		await raw.send(sessions.map(({ sid }) => postText(`&sid=${sid}`, `4${sid}`)).join(''));
		for (const session of sessions) {
			assert.equal((await raw.read()).body.toString(), 'ok');
			assert.deepEqual(await session.packets(1), [`4${session.sid}`]);
		}
		const big = `4${'x'.repeat(900000)}`; // more than the sockets between take at once
		for (const { sid } of sessions) {
			assert.equal((await raw.exchange(postText(`&sid=${sid}`, big))).body.toString(), 'ok');
			assert.equal((await raw.exchange(getText(`&sid=${sid}`))).body.length, big.length);
		}
		raw.destroy();
	});
});

test('upgrades to websocket, whichever process they come to; a client that reads late gets all', async () => {
	await withTls(async (port) => {
		await Promise.all(Array.from({ length: 9 }, async (_, i) => {
			const session = await Polling.open(port, PATH.path);
			await session.post('40');
			await session.packets(2);
			const ws = await Ws.open(port, `&sid=${session.sid}`, PATH);
			ws.send('2probe');
			await ws.expect('3probe');
			ws.send('5');
			ws.send(`42["message",${i}]`);
			await ws.expect(`42["message-back",${i}]`);
			const words = 'y'.repeat(60000);
			ws.raw.socket.pause();
			for (let n = 0; n < 40; n++) ws.send(`42["message","${n}${words}"]`);
			await sleep(100);
			ws.raw.socket.resume();
			for (let n = 0; n < 40; n++) await ws.expect(`42["message-back","${n}${words}"]`);
			ws.end();
		}));
		// Without polling first there is nothing to travel.
		const direct = await Ws.open(port, '', PATH);
		assert.equal((await direct.packet())[0], '0');
		direct.end();
	});
});

test('when the owner dies its connections end; a client that goes away leaves nothing behind', async () => {
	await withTls(async (port, server) => {
		const rows = async () => (await (await fetch(`${server.adminUrl}/status`)).json()).processes.filter((p) => p.role === 'web');
		for (let i = 0; i < 5; i++) {
			for (const { sid } of await oneOfEach(port)) {
				const raw = await Raw.connect(port);
				await raw.send(getText(`&sid=${sid}`)); // a poll that stands
				raw.destroy();
			}
		}
		const again = await oneOfEach(port);
		const victim = workerOf(again[0].sid);
		const waiting = await Promise.all(Array.from({ length: 8 }, async () => {
			const raw = await Raw.connect(port);
			assert.equal((await raw.exchange(postText(`&sid=${again[0].sid}`, '4hello'))).status, 200);
			return raw;
		}));
		process.kill((await rows()).find((p) => p.instance === victim).pid, 'SIGKILL');
		await Promise.all(waiting.map((raw) => raw.closed(20000)));
		assert.equal((await again[1].post('4x')).status, 200, 'the others live on');
	});
});

test('what is said in the handshake: no HTTP/2 where requests must travel, elsewhere by configuration', async () => {
	const protocolOf = async (port) => {
		const socket = await connect(port, { ALPNProtocols: ['h2', 'http/1.1'] });
		const { alpnProtocol } = socket;
		socket.destroy();
		return alpnProtocol;
	};
	await withTls(async (port, { symbols }) => {
		assert.equal(await protocolOf(port), 'http/1.1');
		assert.equal(await protocolOf(symbols), 'h2');
		assert.equal((await once(symbols, 'GET /__lbheartbeat__ HTTP/1.1\r\nHost: x\r\n\r\n')).status, 200);
	});
	await withTls(async (port, { plain }) => {
		assert.equal(await protocolOf(port), 'h2');
		const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
		const open = session.request({ ':path': '/socket.io/?EIO=4&transport=polling' });
		let body = '';
		for await (const piece of open.setEncoding('utf8')) body += piece;
		const { sid } = JSON.parse(body.slice(1));
		const ws = await Ws.open(port, `&sid=${sid}`, PATH); // as browsers do: on a connection of its own
		ws.send('2probe');
		await ws.expect('3probe');
		ws.end();
		session.close();
		delete process.env.HTTP_TEST_TLS;
		assert.equal((await once(plain, 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n')).status, 200, 'without TLS beside it');
		process.env.HTTP_TEST_TLS = '1';
	}, { instances: 1 });
});
