// Stock clients of Socket.IO against a server of several web processes: socket.io-client from npm and
// python3-socketio from Debian, on polling, on WebSocket and across the upgrade, directly and behind a
// balancer that deals every request to the next connection.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { startRoundRobin } from '../harness/round_robin.mjs';

const PROCESSES = 3;
const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']];

// Frequent heartbeats, and time to answer them on a busy machine.
const CLOCKS = { ping_interval: '300ms', ping_timeout: '30s', connect_timeout: '30s', drain: '0s' };

let port, server, balancer;
before(async () => {
	port = await freePort();
	server = await startPlimsoll({ conf: { web: { instances: PROCESSES }, pairs: { listen: `127.0.0.1:${port}`, conformance: 'yes', ...CLOCKS } } });
	balancer = await startRoundRobin([port, port, port]);
});
after(async () => {
	await balancer?.stop();
	await server?.stop();
});

const once = (socket, event) => new Promise((resolve, reject) => {
	const timer = setTimeout(() => reject(new Error(`no ${event} in 20 s`)), 20000);
	socket.once(event, (...args) => (clearTimeout(timer), resolve(args)));
});

async function connected(at, transports, nsp = '/', auth = {}) {
	const socket = io(`http://127.0.0.1:${at}${nsp}`, { transports, auth, forceNew: true, reconnection: false });
	const greeting = once(socket, 'auth');
	socket.once('connect_error', (error) => assert.fail(error));
	const [said] = await greeting;
	return { socket, said };
}

async function exercise(at, transports) {
	const { socket, said } = await connected(at, transports, '/', { token: 'abc', n: [1, { a: null }] });
	assert.deepEqual(said, { token: 'abc', n: [1, { a: null }] });
	const back = once(socket, 'message-back');
	socket.emit('message', 1, 'zwei \u00e4\u20ac\u{1f600}', { three: [true, null, 1.5] });
	assert.deepEqual(await back, [1, 'zwei \u00e4\u20ac\u{1f600}', { three: [true, null, 1.5] }]);
	const bytes = once(socket, 'message-back');
	socket.emit('message', Buffer.from([1, 2, 3]), [{ deep: Buffer.from([4, 5]) }]);
	const [first, [{ deep }]] = await bytes;
	assert.deepEqual([[...first], [...deep]], [[1, 2, 3], [4, 5]]);
	assert.deepEqual(await socket.timeout(20000).emitWithAck('message-with-ack', { a: 1 }), { a: 1 });
	const acks = await Promise.all(Array.from({ length: 50 }, (_, i) => socket.timeout(20000).emitWithAck('message-with-ack', i)));
	assert.deepEqual(acks, Array.from({ length: 50 }, (_, i) => i));
	if (transports.length === 2) {
		for (const end = Date.now() + 20000; socket.io.engine.transport.name !== 'websocket'; await new Promise((r) => setTimeout(r, 10))) {
			assert.ok(Date.now() < end, 'it did not upgrade');
		}
		assert.equal(await socket.timeout(20000).emitWithAck('message-with-ack', 'upgraded'), 'upgraded');
	}
	// Through several heartbeats.
	for (const end = Date.now() + 1200; Date.now() < end; ) {
		assert.equal(await socket.timeout(20000).emitWithAck('message-with-ack', 'x'), 'x');
		await new Promise((r) => setTimeout(r, 50));
	}
	socket.disconnect();
}

for (const transports of TRANSPORTS) {
	test(`socket.io-client, ${transports.join(' and ')}`, async () => {
		await Promise.all(Array.from({ length: 4 }, () => exercise(port, transports)));
	});
	test(`socket.io-client behind a round-robin balancer, ${transports.join(' and ')}`, async () => {
		await Promise.all(Array.from({ length: 4 }, () => exercise(balancer.port, transports)));
	});
}

test('requests did change the process', async () => {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	const handed = [...text.matchAll(/^plimsoll_realtime_requests_handed_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
	assert.ok(handed > 20, `${handed} requests were handed over`);
});

test('namespaces, and one that is not there', async () => {
	const { socket, said } = await connected(port, ['websocket'], '/custom', { a: 1 });
	assert.deepEqual(said, { a: 1 });
	const stranger = io(`http://127.0.0.1:${port}/nowhere`, { forceNew: true, reconnection: false });
	const [error] = await once(stranger, 'connect_error');
	assert.equal(error.message, 'Invalid namespace');
	stranger.disconnect();
	socket.disconnect();
});

const PYTHON = `
import sys, time, socketio
url, transports = sys.argv[1], sys.argv[2].split(',')
sio = socketio.Client(reconnection=False)
got = []
sio.on('auth', lambda data: got.append(('auth', data)))
sio.on('message-back', lambda *args: got.append(('back', args)))
sio.connect(url, auth={'token': 'x'}, transports=transports)
def wait(n):
    end = time.time() + 20
    while len(got) < n:
        assert time.time() < end, got
        time.sleep(0.01)
wait(1)
assert got[0] == ('auth', {'token': 'x'}), got
sio.emit('message', (1, 'zwei', {'three': [True]}))
wait(2)
assert got[1] == ('back', (1, 'zwei', {'three': [True]})), got
sio.emit('message', (b'\\x01\\x02', {'deep': b'\\x03'}))
wait(3)
assert got[2] == ('back', (b'\\x01\\x02', {'deep': b'\\x03'})), got
assert sio.call('message-with-ack', ({'a': 1}, b'\\x09'), timeout=20) == ({'a': 1}, b'\\x09')
end = time.time() + 1.2
while time.time() < end:
    assert sio.call('message-with-ack', 'x', timeout=20) == 'x'
    time.sleep(0.05)
print(sio.transport())
sio.disconnect()
`;

for (const transports of TRANSPORTS) {
	test(`python3-socketio, ${transports.join(' and ')}`, async () => {
		for (const at of [port, balancer.port]) {
			const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', PYTHON, `http://127.0.0.1:${at}`, transports.join(',')], { timeout: 60000 });
			assert.equal(stdout.trim(), transports.at(-1));
		}
	});
}
