// People at the pages of the symbol server: a server whose pages can be signed in to, and a session as a
// browser has it.
import { Client, signUp } from './client.mjs';
import { askCertificate, assertion, bundle, newKey } from './assertion.mjs';
import { freePort, startPlimsoll } from './plimsoll.mjs';

export async function startWithPages(options = {}) {
	const ports = { web: await freePort(), admin: await freePort(), symbols: await freePort() };
	const symbols = { public_url: `http://127.0.0.1:${ports.symbols}`, ...options.conf?.symbols };
	return startPlimsoll({ ...options, ports, conf: { ...options.conf, symbols } });
}

// What a page posts to sign in: an assertion by an address, whose account is made if it has none.
export async function assertionOf(server, email, { audience = server.symbolsUrl, client } = {}) {
	const owner = client ?? (await signUp(server, email, 'correct horse'));
	const key = newKey();
	return bundle([(await askCertificate(owner, email, key)).text], assertion(key, audience));
}

// A session at the symbol server: get, post (a form), del; each with the cookie and the CSRF token.
export class Person {
	constructor(server) {
		this.server = server;
		this.client = new Client(server.symbolsUrl);
		this.csrf = '';
	}

	async signIn(text) {
		const answer = await this.client.request('POST', '/api/_auth/', { body: JSON.stringify({ assertion: text }), headers: { origin: this.server.symbolsUrl } });
		if (answer.status === 200) this.csrf = (await this.get('/api/_auth/')).json.csrf_token;
		return answer;
	}

	get(path) {
		return this.client.get(path);
	}

	post(path, fields, headers = {}) {
		return this.client.request('POST', path, { body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-csrf-token': this.csrf, ...headers } });
	}

	del(path, headers = {}) {
		return this.client.request('DELETE', path, { headers: { 'x-csrf-token': this.csrf, ...headers } });
	}
}

export async function signedIn(server, email, options) {
	const person = new Person(server);
	const answer = await person.signIn(await assertionOf(server, email, options));
	if (answer.status !== 200) throw new Error(`sign in: ${answer.status} ${answer.text}`);
	return person;
}
