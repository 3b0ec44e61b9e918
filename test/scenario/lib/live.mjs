// A live session of a couple's member, by hand: Socket.IO over one WebSocket, with frames of the tests' own.
//   const ada = await Live.join(server, member, { after: 7 });
//   await ada.ask('message', { text: 'x' }); await ada.next('activity');
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from '../../harness/patience.mjs';
import { Ws } from './engineio.mjs';

const PATIENCE_MS = 20000 * PATIENCE;

export const workerOf = (sid) => Buffer.from(sid, 'base64url')[2];

export class Live {
	// options: after, token (instead of the member's), worker (the process that has to own it).
	// One that is told to come later, because this machine is busy, does.
	static async join(server, member, options = {}) {
		for (const end = Date.now() + PATIENCE_MS; ; ) {
			const live = await Live.open(server, member, options);
			if (live.hello) return live;
			const wait = live.refusal?.data?.retry_ms;
			assert.ok(wait && Date.now() + wait < end, `refused: ${JSON.stringify(live.refusal)}`);
			live.ws.end();
			await sleep(wait);
		}
	}

	// The same, but it may have been refused: see refusal.
	static async open(server, member, { after, token = member.token, worker, auth } = {}) {
		for (const end = Date.now() + PATIENCE_MS; ; ) {
			const ws = await Ws.open(server.pairsPort, '', { path: '/socket.io/' });
			const { sid } = JSON.parse((await ws.packet()).slice(1));
			if (worker !== undefined && workerOf(sid) !== worker) {
				assert.ok(Date.now() < end, `process ${worker} accepts nobody`);
				ws.end();
				continue;
			}
			const live = new Live(ws, sid);
			ws.send(`40${JSON.stringify(auth ?? { token, after })}`);
			live.read();
			await live.until(() => live.hello || live.refusal || live.isClosed);
			return live;
		}
	}

	constructor(ws, sid) {
		Object.assign(this, { ws, sid, worker: workerOf(sid), isClosed: false, left: false });
		this.events = []; // [name, value], without hello, in the order in which they came
		this.read_ = 0; // of these, how many next() has given
		this.asked = new Map();
		this.lastId = 0;
		this.wakers = new Set();
	}

	async read() {
		try {
			for (;;) this.take(await this.ws.packet());
		} catch (error) {
			this.end_ = error;
			this.isClosed = true;
		}
		for (const { reject } of this.asked.values()) reject(new Error('the session is over'));
		this.asked.clear();
		for (const wake of this.wakers) wake();
	}

	take(packet) {
		const [, kind, id, json] = /^4(\d)(\d*)([^]*)$/.exec(packet) ?? [];
		const value = json ? JSON.parse(json) : undefined;
		if (kind === '0') this.joined = value;
		else if (kind === '4') this.refusal = value;
		else if (kind === '1') this.left = true;
		else if (kind === '3') {
			this.asked.get(Number(id)).resolve(value[0]);
			this.asked.delete(Number(id));
		} else if (kind === '2' && value[0] === 'hello') {
			assert.ok(this.joined && this.events.length === 0 && !this.hello, 'hello comes first, and once');
			this.hello = value[1];
		} else if (kind === '2') {
			assert.ok(this.hello, `${packet} before hello`);
			this.events.push(value);
		}
		for (const wake of this.wakers) wake();
	}

	async until(check, what = 'it did not happen') {
		for (const end = Date.now() + PATIENCE_MS; !check(); ) {
			assert.ok(Date.now() < end, `${what} in ${PATIENCE_MS} ms: ${JSON.stringify(this.events.slice(-5))}`);
			let wake;
			const timer = setTimeout(() => wake(), 200);
			await new Promise((resolve) => this.wakers.add((wake = resolve)));
			this.wakers.delete(wake);
			clearTimeout(timer);
		}
	}

	emit(name, value) {
		this.ws.send(`42${JSON.stringify(value === undefined ? [name] : [name, value])}`);
	}

	// Resolves to the acknowledgement.
	ask(name, value = {}) {
		const id = ++this.lastId;
		const answer = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
		this.ws.send(`42${id}${JSON.stringify([name, value])}`);
		return answer;
	}

	// The next event of that name; others before it are read over.
	async next(name) {
		let found;
		await this.until(() => {
			while (!found && this.read_ < this.events.length) {
				const event = this.events[this.read_++];
				if (event[0] === name) found = event[1];
			}
			return found || this.isClosed;
		}, `no ${name}`);
		assert.ok(found, `the session ended before ${name}: ${this.end_?.message}`);
		return found;
	}

	// Numbers of the stream that it was told, in the order in which they came.
	seqs() {
		return this.events.filter(([, value]) => value.seq !== undefined).map(([, value]) => value.seq);
	}

	async toldUpTo(seq) {
		await this.until(() => this.seqs().at(-1) >= seq, `not told up to ${seq}`);
	}

	async closed() {
		await this.until(() => this.isClosed, 'it was not closed');
	}

	end() {
		this.ws.end();
	}
}
