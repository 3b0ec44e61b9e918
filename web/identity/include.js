/*
 * Sign-in by e-mail address for a web site. A page loads this script from the identity server and,
 * when its visitor clicks "sign in", calls one function:
 *
 *	const assertion = await navigator.id.get({ siteName: 'Example' });   // null: not signed in
 *
 * and posts the assertion to its own server, which asks the identity server's /verify what it
 * proves. The site keeps its own session; nothing here remembers who is signed in. The older form
 * watch / request / logout is there too and works the same way: onlogin gets the assertion.
 *
 * Everything happens in a window of the identity server (a first-party page), never in a hidden
 * frame: it works where third-party cookies are blocked.
 */
(function () {
	'use strict';

	const server = new URL(document.currentScript.src).origin;
	const POLL_MS = 400;
	let dialog = null; // { popup, params, done, timer, seenClosed }
	let observers = null;
	let style = null; // "watch" or "get": a site uses one of the two

	function features() {
		const width = Math.min(460, screen.availWidth);
		const height = Math.min(680, screen.availHeight);
		const left = Math.max(0, Math.round(window.screenX + (window.outerWidth - width) / 2));
		const top = Math.max(0, Math.round(window.screenY + (window.outerHeight - height) / 3));
		return `popup,width=${width},height=${height},left=${left},top=${top}`;
	}

	function finish(assertion, why) {
		const { timer, done } = dialog;
		clearInterval(timer);
		removeEventListener('message', receive);
		dialog = null;
		done(assertion, why);
	}

	function send(message) {
		dialog.popup.postMessage(JSON.stringify(message), server);
	}

	function receive(event) {
		if (!dialog || event.origin !== server || event.source !== dialog.popup) {
			return;
		}
		let message;
		try {
			message = JSON.parse(event.data);
		} catch {
			return;
		}
		if (message.a === 'ready') {
			send({ a: 'request', d: { method: 'get', params: dialog.params } });
		} else if (message.a === 'response' && typeof message.d.assertion === 'string') {
			finish(message.d.assertion);
		} else if (message.a === 'error') {
			finish(null, 'closed');
		}
	}

	// An answer may still be on its way when the window is seen closed, so look twice.
	function watchForClose() {
		if (dialog.popup.closed && dialog.seenClosed) {
			finish(null, 'closed');
		} else {
			dialog.seenClosed = dialog.popup.closed;
		}
	}

	// Opens the dialog; done(assertion) or done(null, 'closed' | 'blocked' | 'replaced').
	function open(options, done) {
		if (dialog) {
			finish(null, 'replaced');
		}
		addEventListener('message', receive);
		const popup = window.open(`${server}/sign_in`, 'plimsoll_sign_in', features());
		dialog = { popup, params: { ...options }, done, seenClosed: false };
		if (!popup) {
			finish(null, 'blocked');
			return;
		}
		dialog.timer = setInterval(watchForClose, POLL_MS);
		popup.focus();
	}

	function use(wanted) {
		if (style && style !== wanted) {
			throw new Error('navigator.id: use watch and request, or get, but not both');
		}
		style = wanted;
	}

	/*
	 * watch({ onlogin, onlogout, onready, onmatch, loggedInUser }): says what request() and
	 * logout() call. The site's own session decides who is signed in, so nothing but onready is
	 * called without a click, and onmatch when the site says who is signed in (null: nobody).
	 * Without onlogout ("stateless") there is nothing to match.
	 */
	function watch(options) {
		if (!options || typeof options.onlogin !== 'function') {
			throw new TypeError('navigator.id.watch: onlogin must be a function');
		}
		for (const name of ['onlogout', 'onready', 'onmatch']) {
			if (options[name] && typeof options[name] !== 'function') {
				throw new TypeError(`navigator.id.watch: ${name} must be a function`);
			}
		}
		const user = options.loggedInUser === undefined ? options.loggedInEmail : options.loggedInUser;
		if (!options.onlogout && (user !== undefined || options.onmatch)) {
			throw new Error('navigator.id.watch: loggedInUser and onmatch need onlogout');
		}
		use('watch');
		observers = options;
		setTimeout(() => {
			if (user !== undefined && options.onmatch) {
				options.onmatch();
			}
			if (options.onready) {
				options.onready();
			}
		});
	}

	/*
	 * request(options), from a click: siteName, siteLogo, backgroundColor, email (a hint),
	 * termsOfService with privacyPolicy, oncancel; experimental_forceAuthentication (asks for the
	 * password again), experimental_allowUnverified.
	 */
	function request(options = {}) {
		const { onlogin, onlogout, onready, onmatch, loggedInUser, loggedInEmail, ...site } = observers || {};
		if (!onlogin) {
			throw new Error('navigator.id.request: call navigator.id.watch first');
		}
		open({ ...site, ...options }, (assertion, why) => {
			if (assertion) {
				onlogin(assertion);
			} else if (options.oncancel) {
				options.oncancel(why);
			}
		});
	}

	/* Ends nothing here, where nothing is kept: it is the site's onlogout that signs out. */
	function logout(callback) {
		setTimeout(() => {
			if (observers && observers.onlogout) {
				observers.onlogout();
			}
			if (typeof callback === 'function') {
				callback();
			}
		});
	}

	/* get(options) gives a promise; get(callback, options) is the older form. */
	function get(first, second) {
		use('get');
		if (typeof first === 'function') {
			open(second, (assertion) => first(assertion));
			return undefined;
		}
		return new Promise((resolve) => open(first, resolve));
	}

	const api = (navigator.id = navigator.id || {});
	if (api.request && !api._shimmed) {
		return; // the browser's own
	}
	Object.assign(api, {
		_shimmed: true,
		watch,
		request,
		logout,
		get,
		getVerifiedEmail: (callback) => get(callback),
	});
})();
