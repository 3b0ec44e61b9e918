// Addresses whose domain has an identity provider of its own: dialog and account manager ask the
// provider, first in a hidden frame; if it does not vouch, the user goes to its page in this very window,
// signs in there and comes back to /sign_in?AUTH_RETURN (or ?AUTH_RETURN_CANCEL), from where the account
// manager is led on to its own page. Its certificate signs the user in here, or adds the address.
import { ApiError } from './api.js';
import * as device from './device.js';
import { bundleOf, faultOf, hasKey, keepKey, prepareKey, takePreparedKey } from './keys.js';
import { NotVouched, provision } from './provisioning.js';
import * as screens from './screens.js';
import { setText } from './text.js';

const CERTIFICATE_S = 6 * 3600;
const CERTIFICATE_EPHEMERAL_S = 3600;

const { element } = screens;
const isEphemeral = () => !device.staysSignedIn();
const seconds = () => (isEphemeral() ? CERTIFICATE_EPHEMERAL_S : CERTIFICATE_S);

// Where the user is sent: the name of that host is what the browser will show then.
const hostOf = (info) => new URL(info.auth).host;

// The provider's page for signing in, with the address, and with a key that it may certify there and
// then if it knows how (authentication_api.js).
function authenticationUrl({ email, info }, pubkey) {
	const url = new URL(info.auth);
	url.searchParams.set('email', email);
	if (pubkey !== null && url.hash === '') {
		url.hash = new URLSearchParams({ 'browserid-pubkey': pubkey, 'browserid-cert-duration-s': seconds() });
	}
	return url.href;
}

/*
 * One per page, which has the screens "asking", "provider", "unvouched" and "offline". page: { api;
 * context(), the newest session_context; request(), of a site that asks, or null; home, its path if it
 * is not the one that providers lead back to; joins, if addresses are for the account that is signed in
 * and never sign anybody in; done(email, issuer), called when email has a key that its provider certified
 * and this browser is signed in here; back(email, notice), to choose another address; failed(error,
 * again) }.
 */
export class Primary {
	#page;
	// The address in hand, what address_info says of it, and the site that wanted it but has gone.
	#asked = null; // { email, info, site }

	constructor(page) {
		this.#page = page;
		const { failed } = page;
		screens.onSubmit('provider', (fields) => this.#leave(fields), failed);
		screens.onClick('unvouched', '[data-again]', () => this.#go(true));
		screens.onClick('unvouched', '[data-provider]', () => this.#showProvider());
		screens.onClick('offline', '[data-again]', () => this.#askAgain());
		for (const name of ['provider', 'unvouched', 'offline']) {
			screens.onClick(name, '[data-change]', () => this.#back(null));
		}
	}

	// Takes over for an address if its provider has a say; false: it has not. isOwn: it is of the account
	// that is signed in, so nobody is asked while its key is good and the site does not want to know anew.
	async takes(email, info, isOwn) {
		if (info.type !== 'primary' && info.state !== 'offline') {
			return false;
		}
		this.#asked = { email, info };
		const { api, context, request, done } = this.#page;
		const isAnew = request()?.params.forceAuthentication;
		if (isOwn && !isAnew && (await hasKey(api, context(), email, info.issuer))) {
			await done(email, info.issuer);
		} else if (info.state === 'offline') {
			screens.show('offline', { email });
		} else if (isAnew) {
			this.#showProvider('provider_anew');
		} else {
			await this.#ask(false);
		}
		return true;
	}

	// Takes over if this window comes back from a provider's page.
	async takesReturn() {
		const query = new URLSearchParams(location.search);
		const certificate = new URLSearchParams(location.hash.slice(1)).get('certificate');
		const detour = device.takeDetour();
		const { request, home = null, back } = this.#page;
		if (!query.has('AUTH_RETURN') && !query.has('AUTH_RETURN_CANCEL')) {
			return false;
		}
		if (detour?.home && detour.home !== home) {
			device.rememberDetour(detour);
			location.replace(`${detour.home}${location.search}${location.hash}`);
			return true;
		}
		history.replaceState(null, '', location.pathname); // once only
		// What the user agreed to for one site is not done for another that took its place.
		if (!detour || (request() && request().origin !== detour.origin)) {
			return false;
		}
		const key = await takePreparedKey(detour.nonce);
		this.#asked = { email: detour.email, info: detour.info, site: request() ? null : detour.site };
		if (query.has('AUTH_RETURN_CANCEL')) {
			await back(detour.email, 'provider_cancelled');
		} else {
			await this.#go(true, certificate && key && { ...key, certificate });
		}
		return true;
	}

	// ---- asking the provider ----

	async #askAgain() {
		try {
			const { email } = this.#asked;
			if (!(await this.takes(email, await this.#page.api.get('address_info', { email }), false))) {
				await this.#page.back(email, null);
			}
		} catch (error) {
			this.#page.failed(error, () => this.#askAgain());
		}
	}

	async #back(notice) {
		try {
			await this.#page.back(this.#asked.email, notice);
		} catch (error) {
			this.#page.failed(error, () => this.#back(notice));
		}
	}

	async #go(hasReturned, certified) {
		try {
			await this.#ask(hasReturned, certified);
		} catch (error) {
			this.#page.failed(error, () => this.#go(hasReturned, certified));
		}
	}

	// hasReturned: from the provider's page, perhaps with a certified key.
	async #ask(hasReturned, certified = null) {
		const { info } = this.#asked;
		let record;
		screens.show('asking', { provider: hostOf(info) });
		try {
			record = certified ? this.#checked(certified) : await this.#provision();
		} catch (error) {
			if (!(error instanceof NotVouched)) {
				throw error;
			}
			if (hasReturned) {
				this.#showUnvouched(error);
			} else {
				this.#showProvider(error.kind === 'silent' ? 'provider_silent' : null);
			}
			return;
		}
		await this.#signIn(record);
		await this.#finish(record);
	}

	#expected() {
		const { email, info } = this.#asked;
		return { email, issuer: info.issuer, seconds: seconds() };
	}

	#provision() {
		return provision(this.#asked.info.prov, this.#expected(), () => this.#page.api.now());
	}

	#checked({ certificate, ...key }) {
		const expected = this.#expected();
		const fault = faultOf(certificate, key, expected, this.#page.api.now());
		if (fault) {
			throw new NotVouched('failed', fault);
		}
		return { email: expected.email, ...key, certificate, issuer: expected.issuer };
	}

	// ---- what the certificate is good for here ----

	async #signIn(record) {
		const { api, joins = false } = this.#page;
		const { authenticated } = await api.context();
		if (!authenticated && !joins) {
			const assertion = await bundleOf(api, record, location.origin);
			await this.#post('auth_with_assertion', { assertion, ephemeral: isEphemeral() });
			return;
		}
		const { emails } = await api.get('list_emails'); // refused if a session has ended on the way
		if (!emails.includes(record.email)) {
			await this.#post('add_email_with_assertion', { assertion: await bundleOf(api, record, location.origin) });
		} else if (this.#asked.info.state === 'transition_to_primary') {
			await this.#post('used_address_as_primary', { email: record.email });
		}
	}

	async #post(operation, fields) {
		const answer = await this.#page.api.post(operation, fields);
		if (!answer.success) {
			throw new ApiError('refused', { reason: answer.reason ?? '' });
		}
	}

	async #finish(record) {
		await keepKey(record, isEphemeral());
		if (this.#asked.site) {
			screens.show('gone', { site: this.#asked.site });
			return;
		}
		await this.#page.done(record.email, record.issuer);
	}

	// ---- screens ----

	#showProvider(notice = null) {
		const { email, info } = this.#asked;
		const moves = info.state === 'transition_to_primary' ? 'provider_new' : null;
		const { stay } = element('provider', 'form').elements;
		if (stay) {
			stay.checked = device.staysSignedIn();
		}
		screens.showNotice('provider', notice ?? moves);
		screens.show('provider', { email, provider: hostOf(info) });
	}

	#showUnvouched(error) {
		const { email, info } = this.#asked;
		const provider = hostOf(info);
		const key = error.kind === 'silent' || error.message === '' ? 'unvouched_silent' : 'unvouched_because';
		setText(element('unvouched', '[data-why]'), key, { provider, reason: error.message });
		screens.show('unvouched', { email, provider });
	}

	async #leave({ stay }) {
		if (stay) {
			device.rememberStay(stay.checked);
		}
		const { email, info } = this.#asked;
		const { home = null } = this.#page;
		const request = this.#page.request();
		const nonce = crypto.randomUUID();
		const pubkey = await prepareKey(nonce);
		const site = request && (request.params.siteName || new URL(request.origin).host);
		device.rememberDetour({ nonce, email, info, origin: request?.origin ?? null, site, home });
		location.assign(authenticationUrl(this.#asked, pubkey));
	}
}
