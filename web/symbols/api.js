// Calls to the API of this server, with the session's cookie and, for what changes something, its CSRF
// token.

const TIMEOUT_MS = 60000;

export class ApiError extends Error {
	constructor(status, message, fields = {}) {
		super(message);
		Object.assign(this, { status, fields });
	}
}

let csrf = '';
export function useCsrf(token) {
	csrf = token ?? '';
}

function wordsOf(status, answer, retryAfter) {
	if (status === 503) {
		return `The server has too much to do. It asks to come back in ${retryAfter ?? 5} seconds.`;
	}
	return answer?.error ?? `The server answered ${status}.`;
}

// query and form are objects; empty values are left out.
export async function call(path, { method = 'GET', query = {}, form, json } = {}) {
	const filled = (object) => new URLSearchParams(Object.entries(object).filter(([, value]) => value !== '' && value !== undefined && value !== null));
	const search = filled(query).toString();
	let response;
	let answer = null;
	try {
		response = await fetch(`${path}${search && `?${search}`}`, {
			method,
			body: form ? filled(form) : json && JSON.stringify(json),
			headers: { ...(method !== 'GET' && { 'X-CSRF-Token': csrf }), ...(json && { 'Content-Type': 'application/json' }) },
			cache: 'no-store',
			credentials: 'same-origin',
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
		answer = await response.json().catch(() => null);
	} catch {
		throw new ApiError(0, 'The server does not answer.');
	}
	if (response.ok && answer !== null) {
		return answer;
	}
	throw new ApiError(response.status, wordsOf(response.status, answer, response.headers.get('Retry-After')), answer?.errors);
}
