/*
 * For the provisioning page of an identity provider, which stands in a hidden frame of this server's
 * dialog and says, without asking anybody, whether the user of this browser has an address:
 *
 *	navigator.id.beginProvisioning((email, seconds) => {
 *		// not signed in as email? navigator.id.raiseProvisioningFailure('why')
 *		navigator.id.genKeyPair((publicKey) => {
 *			// certify that text for email, for so many seconds, on your server, then:
 *			navigator.id.registerCertificate(certificate);
 *		});
 *	});
 *
 * The page talks only with the server that this script was loaded from: whoever may frame it could
 * otherwise get certificates for keys of his own. On the wire it is the channel of BrowserID, scope
 * vep_prov: JSON strings { id, method, params } there, { id, result } back, "__ready" first.
 */
(function () {
	'use strict';

	const api = (navigator.id = navigator.id || {});
	if (api.beginProvisioning && !api._primaryAPIIsShimmed) {
		return; // the browser's own
	}
	const SCOPE = 'vep_prov::';
	const server = new URL(document.currentScript.src).origin;
	const dialog = window.parent;
	const waiting = new Map(); // id of a call: who gets its result
	let held = []; // messages until the dialog is there, then null
	let calls = 0;

	function post(message) {
		dialog.postMessage(JSON.stringify({ ...message, method: SCOPE + message.method }), server);
	}

	function send(message) {
		if (held) {
			held.push(message);
		} else {
			post(message);
		}
	}

	// The one that came first is pinged by the other, and answers.
	function ready(params) {
		if (held) {
			const messages = held;
			held = null;
			if (params === 'ping') {
				post({ method: '__ready', params: 'pong' });
			}
			messages.forEach(post);
		}
	}

	function receive(event) {
		if (event.source !== dialog || event.origin !== server) {
			return;
		}
		let message;
		try {
			message = JSON.parse(event.data);
		} catch {
			return;
		}
		if (message?.method === `${SCOPE}__ready`) {
			ready(message.params);
		} else if (waiting.has(message?.id) && 'result' in message) {
			const callback = waiting.get(message.id);
			waiting.delete(message.id);
			callback(message.result);
		}
	}

	function call(method, callback) {
		if (typeof callback !== 'function') {
			throw new TypeError(`navigator.id.${method}: needs a function`);
		}
		waiting.set(++calls, callback);
		send({ id: calls, method });
	}

	Object.assign(api, {
		_primaryAPIIsShimmed: true,
		beginProvisioning(callback) {
			call('beginProvisioning', ({ email, cert_duration_s }) => callback(email, cert_duration_s));
		},
		genKeyPair: (callback) => call('genKeyPair', callback),
		registerCertificate: (certificate) => send({ method: 'registerCertificate', params: certificate }),
		raiseProvisioningFailure: (reason) => send({ method: 'raiseProvisioningFailure', params: reason }),
	});
	if (dialog === window) {
		console.warn('This page is meant for a frame of the sign-in dialog; here nobody will answer it.');
	} else {
		addEventListener('message', receive);
		post({ method: '__ready', params: 'ping' });
	}
})();
