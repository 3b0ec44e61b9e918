// One end of a channel between a page and a page in a frame of it, as BrowserID has them (persona's
// "jschannel"): JSON strings, { id, method, params } for a call, answered by { id, result } or
// { id, error, message }, the same without id for a notice. Names of methods begin with "SCOPE::".
// First of all one end says "__ready" with a ping, which the other answers with a pong.

const READY = '__ready';

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/*
 * peer: the other window. origin: of its page, or '*' for a page that may be anybody's. methods:
 * { name(params) } of this end; what one returns, or promises, is the result. Gives { notify(method,
 * params), close() }; notices wait until the other end is ready.
 */
export function openChannel({ peer, origin, scope, methods }) {
	let held = [];

	function post(message) {
		peer.postMessage(JSON.stringify(message), origin);
	}

	function notify(method, params) {
		const message = { method: `${scope}::${method}`, params };
		if (held) {
			held.push(message);
		} else {
			post(message);
		}
	}

	function ready(params) {
		if (params === 'ping') {
			post({ method: `${scope}::${READY}`, params: 'pong' });
		}
		held?.forEach(post);
		held = null;
	}

	async function run(name, { id, params }) {
		const isCall = id !== undefined;
		if (!Object.hasOwn(methods, name)) {
			if (isCall) {
				post({ id, error: 'method_not_found', message: `no method '${name}'` });
			}
			return;
		}
		try {
			const result = (await methods[name](params)) ?? null;
			if (isCall) {
				post({ id, result });
			}
		} catch (error) {
			if (isCall) {
				post({ id, error: 'runtime_error', message: error.message });
			}
		}
	}

	function receive(event) {
		if (event.source !== peer || (origin !== '*' && event.origin !== origin)) {
			return;
		}
		const message = parsed(event.data);
		const [inScope, name] = String(message?.method).split('::');
		if (inScope !== scope) {
			return;
		}
		if (name === READY) {
			ready(message.params);
		} else {
			run(name, message);
		}
	}

	addEventListener('message', receive);
	// The page in the frame comes second, so it is the one that pings.
	if (peer === window.parent) {
		post({ method: `${scope}::${READY}`, params: 'ping' });
	}
	return {
		notify,
		close: () => removeEventListener('message', receive),
	};
}
