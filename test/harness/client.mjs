// A client of the identity service with a cookie jar: what a browser's page would send, without one.
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './patience.mjs';

const SESSION_COOKIE = /^browserid_state/;

export class Client {
	// session: one of node:http2, which is used instead of HTTP/1.1.
	constructor(baseUrl, { agent, headers = {}, session } = {}) {
		this.http2 = session;
		this.base = new URL(baseUrl);
		this.http = this.base.protocol === 'https:' ? https : http;
		this.agent = agent ?? new this.http.Agent({ keepAlive: true });
		this.headers = headers;
		this.cookies = new Map();
		this.csrf = null;
	}

	// One request; resolves to { status, headers, bytes, text, json } and keeps the cookies.
	request(method, path, { body, headers = {} } = {}) {
		const all = { ...this.headers, ...headers };
		if (this.cookies.size) all.cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
		if (body !== undefined) {
			all['content-type'] ??= 'application/json';
			all['content-length'] = Buffer.byteLength(body);
		}
		if (this.http2) return this.#overHttp2({ ':method': method, ':path': path, ...all }, body);
		return new Promise((resolve, reject) => {
			const req = this.http.request(
				{ host: this.base.hostname, port: this.base.port, method, path, headers: all, agent: this.agent },
				(res) => {
					const chunks = [];
					res.on('data', (c) => chunks.push(c));
					res.on('error', reject);
					res.on('end', () => resolve(this.#answer(res, Buffer.concat(chunks))));
				},
			);
			req.on('error', reject);
			req.end(body);
		});
	}

	#overHttp2(fields, body) {
		return new Promise((resolve, reject) => {
			const stream = this.http2.request(fields, { endStream: body === undefined });
			const chunks = [];
			let headers;
			stream.on('response', (all) => (headers = all));
			stream.on('data', (c) => chunks.push(c));
			stream.on('error', reject);
			stream.on('end', () => resolve(this.#answer({ headers, statusCode: headers[':status'] }, Buffer.concat(chunks))));
			if (body !== undefined) stream.end(body);
		});
	}

	#answer(res, bytes) {
		for (const line of res.headers['set-cookie'] ?? []) {
			const [pair] = line.split(';');
			const at = pair.indexOf('=');
			this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
		}
		const text = bytes.toString('utf8');
		let json;
		try {
			json = JSON.parse(text);
		} catch {
			json = undefined;
		}
		return { status: res.statusCode, headers: res.headers, bytes, text, json };
	}

	get(path, options) {
		return this.request('GET', path, options);
	}

	async context() {
		const answer = await this.get('/wsapi/session_context');
		this.csrf = answer.json?.csrf_token ?? null;
		return answer;
	}

	// POST of JSON with the CSRF token, which is fetched when there is none yet.
	async post(path, fields, options = {}) {
		const context = this.csrf ? null : await this.context();
		if (context && !this.csrf) return context; // refused already there
		return this.request('POST', path, { ...options, body: JSON.stringify({ ...fields, csrf: this.csrf }) });
	}

	// The same with a form as body.
	async postForm(path, fields) {
		if (!this.csrf) await this.context();
		const body = new URLSearchParams({ ...fields, csrf: this.csrf }).toString();
		return this.request('POST', path, { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
	}

	stage(email, pass, more) {
		return this.post('/wsapi/stage_user', { email, pass, site: 'http://site.example', ...more });
	}

	login(email, pass, more) {
		return this.post('/wsapi/authenticate_user', { email, pass, ephemeral: false, ...more });
	}

	// The session cookie: [name, value], or undefined.
	get session() {
		return [...this.cookies].find(([name]) => SESSION_COOKIE.test(name));
	}

	// The fields of its value; the fourth is the duration in ms.
	get sessionFields() {
		return this.session?.[1].split('.');
	}
}

// The link in the newest mail to that address, from the admin listener's outbox; its token not one of
// except, its path page if that is given.
export async function mailedLink(server, email, { page, except = [], seconds = 10 } = {}) {
	const isMeant = (url) => !except.includes(url.searchParams.get('token')) && (!page || url.pathname === page);
	for (const end = Date.now() + seconds * PATIENCE * 1000; Date.now() < end; await sleep(50)) {
		const mails = await (await fetch(`${server.adminUrl}/outbox.json`)).json();
		const links = mails.filter((m) => m.to === email && /token=[A-Za-z0-9]{48}$/.test(m.link)).map((m) => new URL(m.link));
		const link = links.find(isMeant);
		if (link) return link;
	}
	throw new Error(`no mail to ${email}`);
}

// The token in it.
export async function mailedToken(server, email, seconds = 10, except = []) {
	return (await mailedLink(server, email, { except, seconds })).searchParams.get('token');
}

// Signs up with a plain password and confirms; resolves to the client, which is then logged in.
export async function signUp(server, email, pass, options) {
	const client = new Client(server.url, options);
	const staged = await client.stage(email, pass);
	if (!staged.json?.success) throw new Error(`stage_user: ${staged.status} ${staged.text}`);
	const token = await mailedToken(server, email);
	const done = await client.post('/wsapi/complete_user_creation', { token });
	if (!done.json?.success) throw new Error(`complete_user_creation: ${done.status} ${done.text}`);
	return client;
}
