// A client that sends the bytes it is told to and reads answers with a parser of its own, so that a
// test shares no code and no mercy with the server.
// With HTTP_TEST_TLS in the environment it speaks TLS (and the test server too).
import net from 'node:net';
import tls from 'node:tls';
import { PATIENCE } from '../../harness/patience.mjs';

const CRLF2 = Buffer.from('\r\n\r\n');

export class Raw {
	static connect(port, options = {}) {
		return new Promise((resolve, reject) => {
			const secure = Boolean(process.env.HTTP_TEST_TLS);
			const where = { port, host: '127.0.0.1', allowHalfOpen: true, ...options };
			const socket = secure ? tls.connect({ ...where, rejectUnauthorized: false }) : net.connect(where);
			const raw = new Raw(socket);
			socket.once(secure ? 'secureConnect' : 'connect', () => resolve(raw));
			socket.once('error', reject);
		});
	}

	constructor(socket) {
		this.socket = socket;
		this.pieces = []; // received, not yet read
		this.received = 0; // bytes in pieces
		this.ended = false; // FIN or RST came
		this.reset = false;
		this.wake = () => {};
		this.patienceMs = 20000 * PATIENCE; // for what is waited for
		socket.setNoDelay(true);
		socket.on('data', (piece) => {
			this.pieces.push(piece);
			this.received += piece.length;
			this.wake();
		});
		socket.on('end', () => this.over());
		socket.on('close', () => this.over());
		socket.on('error', (error) => {
			this.reset = this.reset || error.code === 'ECONNRESET';
			this.over();
		});
	}

	get bytes() {
		if (this.pieces.length !== 1) this.pieces = [Buffer.concat(this.pieces)];
		return this.pieces[0];
	}

	over() {
		this.ended = true;
		this.wake();
	}

	send(bytes) {
		return new Promise((resolve) => this.socket.write(bytes, 'latin1', () => resolve()));
	}

	// Sends piece by piece, each in a packet of its own as far as the kernel lets us.
	async sendPieces(pieces, pauseMs = 1) {
		for (const piece of pieces) {
			await this.send(piece);
			await new Promise((resolve) => setTimeout(resolve, pauseMs));
		}
	}

	finish() {
		this.socket.end();
	}

	destroy() {
		this.socket.destroy();
	}

	// Waits until take() gives something else than undefined.
	async until(take, timeoutMs = this.patienceMs) {
		const giveUp = Date.now() + timeoutMs;
		for (;;) {
			const value = take();
			if (value !== undefined) return value;
			if (this.ended) throw new Error(`connection ended after: ${this.bytes.toString('latin1').slice(0, 200)}`);
			if (Date.now() > giveUp) throw new Error(`nothing more came after: ${this.bytes.toString('latin1').slice(0, 200)}`);
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, 100);
				this.wake = () => (clearTimeout(timer), resolve());
			});
		}
	}

	take(n) {
		const all = this.bytes;
		this.pieces = [all.subarray(n)];
		this.received -= n;
		return all.subarray(0, n);
	}

	readExactly(n) {
		return this.until(() => (this.received >= n ? this.take(n) : undefined));
	}

	readLine() {
		return this.until(() => {
			const at = this.bytes.indexOf('\r\n');
			return at < 0 ? undefined : this.take(at + 2).toString('latin1').slice(0, -2);
		});
	}

	async readHead() {
		const text = await this.until(() => {
			const at = this.bytes.indexOf(CRLF2);
			return at < 0 ? undefined : this.take(at + 4).toString('latin1').slice(0, -4);
		});
		const [line, ...fields] = text.split('\r\n');
		const match = /^HTTP\/1\.1 ([1-5]\d\d) ([\x20-\x7e]*)$/.exec(line);
		if (!match) throw new Error(`bad status line: ${line}`);
		const headers = {};
		for (const field of fields) {
			const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e]*)$/.exec(field);
			if (!parts) throw new Error(`bad field: ${field}`);
			const name = parts[1].toLowerCase();
			if (name in headers) throw new Error(`field twice: ${name}`);
			headers[name] = parts[2];
		}
		return { status: Number(match[1]), phrase: match[2], headers, text };
	}

	async readChunks() {
		const pieces = [];
		for (;;) {
			const size = parseInt(await this.readLine(), 16);
			if (size > 0) pieces.push(await this.readExactly(size));
			if ((await this.readLine()) !== '') throw new Error('a chunk does not end where it should');
			if (size === 0) return Buffer.concat(pieces);
		}
	}

	// One whole answer; method says whether a body follows.
	async read(method = 'GET') {
		const answer = await this.readHead();
		const { status, headers } = answer;
		const bodyless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
		if (bodyless) answer.body = Buffer.alloc(0);
		else if (headers['transfer-encoding'] === 'chunked') answer.body = await this.readChunks();
		else if ('content-length' in headers) answer.body = await this.readExactly(Number(headers['content-length']));
		else answer.body = await this.readRest();
		return answer;
	}

	async readRest(timeoutMs) {
		await this.until(() => (this.ended ? true : undefined), timeoutMs);
		return this.take(this.received);
	}

	async exchange(bytes, method) {
		await this.send(bytes);
		return this.read(method);
	}

	// Resolves when the server has closed; what came before it stays to be read.
	closed(timeoutMs) {
		return this.until(() => (this.ended ? true : undefined), timeoutMs);
	}
}

// One request on a connection of its own.
export async function once(port, bytes, method) {
	const raw = await Raw.connect(port);
	try {
		return await raw.exchange(bytes, method);
	} finally {
		raw.destroy();
	}
}
