// Signing up when many want to at once. The server says when to come back, and gives a ticket for that time slot;
// this keeps both, comes back by itself, and tells meanwhile how long it takes. What it knows survives a reload of
// the page, but for the password, which is never stored.
//   const queue = new SignUpQueue({ onWait: (ms) => ..., onTry: () => ... });
//   await queue.join({ email, password, first_name });     // resolves when the mail is on its way
// Throws an error with { status, code } when the server refuses for good.

const PLACE = 'pairs_signup_place'; // { email, ticket, from, until } in sessionStorage
const TICK_MS = 250;
const RETRY_MS = 2000; // nobody answers
const SPREAD_MS = 1500; // so that those whose slots begin together do not come in one moment

// A time for people, rounded up.
export function inWords(ms) {
	const s = Math.ceil(ms / 1000);
	if (s < 60) {
		return s === 1 ? '1 second' : `${s} seconds`;
	}
	const minutes = Math.floor(s / 60);
	const rest = s % 60;
	return `${minutes} min${rest === 0 ? '' : ` ${rest} s`}`;
}

function readPlace() {
	try {
		return JSON.parse(sessionStorage.getItem(PLACE));
	} catch {
		return null;
	}
}

function retryAfterMs(answer) {
	const text = answer.headers.get('retry-after') ?? '';
	return /^\d+$/.test(text) ? Number(text) * 1000 : RETRY_MS;
}

// Of the body of an answer that may be anything.
async function errorOf(answer) {
	const body = await answer.json().catch(() => ({}));
	return body.error ?? {};
}

export class SignUpQueue {
	constructor({ onWait = () => {}, onTry = () => {}, fetch = (...args) => globalThis.fetch(...args) } = {}) {
		Object.assign(this, { onWait, onTry, fetch });
	}

	// The place that this page has in the line, or null: { email, from }; from is when the slot begins.
	get place() {
		const place = readPlace();
		return place && place.until > Date.now() ? place : null;
	}

	async join(given) {
		// If an answer is lost on its way, the next one is that of the same sign-up.
		const fields = { idempotency_key: String(Math.random()), ...given };
		await this.#waitFor(fields.email);
		for (;;) {
			this.onTry();
			const done = await this.#try(fields);
			if (done) {
				sessionStorage.removeItem(PLACE);
				return;
			}
			await this.#waitFor(fields.email);
		}
	}

	// True: it is taken. False: there is a time to wait for.
	async #try(fields) {
		const { place } = this;
		const ticket = place?.email === fields.email ? place.ticket : undefined;
		let answer;
		try {
			answer = await this.fetch('/api/v1/signup', {
				method: 'POST',
				headers: { 'Content-Type': 'application/json' },
				body: JSON.stringify({ ...fields, ticket }),
			});
		} catch {
			this.#keep(fields.email, { ticket, waitMs: RETRY_MS });
			return false;
		}
		if (answer.status === 202) {
			return true;
		}
		const error = await errorOf(answer);
		if (answer.status === 503) {
			// Without a ticket it was refused at the door: an older one stays good.
			this.#keep(fields.email, error.ticket
				? { ticket: error.ticket, waitMs: error.retry_ms, slotMs: error.slot_ms }
				: { ticket, waitMs: error.retry_ms ?? retryAfterMs(answer) });
			return false;
		}
		sessionStorage.removeItem(PLACE);
		throw Object.assign(new Error(error.message ?? `The server answered ${answer.status}.`), { status: answer.status, code: error.code });
	}

	#keep(email, { ticket, waitMs, slotMs = 60000 }) {
		const from = Date.now() + waitMs + Math.random() * Math.min(SPREAD_MS, slotMs / 4);
		const before = this.place;
		const until = ticket && before?.ticket === ticket ? before.until : from + slotMs;
		sessionStorage.setItem(PLACE, JSON.stringify({ email, ticket, from, until }));
	}

	// Until the slot of this address begins. A page that sleeps looks at the clock when it wakes.
	async #waitFor(email) {
		for (;;) {
			const { place } = this;
			const ms = place?.email === email ? place.from - Date.now() : 0;
			if (ms <= 0) {
				return;
			}
			this.onWait(ms);
			await new Promise((resolve) => setTimeout(resolve, Math.min(TICK_MS, ms)));
		}
	}
}
