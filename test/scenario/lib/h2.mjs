// HTTP/2 frames written and read byte by byte, with an HPACK encoder that only knows literals and a
// decoder for what the server sends (RFC 7541 with Huffman), so that a test can say anything and
// shares no code with the server.
import { Raw } from './raw.mjs';
import { hpackDecoder } from './hpack.mjs';

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9;
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITIZED = 32;
export const NO_ERROR = 0, PROTOCOL_ERROR = 1, INTERNAL_ERROR = 2, FLOW_CONTROL_ERROR = 3, SETTINGS_TIMEOUT = 4, STREAM_CLOSED = 5, FRAME_SIZE_ERROR = 6,
	REFUSED_STREAM = 7, CANCEL = 8, COMPRESSION_ERROR = 9, ENHANCE_YOUR_CALM = 11;
export const INITIAL_WINDOW_SIZE = 4, MAX_FRAME_SIZE = 5, ENABLE_PUSH = 2, HEADER_TABLE_SIZE = 1;

export const u32 = (n) => {
	const b = Buffer.alloc(4);
	b.writeUInt32BE(n >>> 0);
	return b;
};

export function frame(type, flags, stream, payload = '', length) {
	const body = Buffer.isBuffer(payload) ? payload : Buffer.from(payload, 'latin1');
	const n = length ?? body.length;
	return Buffer.concat([Buffer.from([n >> 16, (n >> 8) & 255, n & 255, type, flags]), u32(stream), body]);
}

export const settings = (entries = []) =>
	frame(SETTINGS, 0, 0, Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), u32(value)]))));

// Integer with a prefix of some bits (RFC 7541 5.1).
function integer(first, bits, n) {
	const most = (1 << bits) - 1;
	if (n < most) return Buffer.from([first | n]);
	const bytes = [first | most];
	for (n -= most; n >= 128; n >>= 7) bytes.push((n & 127) | 128);
	return Buffer.from([...bytes, n]);
}
const text = (s) => Buffer.concat([integer(0, 7, Buffer.byteLength(s, 'latin1')), Buffer.from(s, 'latin1')]);

// [[name, value], ...] as literals without indexing.
export const literals = (list) => Buffer.concat(list.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));

export const request = (path = '/hello', more = [], method = 'GET', authority = 'x') => [
	[':method', method],
	[':scheme', 'http'],
	[':path', path],
	...(authority === null ? [] : [[':authority', authority]]),
	...more,
];
export const headers = (stream, list, flags = END_HEADERS | END_STREAM) => frame(HEADERS, flags, stream, literals(list));
export const data = (stream, bytes, flags = 0) => frame(DATA, flags, stream, bytes);
export const rst = (stream, code = CANCEL) => frame(RST_STREAM, 0, stream, u32(code));
export const windowUpdate = (stream, n) => frame(WINDOW_UPDATE, 0, stream, u32(n));

export class H2 {
	// Connects, says hello and takes the server's SETTINGS.
	static async connect(port, { settings: own = [], preface = true, ack = true } = {}) {
		const h2 = new H2(await Raw.connect(port, { ALPNProtocols: ['h2'] }));
		if (!preface) return h2;
		await h2.send(Buffer.from(PREFACE), settings(own));
		const theirs = await h2.until((f) => f.type === SETTINGS && !(f.flags & ACK));
		for (let at = 0; at < theirs.payload.length; at += 6) h2.serverSettings[theirs.payload.readUInt16BE(at)] = theirs.payload.readUInt32BE(at + 2);
		if (ack) await h2.send(frame(SETTINGS, ACK, 0));
		return h2;
	}

	constructor(raw) {
		this.raw = raw;
		this.decode = hpackDecoder();
		this.seen = []; // every frame so far
		this.next = 1;
		this.serverSettings = {};
		this.credit = new Map([[0, 65535]]); // bytes of DATA that we may send, by stream
	}

	send(...frames) {
		return this.raw.send(Buffer.concat(frames));
	}

	// The next frame, or null when the server has closed.
	async read(timeoutMs) {
		try {
			const head = await this.raw.until(() => (this.raw.received >= 9 ? this.raw.bytes.subarray(0, 9) : undefined), timeoutMs);
			const bytes = await this.raw.readExactly(9 + head.readUIntBE(0, 3));
			const f = { type: bytes[3], flags: bytes[4], stream: bytes.readUInt32BE(5) & 0x7fffffff, payload: bytes.subarray(9) };
			if (f.type === HEADERS) f.headers = this.decode(f.payload);
			if (f.type === GOAWAY) Object.assign(f, { last: f.payload.readUInt32BE(0), code: f.payload.readUInt32BE(4) });
			if (f.type === RST_STREAM) f.code = f.payload.readUInt32BE(0);
			if (f.type === WINDOW_UPDATE) this.credit.set(f.stream, this.left(f.stream) + f.payload.readUInt32BE(0));
			this.seen.push(f);
			return f;
		} catch (error) {
			if (this.raw.ended) return null;
			throw error;
		}
	}

	async until(wanted, timeoutMs) {
		for (;;) {
			const f = await this.read(timeoutMs);
			if (f === null) throw new Error(`closed after ${JSON.stringify(this.seen.map(({ type, flags, stream, code }) => ({ type, flags, stream, code })))}`);
			if (wanted(f)) return f;
		}
	}

	left(stream) {
		return this.credit.get(stream) ?? this.serverSettings[INITIAL_WINDOW_SIZE] ?? 65535;
	}

	// Sends a body as the windows allow, and END_STREAM. Stops when an answer comes before.
	async sendBody(stream, body) {
		for (let at = 0; at < body.length; ) {
			const n = Math.min(16384, body.length - at, this.left(0), this.left(stream));
			if (n > 0) {
				this.credit.set(0, this.left(0) - n).set(stream, this.left(stream) - n);
				await this.send(data(stream, body.subarray(at, (at += n))));
				continue;
			}
			const f = await this.until((g) => g.type === WINDOW_UPDATE || g.stream === stream);
			if (f.type !== WINDOW_UPDATE) {
				this.early = f;
				return;
			}
		}
		await this.send(data(stream, '', END_STREAM));
	}

	// The whole answer on a stream: { status, headers, list, body, interim } or { reset: code }.
	async answer(stream, { update = true } = {}) {
		const answer = { body: [], interim: [] };
		for (;;) {
			const f = this.early ?? (await this.until((g) => g.stream === stream || g.type === GOAWAY));
			this.early = undefined;
			if (f.type === GOAWAY && f.code !== NO_ERROR) throw new Error(`GOAWAY ${f.code}`);
			if (f.type === RST_STREAM) return { ...answer, reset: f.code };
			if (f.type === HEADERS) {
				const all = Object.fromEntries(f.headers);
				if (all[':status'] === '100') answer.interim.push(100);
				else Object.assign(answer, { status: Number(all[':status']), headers: all, list: f.headers });
			}
			if (f.type === DATA) {
				answer.body.push(f.payload);
				if (update && f.payload.length > 0) await this.send(windowUpdate(0, f.payload.length), windowUpdate(stream, f.payload.length));
			}
			if ((f.type === HEADERS || f.type === DATA) && f.flags & END_STREAM) return { ...answer, body: Buffer.concat(answer.body) };
		}
	}

	// One request on the next stream.
	async exchange(path, more, method, body) {
		const id = this.next;
		this.next += 2;
		const list = request(path, more, method);
		if (body === undefined) await this.send(headers(id, list));
		else {
			await this.send(headers(id, list, END_HEADERS));
			await this.sendBody(id, body);
		}
		return this.answer(id);
	}

	// How the connection ends: the error of its GOAWAY, or null if it just closed.
	async end(timeoutMs) {
		let code = null;
		for (;;) {
			const f = await this.read(timeoutMs);
			if (f === null) return code;
			if (f.type === GOAWAY) code = f.code;
		}
	}

	destroy() {
		this.raw.destroy();
	}
}
