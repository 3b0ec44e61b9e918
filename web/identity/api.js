// Calls to /wsapi: CSRF token, the server's clock, patience when the server is busy.
import { isBusy, patiently, retryAfterSeconds } from './patience.js';

const TIMEOUT_MS = 30000;

// kind: "busy" (too much to do; retryAfter: seconds, or null where it says none), "network" (no answer), "cookies", "refused" (4xx), "server" (5xx).
export class ApiError extends Error {
	constructor(kind, { status = 0, reason = '', retryAfter = null } = {}) {
		super(`${kind} ${status} ${reason}`);
		Object.assign(this, { kind, status, reason, retryAfter });
	}
}

async function errorOf(response) {
	const body = await response.text().catch(() => '');
	let reason = body;
	try {
		reason = JSON.parse(body).reason ?? body;
	} catch {
		// Plain text: "Forbidden: no cookie".
	}
	const details = { status: response.status, reason, retryAfter: retryAfterSeconds(response) };
	if (isBusy(response)) {
		return new ApiError('busy', details);
	}
	return new ApiError(response.status >= 500 ? 'server' : 'refused', details);
}

async function send(path, init) {
	let response;
	try {
		response = await fetch(path, { ...init, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
		if (response.ok) {
			const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
			return isJson ? await response.json() : await response.text();
		}
	} catch (error) {
		throw new ApiError('network', { reason: String(error) });
	}
	throw await errorOf(response);
}

export class Api {
	#csrf = null;
	#clockOffset = 0; // server's clock minus ours, ms
	#waitBusy;

	// waitBusy(seconds): shows that the server is busy, resolves when it is time to try again.
	// Without it a busy server is an ApiError like others.
	constructor(waitBusy = null) {
		this.#waitBusy = waitBusy;
	}

	// The server's time in ms.
	now() {
		return Date.now() + this.#clockOffset;
	}

	async context() {
		// Tells the server that this browser keeps cookies; it says so in its answer.
		document.cookie = 'can_set_cookies=1; Path=/wsapi; SameSite=Lax';
		const sent = Date.now();
		const context = await this.get('session_context');
		this.#csrf = context.csrf_token;
		this.#clockOffset = context.server_time - (sent + Date.now()) / 2;
		return context;
	}

	// options.impatient: throw when busy, even though waitBusy is there.
	get(operation, query = {}, options = {}) {
		const search = new URLSearchParams(query).toString();
		return this.#patiently(() => send(`/wsapi/${operation}${search && `?${search}`}`, {}), { ...options, changes: false });
	}

	async post(operation, fields = {}) {
		if (this.#csrf === null) {
			await this.context();
		}
		try {
			return await this.#post(operation, fields);
		} catch (error) {
			if (!isStaleSession(error)) {
				throw error;
			}
		}
		// The session ended in the meantime (or another tab began a new one): once more.
		await this.context();
		try {
			return await this.#post(operation, fields);
		} catch (error) {
			throw isStaleSession(error) ? new ApiError('cookies', error) : error;
		}
	}

	#post(operation, fields) {
		const init = {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ ...fields, csrf: this.#csrf }),
		};
		return this.#patiently(() => send(`/wsapi/${operation}`, init), { changes: true });
	}

	// What the server says of itself: version, public_url, services, admin (only to people beside
	// it), mail ("development" or "smtp"), signup.
	about() {
		return this.#patiently(() => send('/__about__', {}), { changes: false });
	}

	#patiently(attempt, { impatient = false, changes }) {
		const waitBusy = this.#waitBusy;
		return impatient || !waitBusy ? attempt() : patiently(attempt, { changes, waitBusy });
	}
}

// Does this browser keep our cookies, as far as it says and an answer of session_context shows?
export function keepsCookies(context) {
	return navigator.cookieEnabled && context.cookies !== false;
}

// Does an error say that nobody is signed in any more?
export function isSignedOut(error) {
	return error.status === 400 && error.reason.includes('requires authentication');
}

// Does an error say that an address must be confirmed (again) before it is certified?
export function needsVerification(error) {
	return error.status === 403 && error.reason.includes('(re)verification');
}

function isStaleSession(error) {
	return (
		(error.status === 403 && error.reason.includes('no cookie')) ||
		(error.status === 400 && error.reason.includes('CSRF'))
	);
}
