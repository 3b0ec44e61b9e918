// The dialog's end of the conversation with the page that opened it (the other end is include.js).
// JSON strings: {a:"ready"} from here, {a:"request", d:{method, params}} from the opener, then
// {a:"response", d:{assertion, email}} or {a:"error", d} from here.

const WAIT_MS = 5000;

// The opener's request: { origin, params, respond(answer), cancel() }. Null when there is no opener
// or it does not ask, as when the user came here by a link.
export function receiveRequest() {
	const { opener } = window;
	if (!opener || opener === window) {
		return Promise.resolve(null);
	}
	return new Promise((resolve) => {
		const timer = setTimeout(() => end(null), WAIT_MS);

		function end(request) {
			clearTimeout(timer);
			removeEventListener('message', receive);
			resolve(request);
		}

		function receive(event) {
			if (event.source !== opener || !/^https?:\/\//.test(event.origin)) {
				return;
			}
			let message;
			try {
				message = JSON.parse(event.data);
			} catch {
				return;
			}
			if (message?.a === 'request' && message.d?.method === 'get') {
				end(conversation(opener, event.origin, message.d.params));
			}
		}

		addEventListener('message', receive);
		// Says nothing of the user, so it may go to whoever opened this window.
		opener.postMessage(JSON.stringify({ a: 'ready' }), '*');
	});
}

function conversation(opener, origin, params) {
	// Delivered only while the opener still shows the site that asked.
	const send = (message) => opener.postMessage(JSON.stringify(message), origin);
	return {
		origin,
		params: cleanParams(origin, params),
		respond(answer) {
			send({ a: 'response', d: answer });
			window.close();
		},
		cancel() {
			send({ a: 'error', d: 'client closed window' });
			window.close();
		},
	};
}

function cleanText(value, limit) {
	return typeof value === 'string' ? value.trim().slice(0, limit) : '';
}

// An http(s) address, absolute or a path at the site; or null.
function cleanUrl(origin, value) {
	if (typeof value !== 'string' || value.length > 2083) {
		return null;
	}
	try {
		const url = new URL(value, origin);
		return /^https?:$/.test(url.protocol) ? url.href : null;
	} catch {
		return null;
	}
}

// An image over https, by its address or a path at the site, or one that the site sent along; or null.
function cleanLogo(origin, value) {
	const isSent = typeof value === 'string' && value.length <= 128 * 1024;
	if (isSent && /^data:image\/(png|jpeg|gif|webp);base64,/.test(value)) {
		return value;
	}
	const url = cleanUrl(origin, value);
	return url?.startsWith('https:') ? url : null;
}

// #rgb or #rrggbb, which sites may send without the "#"; or null.
function cleanColor(value) {
	const match = typeof value === 'string' && /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(value);
	return match ? `#${match[1]}` : null;
}

// Sites send what they like: only what the dialog shows is taken, typed and cut to size.
function cleanParams(origin, params) {
	const given = params && typeof params === 'object' ? params : {};
	const terms = cleanUrl(origin, given.termsOfService ?? given.tosURL);
	const privacy = cleanUrl(origin, given.privacyPolicy ?? given.privacyURL);
	return {
		siteName: cleanText(given.siteName, 60),
		logo: cleanLogo(origin, given.siteLogo),
		color: cleanColor(given.backgroundColor),
		email: cleanText(given.email ?? given.experimental_emailHint, 254),
		terms: terms && privacy ? { terms, privacy } : null,
		forceAuthentication: given.experimental_forceAuthentication === true,
		allowUnverified: given.experimental_allowUnverified === true,
	};
}
