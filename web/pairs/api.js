// Calls of the REST API, and what this browser keeps of a session: its token, so that the socket can
// say who it is. Pictures are fetched with the cookie that signing in sets.

const BASE = '/api/v1';
const TIMEOUT_MS = 30000;
const TOKEN = 'pairs_token';

// status 0: no answer. code: the server's word for it. retryMs: when to come back.
export class ApiError extends Error {
	constructor(status, { code = 'network', message = 'The server does not answer.', retryMs = null } = {}) {
		super(message);
		Object.assign(this, { status, code, retryMs });
	}

	// Not refused, only not done: the same may succeed later.
	get isPassing() {
		return this.status === 0 || this.status === 429 || this.status >= 500;
	}
}

export function token() {
	return localStorage.getItem(TOKEN);
}

export function keepToken(value) {
	if (value === null) {
		localStorage.removeItem(TOKEN);
	} else {
		localStorage.setItem(TOKEN, value);
	}
}

function headers() {
	return token() ? { Authorization: `Bearer ${token()}` } : {};
}

export function errorOf(status, text, retryAfter) {
	let said = {};
	try {
		said = JSON.parse(text).error ?? {};
	} catch {
		// Not from the API, but from something in front of it.
	}
	const retryMs = said.retry_ms ?? (/^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) * 1000 : null);
	return new ApiError(status, { code: said.code ?? String(status), message: said.message ?? `The server answered ${status}.`, retryMs });
}

async function request(method, path, body) {
	const init = { method, headers: headers(), cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) };
	if (body !== undefined) {
		init.body = JSON.stringify(body);
		init.headers['Content-Type'] = 'application/json';
	}
	let [response, text] = [null, ''];
	try {
		response = await fetch(BASE + path, init);
		text = await response.text();
	} catch {
		throw new ApiError(0);
	}
	if (!response.ok) {
		throw errorOf(response.status, text, response.headers.get('Retry-After'));
	}
	return text === '' ? null : JSON.parse(text);
}

export const get = (path) => request('GET', path);
export const post = (path, body = {}) => request('POST', path, body);
export const patch = (path, body) => request('PATCH', path, body);
export const remove = (path) => request('DELETE', path);

// Sends a file; progress(share) is called as it goes, 0 to 1. fetch() does not tell.
export function upload(path, file, progress) {
	return new Promise((resolve, reject) => {
		const call = new XMLHttpRequest();
		call.open('POST', BASE + path);
		for (const [name, value] of Object.entries({ ...headers(), 'Content-Type': file.type || 'application/octet-stream' })) {
			call.setRequestHeader(name, value);
		}
		call.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0);
		call.onerror = () => reject(new ApiError(0));
		call.onload = () => {
			if (call.status >= 200 && call.status < 300) {
				resolve(JSON.parse(call.responseText));
			} else {
				reject(errorOf(call.status, call.responseText, call.getResponseHeader('Retry-After')));
			}
		};
		call.send(file);
	});
}

export const mediaUrl = (id, variant) => `${BASE}/media/${id}/${variant}`;
