// Couples with stock clients of Socket.IO: socket.io-client from npm and python3-socketio from Debian pair up
// and talk over polling, over WebSocket and across the upgrade, in several web processes; and stay in touch over
// a restart and an upgrade of the server, while they write, without losing or doubling an event.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { couple, startPairs } from '../harness/pairs.mjs';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { startRoundRobin } from '../harness/round_robin.mjs';
import { PATIENCE } from '../harness/patience.mjs';

const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']];
const PATIENCE_MS = 20000 * PATIENCE;
// So far apart two clients of a couple may be when one writes: with what is under way then, whoever comes back
// is behind by less than LIVE_REPLAY_MAX (services/pairs/live_priv.h) numbers, and told all of them.
const AHEAD_MAX = 400;
const STREAM = ['activity', 'activity.deleted', 'list', 'list.item', 'event', 'couple', 'user', 'read'];

let server, balancer;
before(async () => {
	server = await startPairs({ conf: { web: { instances: 2 }, pairs: { packets_per_second: 0 } } });
	balancer = await startRoundRobin([server.pairsPort, server.pairsPort]);
});
after(async () => {
	await balancer?.stop();
	await server?.stop();
});

async function until(check, what) {
	for (const end = Date.now() + PATIENCE_MS; !check(); await sleep(10)) assert.ok(Date.now() < end, what);
}

// Ended, whether or not somebody has asked how.
function isGone(pid) {
	try {
		return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
	} catch {
		return true;
	}
}

// A client as an app has one: it keeps the last number it knows, asks from there when it comes back, and sends
// again what was not acknowledged.
class App {
	constructor(port, member, transports, head) {
		this.last = head;
		this.seen = []; // numbers, each as soon as it is known
		this.hellos = 0;
		this.socket = io(`http://127.0.0.1:${port}`, {
			transports, forceNew: true, retries: 1000, ackTimeout: 5000, reconnectionDelay: 100, reconnectionDelayMax: 500,
			auth: (give) => give({ token: member.token, after: this.last }),
		});
		this.socket.on('hello', () => this.hellos++);
		for (const name of STREAM) this.socket.on(name, (event) => this.know(event.seq));
		this.socket.on('resync', ({ head: there }) => assert.fail(`resync to ${there}`));
		this.socket.on('connect_error', (error) => assert.ok(!/unauthorized|unpaired/.test(error.message), error.message));
	}

	know(seq) {
		if (seq <= this.last) return; // duplicates are allowed, and dropped
		this.seen.push(seq);
		this.last = seq;
	}

	async message(text) {
		const answer = await this.socket.emitWithAck('message', { text, client_id: text });
		assert.ok(answer.ok, JSON.stringify(answer));
		// It stands for the event, wherever it comes; unless that came when the socket broke before it.
		if (!this.seen.includes(answer.seq)) this.seen.push(answer.seq);
		this.last = Math.max(this.last, answer.seq);
	}

	stop() {
		this.socket.disconnect();
	}
}

async function upgraded(app, transports) {
	if (transports.length === 2) await until(() => app.socket.io.engine.transport?.name === 'websocket', 'it did not upgrade');
}

for (const transports of TRANSPORTS) {
	for (const where of ['directly', 'behind a round-robin balancer']) {
		test(`socket.io-client, ${transports.join(' and ')}, ${where}`, async (t) => {
			const port = where === 'directly' ? server.pairsPort : balancer.port;
			const [ada, bob] = await couple(server);
			const { head } = (await ada.get('/couple')).json;
			const [one, two] = [ada, bob].map((m) => new App(port, m, transports, head));
			t.after(() => (one.stop(), two.stop()));
			await until(() => one.hellos === 1 && two.hellos === 1, 'no hello');
			await upgraded(one, transports);
			const heard = [];
			two.socket.on('activity', (event) => heard.push(event.data.text ?? event.data.type));
			two.socket.on('typing', () => heard.push('typing'));
			await one.message('erste \u00e4\u20ac\u{1f600}');
			// The acknowledgement may come before the POST has its answer, and until then the client drops what is volatile.
			await until(() => one.socket.io.engine.transport.writable, 'its POST got no answer');
			one.socket.volatile.emit('typing', {});
			await until(() => heard.includes('typing'), 'no typing');
			assert.ok((await one.socket.emitWithAck('kiss', { points: [{ x: 0.1, y: 0.9 }] })).ok);
			await two.message('answer');
			await until(() => one.last === head + 3 && two.last === head + 3, `${one.last} ${two.last}`);
			assert.deepEqual(heard.filter((text) => text !== 'typing'), ['erste \u00e4\u20ac\u{1f600}', 'kiss']);
			assert.equal((await one.socket.emitWithAck('message', {})).error.code, 'invalid');
		});
	}
}

// Reads lines "say TEXT" and "stop"; writes what happens as lines of JSON. What was not acknowledged is said again.
const PYTHON = `
import json, sys, time, socketio
url, transports, token, after = sys.argv[1], sys.argv[2].split(','), sys.argv[3], int(sys.argv[4])
state = {'last': after}
sio = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.5)
def out(*what):
    # In one piece: several threads say things.
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()
@sio.on('hello')
def hello(data): out('hello', data['head'])
@sio.on('activity')
def activity(event):
    if event['seq'] > state['last']:
        state['last'] = event['seq']
        out('event', event['seq'], event['data'].get('text'))
def say(text):
    end = time.time() + 20
    while True:
        try:
            return sio.call('message', {'text': text, 'client_id': text}, timeout=5)
        except Exception:
            if time.time() > end: raise
            time.sleep(0.1)
sio.connect(url, auth=lambda: {'token': token, 'after': state['last']}, transports=transports, wait_timeout=20)
for line in sys.stdin:
    word, _, text = line.strip().partition(' ')
    if word == 'stop':
        break
    answer = say(text)
    state['last'] = max(state['last'], answer['seq'])
    out('said', answer['seq'], sio.transport())
sio.disconnect()
`;

class Python {
	constructor(port, member, transports, head) {
		this.said = [];
		this.child = spawn('/usr/bin/python3', ['-c', PYTHON, `http://127.0.0.1:${port}`, transports.join(','), member.token, String(head)], { stdio: ['pipe', 'pipe', 'inherit'] });
		readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.said.push(JSON.parse(line)));
	}

	count(what) {
		return this.said.filter(([word]) => word === what).length;
	}

	async until(check) {
		await until(() => this.said.some((line) => check(...line)), JSON.stringify(this.said));
	}

	say(text) {
		this.child.stdin.write(`say ${text}\n`);
	}

	async stop() {
		this.child.stdin.end('stop\n');
		await new Promise((resolve) => (this.child.exitCode === null ? this.child.once('close', resolve) : resolve()));
	}
}

// A folder and ports that two servers use one after the other.
async function startAgain(conf) {
	const options = { dir: mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pairs-again-')), ports: { web: await freePort(), admin: await freePort(), symbols: await freePort() }, pairsPort: await freePort(), conf: { pairs: conf } };
	const all = { now: await startPairs(options) };
	all.restart = async () => {
		await all.now.stop();
		all.now = await startPairs(options);
	};
	all.stop = async () => {
		await all.now.stop();
		rmSync(options.dir, { recursive: true, force: true });
	};
	return all;
}

test('python3-socketio with socket.io-client, on each transport, and over a restart', async () => {
	const servers = await startAgain({ drain: '200ms' });
	const pairs = await Promise.all(TRANSPORTS.map(async (transports) => {
		const [ada, bob] = await couple(servers.now);
		const { head } = (await ada.get('/couple')).json;
		return { transports, head, app: new App(servers.now.pairsPort, ada, ['websocket'], head), python: new Python(servers.now.pairsPort, bob, transports, head) };
	}));
	try {
		await Promise.all(pairs.map(async ({ transports, head, app, python }) => {
			await until(() => app.hellos === 1 && python.count('hello') === 1, `no hello: ${JSON.stringify(python.said)}`);
			await app.message('to python');
			await python.until((what, seq, text) => what === 'event' && seq === head + 1 && text === 'to python');
			python.say('from python');
			await until(() => app.last === head + 2, `${app.last}`);
			await python.until((what, seq, transport) => what === 'said' && seq === head + 2 && transport === transports.at(-1));
		}));
		await servers.restart();
		await Promise.all(pairs.map(async ({ head, app, python }) => {
			await app.message('while python may be away');
			await until(() => python.count('hello') >= 2, `python did not come back: ${JSON.stringify(python.said)}`);
			await python.until((what, seq) => what === 'event' && seq === head + 3);
			python.say('back');
			await until(() => app.last === head + 4, `${app.last}`);
			await python.stop();
			assert.deepEqual(python.said.filter(([what]) => what !== 'hello').map(([, seq]) => seq), [head + 1, head + 2, head + 3, head + 4]);
		}));
	} finally {
		for (const { app, python } of pairs) {
			python.child.kill();
			app.stop();
		}
		await servers.stop();
	}
});

// Writes until it is told to stop, never far ahead of those of the couple who are away. How often.
async function keepWriting(app, pair, name, isOver) {
	const isAhead = () => pair.some((other) => app.last - other.last >= AHEAD_MAX);
	for (let n = 0; ; n++) {
		await until(() => isOver() || !isAhead(), `one of ${pair.map(({ last }) => last)} does not come back`);
		if (isOver()) return n;
		await app.message(`${name} ${n}`);
	}
}

// Couples whose members write all the time, over every transport, while fn goes on. All of them then have every
// number once.
async function keepTalking(at, fn) {
	const couples = await Promise.all(TRANSPORTS.flatMap(() => [couple(at)]));
	const apps = await Promise.all(couples.map(async ([ada, bob], i) => {
		const { head } = (await ada.get('/couple')).json;
		return { ada, head, pair: [ada, bob, bob].map((m, k) => new App(at.pairsPort, m, TRANSPORTS[(i + k) % 3], head)) };
	}));
	const all = apps.flatMap((c) => c.pair);
	let isOver = false;
	const whatGoesOn = async () => {
		await sleep(300);
		await fn();
		await until(() => all.every((app) => app.hellos > 1), 'not all came back');
		await sleep(300);
		isOver = true;
	};
	let goingOn;
	try {
		await until(() => all.every((app) => app.hellos > 0), 'not all are there');
		const writing = apps.map(({ pair }, i) => Promise.all(pair.map((app, k) => keepWriting(app, pair, `${i} ${k}`, () => isOver))));
		goingOn = whatGoesOn();
		await Promise.all([...writing, goingOn]);
		for (const [i, { ada, head, pair }] of apps.entries()) {
			const { head: reached } = (await ada.get('/couple')).json;
			await until(() => pair.every((app) => app.last === reached), `${pair.map((app) => app.last)} of ${reached}`);
			for (const app of pair) {
				assert.deepEqual(app.seen.slice().sort((a, b) => a - b), Array.from({ length: reached - head }, (_, k) => head + 1 + k));
			}
			const own = (await writing[i]).reduce((a, b) => a + b, 0);
			assert.equal(reached - head, own, 'nothing was written twice, nothing acknowledged is lost');
		}
	} finally {
		// Also after a failure: they would come back for ever, and keep the file from its end. What fn starts
		// has to be there when its caller ends it.
		isOver = true;
		all.forEach((app) => app.stop());
		await goingOn?.catch(() => {});
	}
}

test('a restart while everybody writes loses and doubles nothing', async () => {
	const servers = await startAgain({ packets_per_second: 0, drain: '1s' });
	try {
		await keepTalking(servers.now, servers.restart);
	} finally {
		await servers.stop();
	}
});

test('an upgrade while everybody writes, too', async () => {
	const current = await startPairs({ conf: { pairs: { packets_per_second: 0, drain: '1s' } } });
	const pidNow = () => Number(readFileSync(path.join(current.dataDir, 'lock'), 'utf8'));
	try {
		await until(() => current.isAnnounced(), 'it is not ready');
		await keepTalking(current, () => promisify(execFile)(plimsollBin(), ['upgrade', '-c', current.confPath]));
		assert.notEqual(pidNow(), current.pid);
	} finally {
		const pid = pidNow();
		process.kill(pid, 'SIGTERM');
		await until(() => isGone(pid), 'it does not end');
		await current.stop();
	}
});

test('and the end of one web process after the other', async () => {
	await keepTalking(server, async () => {
		for (const instance of [0, 1]) {
			const webs = async () => (await (await fetch(`${server.adminUrl}/status`)).json()).processes.filter((p) => p.role === 'web' && p.state === 'serving');
			const one = (await webs()).find((p) => p.instance === instance);
			process.kill(one.pid, 'SIGKILL');
			for (const end = Date.now() + PATIENCE_MS; !(await webs()).some((p) => p.instance === instance && p.pid !== one.pid); await sleep(20)) assert.ok(Date.now() < end, 'it was not started again');
		}
	});
});
