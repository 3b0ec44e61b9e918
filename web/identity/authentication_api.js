/*
 * For the page of an identity provider on which people sign in. This server's dialog leads there,
 * and one of two calls leads back:
 *
 *	navigator.id.beginAuthentication((email, offer) => { ... });
 *	navigator.id.completeAuthentication();          // signed in as email
 *	navigator.id.raiseAuthenticationFailure('why'); // not
 *
 * Then the dialog asks the provisioning page again. Browsers that block third-party cookies hide
 * from that page, which is in a frame, who is signed in. So a page may certify the user's key here
 * and now: offer is { pubkey, cert_duration_s }, or undefined where the browser cannot keep the key,
 * and completeAuthentication(certificate) takes the certificate along. Pages that know nothing of
 * offers work as they always did (doc/decisions/0035).
 */
(function () {
	'use strict';

	const api = (navigator.id = navigator.id || {});
	if (api.beginAuthentication && !api._primaryAPIIsShimmed) {
		return; // the browser's own
	}
	const ARRIVED = 'browserid.authentication'; // of this window: { email, offer }
	const server = new URL(document.currentScript.src).origin;

	// The dialog sends people to ?email=E#browserid-pubkey=K&browserid-cert-duration-s=N. Signing in
	// may take several pages of the provider, so what came with the first is kept for the others.
	function arrived() {
		const email = new URLSearchParams(location.search).get('email');
		const offered = new URLSearchParams(location.hash.slice(1));
		const pubkey = offered.get('browserid-pubkey');
		const cert_duration_s = Number(offered.get('browserid-cert-duration-s'));
		const offer = pubkey && cert_duration_s > 0 ? { pubkey, cert_duration_s } : undefined;
		try {
			if (email !== null) {
				sessionStorage.setItem(ARRIVED, JSON.stringify({ email, offer }));
			}
			return JSON.parse(sessionStorage.getItem(ARRIVED)) ?? { email };
		} catch {
			return { email, offer }; // storage is off
		}
	}

	const { email, offer } = arrived();

	function leave(how, fragment = '') {
		try {
			sessionStorage.removeItem(ARRIVED);
		} catch {
			// Storage is off.
		}
		location.assign(`${server}/sign_in?${how}${fragment}`);
	}

	Object.assign(api, {
		_primaryAPIIsShimmed: true,
		beginAuthentication(callback) {
			if (typeof callback !== 'function') {
				throw new TypeError('navigator.id.beginAuthentication: needs a function');
			}
			setTimeout(() => callback(email, offer));
		},
		completeAuthentication(certificate) {
			const isThere = typeof certificate === 'string';
			leave('AUTH_RETURN', isThere ? `#${new URLSearchParams({ certificate })}` : '');
		},
		raiseAuthenticationFailure: () => leave('AUTH_RETURN_CANCEL'),
	});
})();
