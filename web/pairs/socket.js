// Socket.IO v5 for a browser: one namespace, events without attachments, acknowledgements. It connects
// by WebSocket, by long polling where that does not work, and comes back by itself.
import { PollingSession, WebSocketSession } from './engine.js';

const PATH = '/socket.io/';
const ANSWER_MS = 15000;
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 5000;
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR] = ['0', '1', '2', '3', '4'];

// What a packet's text is made of: type, number of an acknowledgement, JSON.
const PACKET = /^(\d)(\d*)(.*)$/s;

export class Socket {
	#session = null;
	#isJoined = false;
	#isWanted = false;
	#tries = 0;
	#retry = null;
	#retryAt = 0; // earliest, as the server has asked
	#answers = new Map(); // number -> { resolve, reject, timer }
	#lastNumber = 0;
	#auth;
	#listeners = new Map();

	// auth(): the object to join with, asked each time.
	constructor(auth) {
		this.#auth = auth;
		addEventListener('online', () => this.#hurry());
		addEventListener('offline', () => this.#session?.end());
	}

	// Beside the server's events: "joined", "left" (the connection is lost; it comes back), "refused"
	// ({ message, data }; it does not come back before open()).
	on(event, listener) {
		this.#listeners.set(event, listener);
	}

	get isJoined() {
		return this.#isJoined;
	}

	get transport() {
		return this.#session?.transport ?? null;
	}

	open() {
		this.#isWanted = true;
		this.#tries = 0;
		this.#connect();
	}

	close() {
		this.#isWanted = false;
		clearTimeout(this.#retry);
		this.#session?.close();
	}

	// Lost if the connection is: for what is not worth repeating.
	emit(event, value = {}) {
		if (this.#isJoined) {
			this.#session.send(EVENT + JSON.stringify([event, value]));
		}
	}

	// The server's answer. Rejects when the connection is lost before it: then nobody knows whether
	// the server has heard it.
	call(event, value) {
		return new Promise((resolve, reject) => {
			if (!this.#isJoined) {
				reject(new Error('not connected'));
				return;
			}
			const number = this.#lastNumber++;
			const timer = setTimeout(() => this.#session?.end(), ANSWER_MS);
			this.#answers.set(number, { resolve, reject, timer });
			this.#session.send(`${EVENT}${number}${JSON.stringify([event, value])}`);
		});
	}

	#tell(event, value) {
		this.#listeners.get(event)?.(value);
	}

	// ---- connecting ----

	#connect(Session = WebSocketSession) {
		if (!this.#isWanted || this.#session) {
			return;
		}
		clearTimeout(this.#retry);
		const session = new Session(PATH, {
			opened: () => session.send(CONNECT + JSON.stringify(this.#auth())),
			message: (text) => this.#receive(text),
			closed: (wasOpen) => this.#lost(Session, wasOpen),
		});
		this.#session = session;
	}

	#lost(Session, wasOpen) {
		const wasJoined = this.#isJoined;
		this.#session = null;
		this.#isJoined = false;
		for (const { reject, timer } of this.#answers.values()) {
			clearTimeout(timer);
			reject(new Error('connection lost'));
		}
		this.#answers.clear();
		if (wasJoined) {
			this.#tell('left');
		}
		if (!wasOpen && Session === WebSocketSession && navigator.onLine) {
			this.#connect(PollingSession); // networks that let no WebSocket through
		} else if (this.#isWanted) {
			this.#retry = setTimeout(() => this.#connect(), this.#pause());
		}
	}

	// Longer each time, and not the same for all clients of a server that has gone.
	#pause() {
		const ms = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#tries++);
		return Math.max(ms * (0.5 + Math.random()), this.#retryAt - Date.now());
	}

	#hurry() {
		this.#tries = 0;
		this.#connect();
	}

	// ---- packets ----

	#receive(text) {
		const [, type, number, json] = PACKET.exec(text);
		const value = json ? JSON.parse(json) : undefined;
		if (type === CONNECT) {
			this.#isJoined = true;
			this.#tries = 0;
			this.#tell('joined');
		} else if (type === EVENT) {
			this.#event(...value);
		} else if (type === ACK) {
			const answer = this.#answers.get(Number(number));
			this.#answers.delete(Number(number));
			clearTimeout(answer?.timer);
			answer?.resolve(value[0]);
		} else if (type === CONNECT_ERROR) {
			this.#refused(value);
		} else if (type === DISCONNECT) {
			this.#session.close();
		}
	}

	#event(name, value) {
		if (name === 'bye') {
			this.#retryAt = Date.now() + (value?.retry_ms ?? 0);
		}
		this.#tell(name, value);
	}

	// The server is too busy for this one: again later. Any other refusal is for the page to understand.
	#refused(error) {
		if (error?.message === 'overloaded') {
			this.#retryAt = Date.now() + (error.data?.retry_ms ?? RETRY_MOST_MS);
		} else {
			this.#isWanted = false;
			this.#tell('refused', error);
		}
		this.#session.close();
	}
}
