// What was said here and not yet taken by the server. It is kept in the browser, so that it is still
// there when the page is opened again, and sent one after the other. Each has a name of its own
// (client_id): sent twice, it is said once.
const KEPT = 'pairs_outbox';
const MOST = 500;

// A name that nothing else has. (randomUUID() is there on secure pages only.)
function newName() {
	return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Outbox {
	#couple;
	#isSending = false;
	#entries = [];

	constructor(couple) {
		this.#couple = couple;
	}

	// Those of this member; what another one left in this browser is not theirs to send.
	load(userId) {
		const kept = JSON.parse(localStorage.getItem(KEPT) ?? 'null');
		this.userId = userId;
		this.#entries = kept?.userId === userId ? kept.entries : [];
	}

	get entries() {
		return this.#entries;
	}

	#keep() {
		localStorage.setItem(KEPT, JSON.stringify({ userId: this.userId, entries: this.#entries }));
		this.#couple.tell('stream');
	}

	// event: of the socket ("message", "hug"); body: as of the REST call. False: too much waits already.
	add(event, body = {}) {
		if (this.#entries.length >= MOST) {
			return false;
		}
		this.#entries.push({ event, body: { ...body, client_id: newName() }, at: Date.now() });
		this.#keep();
		this.send();
		return true;
	}

	// Away with what the server does not want.
	drop(entry) {
		this.#entries = this.#entries.filter((one) => one !== entry);
		this.#keep();
	}

	async send() {
		if (this.#isSending) {
			return;
		}
		this.#isSending = true;
		try {
			for (let entry; (entry = this.#entries.find(({ error }) => !error)) && this.#couple.isOnline; ) {
				await this.#sendOne(entry);
			}
		} catch {
			// The connection is lost. The next one goes on here.
		}
		this.#isSending = false;
	}

	async #sendOne(entry) {
		const answer = await this.#couple.socket.call(entry.event, entry.body);
		if (answer.ok) {
			this.#entries = this.#entries.filter((one) => one !== entry);
			// The socket that has said it is not told of it by an event.
			this.#couple.take(answer.answer);
		} else {
			entry.error = answer.error?.message ?? String(answer.error);
		}
		this.#keep();
	}
}
