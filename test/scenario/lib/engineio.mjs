// Engine.IO and Socket.IO by hand: a server that serves the conformance applications, polls as raw
// requests, and WebSocket frames with a reader of its own.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { freePort, startPlimsoll } from '../../harness/plimsoll.mjs';
import { Raw, once } from './raw.mjs';

export const SEPARATOR = '\x1e';

// Clocks under which no heartbeat disturbs a test on a busy machine.
export const CALM = { ping_interval: '1m', ping_timeout: '1m', connect_timeout: '1m', drain: '0s' };

// Runs fn(port, server) with a server whose [pairs] is conf beside its address.
export async function withPairs(conf, fn, options = {}) {
	const port = options.pairsPort ?? (await freePort());
	const server = await startPlimsoll({
		...options,
		conf: { ...options.conf, pairs: { listen: `127.0.0.1:${port}`, conformance: 'yes', ...conf } },
	});
	try {
		await fn(port, server);
	} finally {
		await server.stop();
	}
}

export const target = (query, path = '/engine.io/') => `${path}?EIO=4&transport=polling${query}`;

export function getText(query, { path, headers = '' } = {}) {
	return `GET ${target(query, path)} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

export function postText(query, body, { path, headers = 'Content-Type: text/plain\r\n' } = {}) {
	return `POST ${target(query, path)} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n${headers}\r\n${body}`;
}

const text = (answer) => answer.body.toString('latin1');

// Servers for a whole file: one without heartbeats, one with the clocks of the suites (300 and 200 ms), and
// one whose heartbeats come as often but wait long for their answers.
const PATIENT = { ping_interval: '300ms', ping_timeout: '20s', connect_timeout: '1s', drain: '0s' };

export async function startAll() {
	const start = async (conf) => {
		const port = await freePort();
		const server = await startPlimsoll({ conf: { pairs: { listen: `127.0.0.1:${port}`, conformance: 'yes', ...conf } } });
		return { port, server };
	};
	const all = await Promise.all([start(CALM), start({}), start(PATIENT)]);
	const [port, quick, patient] = all.map((one) => one.port);
	return { port, quick, patient, stop: () => Promise.all(all.map((one) => one.server.stop())) };
}

// A session over long polling; each request on a connection of its own.
export class Polling {
	static async open(port, path = '/engine.io/') {
		const answer = await once(port, getText('', { path }));
		assert.equal(answer.status, 200, text(answer));
		assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
		assert.equal(answer.headers['cache-control'], 'no-store');
		const body = text(answer);
		assert.equal(body[0], '0');
		return new Polling(port, path, JSON.parse(body.slice(1)));
	}

	constructor(port, path, hello) {
		Object.assign(this, { port, path, hello, sid: hello.sid });
	}

	async get() {
		const answer = await once(this.port, getText(`&sid=${this.sid}`, { path: this.path }));
		return { status: answer.status, body: text(answer), headers: answer.headers };
	}

	// A GET that is on its way; read() gives the answer.
	async begin() {
		const raw = await Raw.connect(this.port);
		await raw.send(getText(`&sid=${this.sid}`, { path: this.path }));
		return raw;
	}

	async post(body, headers) {
		const answer = await once(this.port, postText(`&sid=${this.sid}`, body, { path: this.path, headers }));
		return { status: answer.status, body: text(answer), headers: answer.headers };
	}

	// Polls until n packets other than pings have come.
	async packets(n) {
		const all = [];
		while (all.length < n) {
			const { status, body } = await this.get();
			assert.equal(status, 200, body);
			for (const packet of body.split(SEPARATOR)) {
				if (packet === '2') await this.post('3');
				else all.push(packet);
			}
		}
		return all;
	}

	async isGone() {
		const { status, body } = await this.get();
		return status === 400 && JSON.parse(body).code === 1;
	}

	async expectGone() {
		const { status, body } = await this.get();
		assert.deepEqual([status, body], [400, '{"code":1,"message":"Session ID unknown"}']);
	}
}

export function upgradeText(query, { path = '/engine.io/', headers = '', key = 'dGhlIHNhbXBsZSBub25jZQ==', version = '13', transport = 'websocket' } = {}) {
	return `GET ${path}?EIO=4&transport=${transport}${query} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: ${key}\r\n${headers}\r\n`;
}

// One frame of a client: masked, final unless told otherwise.
export function frame(opcode, payload, { fin = true, masked = true, rsv = 0 } = {}) {
	const body = Buffer.from(payload);
	const mask = randomBytes(4);
	const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
	const bit = masked ? 0x80 : 0;
	if (body.length < 126) head.push(bit | body.length);
	else if (body.length < 65536) head.push(bit | 126, body.length >> 8, body.length & 255);
	else head.push(bit | 127, 0, 0, 0, 0, (body.length >>> 24) & 255, (body.length >> 16) & 255, (body.length >> 8) & 255, body.length & 255);
	if (!masked) return Buffer.concat([Buffer.from(head), body]);
	return Buffer.concat([Buffer.from(head), mask, body.map((b, i) => b ^ mask[i % 4])]);
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

// A WebSocket whose frames are made and read here.
export class Ws {
	static async open(port, query = '', options = {}) {
		const raw = await Raw.connect(port);
		await raw.send(upgradeText(query, options) + (options.behind ?? '').toString('latin1'));
		const head = await raw.readHead();
		assert.equal(head.status, 101, head.text);
		const accept = createHash('sha1').update('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
		assert.equal(head.headers['sec-websocket-accept'], accept);
		assert.equal(head.headers.upgrade, 'websocket');
		return new Ws(raw);
	}

	constructor(raw) {
		this.raw = raw;
	}

	send(payload, options) {
		return this.raw.socket.write(frame(typeof payload === 'string' ? TEXT : BINARY, payload, options));
	}

	write(bytes) {
		return this.raw.socket.write(bytes);
	}

	// The next frame: { opcode, payload }.
	async frame() {
		const [first, second] = await this.raw.readExactly(2);
		assert.equal(first & 0x70, 0);
		assert.equal(first & 0x80, 0x80);
		assert.equal(second & 0x80, 0, 'a server does not mask');
		let length = second;
		if (length === 126) length = (await this.raw.readExactly(2)).readUInt16BE();
		else if (length === 127) length = Number((await this.raw.readExactly(8)).readBigUInt64BE());
		return { opcode: first & 0x0f, payload: await this.raw.readExactly(length) };
	}

	// The next packet of Engine.IO that is no ping (which is answered): text, or bytes.
	async packet() {
		for (;;) {
			const { opcode, payload } = await this.frame();
			assert.ok(opcode === TEXT || opcode === BINARY, `opcode ${opcode}: ${payload.toString('hex')}`);
			if (opcode === BINARY) return payload;
			if (payload.toString() !== '2') return payload.toString();
			this.send('3');
		}
	}

	async expect(...packets) {
		for (const packet of packets) assert.deepEqual(await this.packet(), packet);
	}

	// The code with which it is closed; 1005: none. Messages before it are read over, pings answered if
	// so wanted.
	async closed({ pong = false } = {}) {
		for (;;) {
			const { opcode, payload } = await this.frame();
			if (opcode === TEXT && payload.toString() === '2' && pong) this.send('3');
			if (opcode !== CLOSE) continue;
			return payload.length === 0 ? 1005 : payload.readUInt16BE();
		}
	}

	end() {
		this.raw.destroy();
	}
}

// A session of Socket.IO over a WebSocket that has joined the main namespace.
export async function joined(port) {
	const ws = await Ws.open(port, '', { path: '/socket.io/' });
	assert.equal((await ws.packet())[0], '0');
	ws.send('40');
	assert.match(await ws.packet(), /^40\{"sid":"[A-Za-z0-9]{20}"\}$/);
	await ws.expect('42["auth",{}]');
	return ws;
}
