// Calls to the accounts server under /v1: errors in the words of api.js, requests signed by Hawk with
// the session.
import { ApiError } from '../identity/api.js';
import { isBusy, patiently, retryAfterSeconds } from '../identity/patience.js';
import { waitBusy } from '../identity/screens.js';
import { derive, toBase64url, toHex, fromHex, utf8 } from './sync_keys.js';

const TIMEOUT_MS = 30000;

export class AccountsError extends ApiError {
	constructor(kind, status, { errno = 0, message = '' } = {}, retryAfter = null) {
		super(kind, { status, reason: message, retryAfter });
		this.errno = errno;
	}
}

async function ask(method, path, { body, authorization } = {}) {
	let response;
	try {
		response = await fetch(path, {
			method,
			body,
			cache: 'no-store',
			credentials: 'omit',
			headers: { ...(body && { 'Content-Type': 'application/json' }), ...(authorization && { Authorization: authorization }) },
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
		if (response.ok) {
			return await response.json();
		}
	} catch (error) {
		throw new ApiError('network', { reason: String(error) });
	}
	const answer = await response.json().catch(() => ({})); // a front in between has words of its own
	const kind = isBusy(response) ? 'busy' : response.status >= 500 ? 'server' : 'refused';
	throw new AccountsError(kind, response.status, answer, retryAfterSeconds(response));
}

// options() is called for each attempt: what is signed is signed anew.
function send(method, path, options) {
	const attempt = async () => ask(method, path, await options());
	return patiently(attempt, { changes: method !== 'GET', waitBusy });
}

export function post(path, fields) {
	return send('POST', path, () => ({ body: JSON.stringify(fields) }));
}

const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

async function hawk({ id, key }, method, path, body) {
	const ts = Math.floor(Date.now() / 1000) + clockOffset;
	const nonce = toBase64url(crypto.getRandomValues(new Uint8Array(9)));
	const payload = `hawk.1.payload\napplication/json\n${body}\n`;
	const hash = body === undefined ? '' : base64(await crypto.subtle.digest('SHA-256', utf8(payload)));
	const port = location.port || (location.protocol === 'https:' ? 443 : 80);
	const lines = ['hawk.1.header', ts, nonce, method, path, location.hostname, port, hash, ''];
	const mac = base64(await crypto.subtle.sign('HMAC', key, utf8(`${lines.join('\n')}\n`)));
	return `Hawk id="${id}", ts="${ts}", nonce="${nonce}"${hash && `, hash="${hash}"`}, mac="${mac}"`;
}

let clockOffset = 0; // the server's clock minus ours, seconds

export class Session {
	static async of(sessionToken) {
		const all = await derive(fromHex(sessionToken), 'sessionToken', 96);
		const session = new Session();
		const key = await crypto.subtle.importKey('raw', all.slice(32, 64), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
		session.keys = { id: toHex(all.slice(0, 32)), key };
		return session;
	}

	async request(method, path, fields) {
		const body = fields === undefined ? undefined : JSON.stringify(fields);
		const attempt = () => send(method, path, async () => ({ body, authorization: await hawk(this.keys, method, path, body) }));
		try {
			return await attempt();
		} catch (error) {
			if (error.errno !== 111) {
				throw error;
			}
		}
		// Our clock is wrong: by the server's from here on.
		const { headers } = await fetch('/.well-known/fxa-client-configuration', { cache: 'no-store' });
		clockOffset = Number(headers.get('Timestamp')) - Math.floor(Date.now() / 1000);
		return attempt();
	}
}
