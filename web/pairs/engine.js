// Engine.IO v4 for a browser: a session over a WebSocket or, where none stands, over long polling. Text
// messages only, which is all that this service sends. What they mean is socket.js's affair.

const SEPARATOR = '\x1e';
const OPEN_MS = 20000; // to the first packet
const [OPEN, CLOSE, PING, PONG, MESSAGE] = ['0', '1', '2', '3', '4'];

function address(path, transport, sid) {
	const url = new URL(path, location.href);
	url.search = new URLSearchParams({ EIO: '4', transport, ...(sid && { sid }) });
	return url;
}

// What both transports have in common: the packets, and noticing that the server has gone silent.
class Session {
	#timer = null;
	#isOver = false;
	#listener;

	// listener: { opened(), message(text), closed(wasOpen) }, the last one once.
	constructor(listener) {
		this.#listener = listener;
		this.isOpen = false;
		this.#expect(OPEN_MS);
	}

	// A server that says nothing for so long is not there any more.
	#expect(ms) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.end(), ms);
	}

	receive(packet) {
		if (this.#isOver) {
			return;
		}
		const [type, data] = [packet[0], packet.slice(1)];
		if (type === OPEN) {
			const { sid, pingInterval, pingTimeout, maxPayload } = JSON.parse(data);
			Object.assign(this, { sid, maxPayload, silenceMs: pingInterval + pingTimeout, isOpen: true });
			this.#listener.opened();
		} else if (type === PING) {
			this.write(PONG);
		} else if (type === MESSAGE) {
			this.#listener.message(data);
		} else if (type === CLOSE) {
			this.end();
			return;
		}
		this.#expect(this.silenceMs ?? OPEN_MS);
	}

	send(text) {
		this.write(MESSAGE + text);
	}

	// Says goodbye; closed() is called as ever.
	close() {
		if (this.isOpen && !this.#isOver) {
			this.write(CLOSE);
		}
		this.end();
	}

	end() {
		if (this.#isOver) {
			return;
		}
		this.#isOver = true;
		clearTimeout(this.#timer);
		this.stop();
		this.#listener.closed(this.isOpen);
	}

	get isOver() {
		return this.#isOver;
	}
}

export class WebSocketSession extends Session {
	#socket;

	constructor(path, listener) {
		super(listener);
		const url = address(path, 'websocket');
		url.protocol = url.protocol.replace('http', 'ws');
		this.#socket = new WebSocket(url);
		this.#socket.onmessage = ({ data }) => this.receive(data);
		this.#socket.onclose = () => this.end();
	}

	get transport() {
		return 'websocket';
	}

	write(packet) {
		if (this.#socket.readyState === WebSocket.OPEN) {
			this.#socket.send(packet);
		}
	}

	stop() {
		this.#socket.close();
	}
}

// One GET that waits, and one POST at a time with all that was written meanwhile.
export class PollingSession extends Session {
	#path;
	#waiting = [];
	#isPosting = false;
	#abort = new AbortController();

	constructor(path, listener) {
		super(listener);
		this.#path = path;
		this.#poll();
	}

	get transport() {
		return 'polling';
	}

	async #request(init) {
		const response = await fetch(address(this.#path, 'polling', this.sid), { cache: 'no-store', ...init });
		if (!response.ok) {
			throw new Error(`polling: ${response.status}`);
		}
		return response.text();
	}

	async #poll() {
		try {
			while (!this.isOver) {
				const body = await this.#request({ signal: this.#abort.signal });
				body.split(SEPARATOR).forEach((packet) => this.receive(packet));
			}
		} catch {
			this.end();
		}
	}

	write(packet) {
		this.#waiting.push(packet);
		if (!this.#isPosting) {
			this.#post();
		}
	}

	// As many packets as the server takes in one body; one that is longer goes alone and is refused there.
	#take() {
		let bytes = 0;
		const isTooMuch = (packet) => (bytes += packet.length * 3 + 1) > this.maxPayload;
		const end = this.#waiting.findIndex((packet, i) => isTooMuch(packet) && i > 0);
		return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end).join(SEPARATOR);
	}

	async #post() {
		this.#isPosting = true;
		try {
			while (this.#waiting.length > 0) {
				// What is said last is sent though the page is being left.
				const body = this.#take();
				await this.#request({ method: 'POST', body, headers: { 'Content-Type': 'text/plain' }, keepalive: body.length < 1024 });
			}
		} catch {
			this.end();
		}
		this.#isPosting = false;
	}

	stop() {
		this.#abort.abort();
	}
}
