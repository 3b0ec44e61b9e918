// The cases of the two public conformance suites (Engine.IO v4: 24, Socket.IO v5: 32), as the protocols'
// documents name them. The suites themselves are in git repositories and in no package; these are written anew
// from what they are to show, with independent clients (fetch, and ws as engine.io-client brings it), against
// [pairs] conformance = yes with the suites' own clocks: an interval of 300 ms, a timeout of 200.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { PATIENCE } from '../harness/patience.mjs';

const require = createRequire(createRequire(import.meta.url).resolve('engine.io-client'));
const { WebSocket } = require('ws');

const PATIENCE_MS = 20000 * PATIENCE;
const SEPARATOR = '\x1e';
const KEYS = ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload'];

// Two servers: the suites' clocks where a timeout is the matter, and pongs that may be late elsewhere, for
// machines that are busy.
let suites, patient;
const servers = [];
before(async () => {
	const start = async (conf) => {
		const port = await freePort();
		servers.push(await startPlimsoll({ conf: { pairs: { listen: `127.0.0.1:${port}`, conformance: 'yes', drain: '0s', ...conf } } }));
		return `127.0.0.1:${port}`;
	};
	[suites, patient] = await Promise.all([start({}), start({ ping_timeout: '20s' })]);
});
after(() => Promise.all(servers.map((one) => one.stop())));

// ---- clients ----

const url = (host, path, query) => `http://${host}${path}?${new URLSearchParams({ EIO: '4', ...query })}`;

async function request(host, path, query, init) {
	const response = await fetch(url(host, path, { transport: 'polling', ...query }), init);
	return { status: response.status, text: await response.text() };
}

const poll = (host, path, sid) => request(host, path, { sid });
const push = (host, path, sid, body) => request(host, path, { sid }, { method: 'POST', body });

async function openPolling(host, path) {
	const { status, text } = await request(host, path, {});
	assert.equal(status, 200);
	assert.equal(text[0], '0');
	return JSON.parse(text.slice(1));
}

// Frames one by one, however many came in one segment.
class Client {
	constructor(host, path, query = {}) {
		this.frames = [];
		this.socket = new WebSocket(url(host, path, { transport: 'websocket', ...query }).replace('http', 'ws'));
		this.socket.on('message', (data, isBinary) => this.frames.push(isBinary ? data : String(data)));
		this.closed = new Promise((resolve) => this.socket.on('close', resolve));
		this.opened = new Promise((resolve) => this.socket.on('open', () => resolve(true)).on('error', () => resolve(false)));
		for (const event of ['message', 'close']) this.socket.on(event, () => this.wake?.());
	}

	send(data) {
		this.socket.send(data);
	}

	// The next frame; pings are answered and left out unless they are asked for.
	async next({ pings = false } = {}) {
		for (const end = Date.now() + PATIENCE_MS; ; ) {
			while (this.frames.length === 0) {
				assert.ok(Date.now() < end && this.socket.readyState <= WebSocket.OPEN, 'a frame was expected');
				await new Promise((resolve) => {
					this.wake = resolve;
					setTimeout(resolve, 1000).unref();
				});
			}
			const frame = this.frames.shift();
			if (frame !== '2' || pings) return frame;
			this.send('3');
		}
	}

	async isClosed() {
		const isLate = sleep(PATIENCE_MS, 'late', { ref: false });
		assert.notEqual(await Promise.race([this.closed, isLate]), 'late', 'a close was expected');
	}

	end() {
		this.socket.terminate();
	}
}

async function openWebSocket(host, path) {
	const client = new Client(host, path);
	const first = await client.next();
	assert.equal(first[0], '0');
	client.hello = JSON.parse(first.slice(1));
	return client;
}

const isGone = async (host, path, sid) => assert.equal((await poll(host, path, sid)).status, 400);

// ---- Engine.IO, under its own path and under Socket.IO's ----

function engineCases(path) {
	const name = (text) => `${path} ${text}`;

	test(name('handshake: polling opens a session'), async () => {
		const hello = await openPolling(suites, path);
		assert.deepEqual(Object.keys(hello).sort(), [...KEYS].sort());
		assert.deepEqual({ ...hello, sid: typeof hello.sid }, { sid: 'string', upgrades: ['websocket'], pingInterval: 300, pingTimeout: 200, maxPayload: 1000000 });
	});
	test(name('handshake: polling with a wrong EIO fails'), async () => {
		assert.equal((await request(suites, path, { EIO: 'abc' })).status, 400);
		assert.equal((await fetch(`http://${suites}${path}?transport=polling`)).status, 400);
	});
	test(name('handshake: polling with a wrong transport fails'), async () => {
		assert.equal((await fetch(url(suites, path, {}))).status, 400);
		assert.equal((await request(suites, path, { transport: 'abc' })).status, 400);
	});
	test(name('handshake: polling with a wrong method fails'), async () => {
		for (const method of ['POST', 'PUT']) assert.equal((await request(suites, path, {}, { method })).status, 400);
	});
	test(name('handshake: WebSocket opens a session'), async () => {
		const client = await openWebSocket(suites, path);
		assert.deepEqual(Object.keys(client.hello).sort(), [...KEYS].sort());
		assert.deepEqual({ ...client.hello, sid: '' }, { sid: '', upgrades: [], pingInterval: 300, pingTimeout: 200, maxPayload: 1000000 });
		client.end();
	});
	test(name('handshake: WebSocket with a wrong EIO fails'), async () => {
		const client = new Client(suites, path, { EIO: 'abc' });
		assert.equal(await client.opened, false);
		await client.isClosed();
	});
	test(name('handshake: WebSocket with a wrong transport fails'), async () => {
		const client = new Client(suites, path, { transport: 'abc' });
		assert.equal(await client.opened, false);
		await client.isClosed();
	});

	test(name('heartbeat: polling, three pings and pongs'), async () => {
		const { sid } = await openPolling(patient, path);
		if (path === '/socket.io/') {
			// Who does not connect within a second is closed.
			await push(patient, path, sid, '40');
			assert.match((await poll(patient, path, sid)).text, /^40/);
		}
		for (let i = 0; i < 3; i++) {
			assert.deepEqual(await poll(patient, path, sid), { status: 200, text: '2' });
			assert.deepEqual(await push(patient, path, sid, '3'), { status: 200, text: 'ok' });
		}
	});
	test(name('heartbeat: polling, the session ends 500 ms after it began if nobody answers'), async () => {
		const { sid, pingInterval, pingTimeout } = await openPolling(suites, path);
		await sleep(pingInterval + pingTimeout);
		await isGone(suites, path, sid);
	});
	test(name('heartbeat: WebSocket, three pings and pongs'), async () => {
		const client = await openWebSocket(patient, path);
		if (path === '/socket.io/') {
			client.send('40');
			assert.match(await client.next(), /^40/);
			assert.match(await client.next(), /^42/); // what the suite's server says to everybody
		}
		for (let i = 0; i < 3; i++) {
			assert.equal(await client.next({ pings: true }), '2');
			client.send('3');
		}
		client.end();
	});
	test(name('heartbeat: WebSocket, it is closed if nobody answers'), async () => {
		const client = await openWebSocket(suites, path);
		await client.isClosed();
	});

	test(name('close: polling, a poll that waits gets a noop, the next one nothing'), async () => {
		const { sid } = await openPolling(patient, path);
		const waiting = poll(patient, path, sid);
		await sleep(20); // it is there by then, or else it is refused below
		assert.equal((await push(patient, path, sid, '1')).text, 'ok');
		const answer = await waiting;
		assert.ok(answer.text === '6' || answer.text === '2', answer.text);
		await isGone(patient, path, sid);
	});
	test(name('close: WebSocket'), async () => {
		const client = await openWebSocket(patient, path);
		client.send('1');
		await client.isClosed();
	});

	test(name('upgrade: probe, noop on the poll, then everything by WebSocket'), async () => {
		const { sid } = await openPolling(patient, path);
		const client = new Client(patient, path, { sid });
		assert.equal(await client.opened, true);
		const waiting = poll(patient, path, sid);
		client.send('2probe');
		assert.equal(await client.next(), '3probe');
		assert.match((await waiting).text, /^(2\x1e)?6$|^2$/);
		client.send('5');
		if (path === '/engine.io/') {
			client.send('4hello');
			assert.equal(await client.next(), '4hello');
		} else {
			client.send('40');
			assert.match(await client.next(), /^40\{"sid":"/);
		}
		client.end();
	});
	test(name('upgrade: polls with the same sid are refused afterwards'), async () => {
		const { sid } = await openPolling(patient, path);
		const client = new Client(patient, path, { sid });
		await client.opened;
		client.send('2probe');
		client.send('5');
		await isGone(patient, path, sid);
		client.end();
	});
	test(name('upgrade: a second WebSocket with the same sid is closed, the first one lives on'), async () => {
		const { sid } = await openPolling(patient, path);
		const client = new Client(patient, path, { sid });
		await client.opened;
		client.send('2probe');
		client.send('5');
		const second = new Client(patient, path, { sid });
		assert.equal(await second.opened, true, 'it gets 101');
		await second.isClosed();
		client.send(path === '/engine.io/' ? '4hello' : '40');
		let frame = await client.next();
		if (frame === '3probe') frame = await client.next();
		assert.match(frame, path === '/engine.io/' ? /^4hello$/ : /^40\{/);
		client.end();
	});
}

engineCases('/engine.io/');
engineCases('/socket.io/');

// ---- messages of Engine.IO ----

const ENGINE = '/engine.io/';

// Polls until so many packets that are no pings have come.
async function packets(sid, n) {
	const all = [];
	while (all.length < n) {
		const { status, text } = await poll(patient, ENGINE, sid);
		assert.equal(status, 200);
		const got = text.split(SEPARATOR);
		if (got.includes('2')) await push(patient, ENGINE, sid, '3');
		all.push(...got.filter((packet) => packet !== '2'));
	}
	return all;
}

test('message: polling, one text packet', async () => {
	const { sid } = await openPolling(patient, ENGINE);
	assert.deepEqual(await push(patient, ENGINE, sid, '4hello'), { status: 200, text: 'ok' });
	assert.deepEqual(await packets(sid, 1), ['4hello']);
});
test('message: polling, several text packets', async () => {
	const { sid } = await openPolling(patient, ENGINE);
	await push(patient, ENGINE, sid, ['4test1', '4test2', '4test3'].join(SEPARATOR));
	assert.deepEqual(await packets(sid, 3), ['4test1', '4test2', '4test3']);
});
test('message: polling, text and bytes', async () => {
	const { sid } = await openPolling(patient, ENGINE);
	await push(patient, ENGINE, sid, ['4hello', 'bAQIDBA=='].join(SEPARATOR));
	assert.deepEqual(await packets(sid, 2), ['4hello', 'bAQIDBA==']);
});
test('message: polling, a malformed packet ends the session', async () => {
	const { sid } = await openPolling(patient, ENGINE);
	await push(patient, ENGINE, sid, 'abc').then(({ status }) => assert.equal(status, 400), () => {});
	await isGone(patient, ENGINE, sid);
});
test('message: polling, two polls at once end the session', async () => {
	const { sid } = await openPolling(patient, ENGINE);
	const first = poll(patient, ENGINE, sid);
	await sleep(5);
	const second = await poll(patient, ENGINE, sid);
	const answers = [await first, second];
	// Whichever of them was the first to arrive.
	assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
	assert.ok(answers.some(({ status, text }) => status === 200 && text === '1'));
	await isGone(patient, ENGINE, sid);
});
test('message: WebSocket, text', async () => {
	const client = await openWebSocket(patient, ENGINE);
	client.send('4hello');
	assert.equal(await client.next(), '4hello');
	client.end();
});
test('message: WebSocket, bytes', async () => {
	const client = await openWebSocket(patient, ENGINE);
	client.send(Buffer.from([1, 2, 3, 4]));
	assert.deepEqual(await client.next(), Buffer.from([1, 2, 3, 4]));
	client.end();
});
test('message: WebSocket, a malformed packet closes it', async () => {
	const client = await openWebSocket(patient, ENGINE);
	client.send('abc');
	await client.isClosed();
});

// ---- Socket.IO ----

const JOINED = /^40(\/custom,)?\{"sid":"[^"]+"\}$/;

// What the answer to a CONNECT has, and no more; then the event that shows what it came with.
async function expectJoined(client, nsp, auth) {
	const answer = await client.next();
	assert.match(answer, JOINED);
	assert.equal(answer.startsWith('40/custom,'), nsp !== '');
	assert.equal(await client.next(), `42${nsp}["auth",${JSON.stringify(auth)}]`);
}

async function join() {
	const client = await openWebSocket(patient, '/socket.io/');
	client.send('40');
	await expectJoined(client, '', {});
	return client;
}

for (const [what, sent, nsp, auth] of [
	['the main namespace', '40', '', {}],
	['the main namespace with a payload', '40{"token":"123"}', '', { token: '123' }],
	['a namespace', '40/custom,', '/custom,', {}],
	['a namespace with a payload', '40/custom,{"token":"abc"}', '/custom,', { token: 'abc' }],
]) {
	test(`connect: ${what}`, async () => {
		const client = await openWebSocket(patient, '/socket.io/');
		client.send(sent);
		await expectJoined(client, nsp, auth);
		client.end();
	});
}
test('connect: a namespace that is not there', async () => {
	const client = await openWebSocket(patient, '/socket.io/');
	client.send('40/random');
	assert.equal(await client.next(), '44/random,{"message":"Invalid namespace"}');
	client.end();
});
test('connect: a malformed first packet closes', async () => {
	const client = await openWebSocket(patient, '/socket.io/');
	client.send('4abc');
	await client.isClosed();
});
test('connect: who sends nothing is closed', async () => {
	const client = await openWebSocket(patient, '/socket.io/');
	const pump = setInterval(() => client.frames.splice(0).includes('2') && client.send('3'), 20);
	await client.isClosed();
	clearInterval(pump);
});
test('disconnect: from the main namespace; heartbeats go on', async () => {
	const client = await join();
	client.send('41');
	assert.equal(await client.next({ pings: true }), '2');
	client.end();
});
test('disconnect: from another namespace; the main one goes on', async () => {
	const client = await join();
	client.send('40/custom');
	await expectJoined(client, '/custom,', {});
	client.send('41/custom');
	client.send('42["message","message to main namespace"]');
	assert.equal(await client.next(), '42["message-back","message to main namespace"]');
	client.end();
});
test('message: an event', async () => {
	const client = await join();
	client.send('42["message",1,"2",{"3":[true]}]');
	assert.equal(await client.next(), '42["message-back",1,"2",{"3":[true]}]');
	client.end();
});
test('message: an event that is acknowledged', async () => {
	const client = await join();
	client.send('42456["message-with-ack",1,"2",{"3":[false]}]');
	assert.equal(await client.next(), '43456[1,"2",{"3":[false]}]');
	client.end();
});
test('message: an event with bytes', async () => {
	const client = await join();
	client.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
	client.send(Buffer.from([1, 2, 3]));
	client.send(Buffer.from([4, 5, 6]));
	assert.equal(await client.next(), '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
	assert.deepEqual([await client.next(), await client.next()], [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
	client.end();
});
test('message: an event with bytes that is acknowledged', async () => {
	const client = await join();
	client.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
	client.send(Buffer.from([1, 2, 3]));
	client.send(Buffer.from([4, 5, 6]));
	assert.equal(await client.next(), '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
	assert.deepEqual([await client.next(), await client.next()], [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
	client.end();
});
for (const [what, packet] of [['of an unknown type', '4abc'], ['with a malformed payload', '42{}'], ['that is a malformed acknowledgement', '42abc["message-with-ack",1]']]) {
	test(`message: a packet ${what} closes`, async () => {
		const client = await join();
		client.send(packet);
		await client.isClosed();
	});
}
