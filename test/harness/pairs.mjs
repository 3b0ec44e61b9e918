// A Plimsoll with the couples' service, and its members as clients of the REST API.
//   const server = await startPairs();
//   const [ada, bob] = await couple(server);
//   await ada.post('/messages', { text: 'hello' });
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import http from 'node:http';
import { freePort, startPlimsoll } from './plimsoll.mjs';

export const PASSWORD = 'correct horse';
const MAIL_SECONDS = 20;
const PICTURE_SECONDS = 60; // pictures come last on a busy machine

export async function startPairs(options = {}) {
	const port = options.pairsPort ?? (await freePort());
	const conf = { ...options.conf, pairs: { listen: `127.0.0.1:${port}`, min_mail_interval: '0s', ...options.conf?.pairs } };
	const server = await startPlimsoll({ ...options, conf });
	server.pairsPort = port;
	server.pairsUrl = `http://127.0.0.1:${port}`;
	return server;
}

// One request; a body is text, bytes, or what is sent as JSON. Resolves to { status, headers, raw, text, json }.
export function call(server, method, path, { body, headers = {}, token } = {}) {
	const all = { ...headers };
	if (token) all.authorization = `Bearer ${token}`;
	let bytes = body;
	if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
		bytes = JSON.stringify(body);
		all['content-type'] ??= 'application/json';
	}
	if (bytes !== undefined && !all['transfer-encoding']) all['content-length'] = Buffer.byteLength(bytes);
	return new Promise((resolve, reject) => {
		const req = http.request({ host: '127.0.0.1', port: server.pairsPort, method, path, headers: all, agent: false }, (res) => {
			const chunks = [];
			res.on('data', (c) => chunks.push(c));
			res.on('error', reject);
			res.on('end', () => {
				const raw = Buffer.concat(chunks);
				const text = raw.toString('utf8');
				let json;
				try {
					json = JSON.parse(text);
				} catch {
					json = undefined;
				}
				resolve({ status: res.statusCode, headers: res.headers, raw, text, json });
			});
		});
		req.on('error', reject);
		req.end(bytes);
	});
}

// The tokens of the mails to an address, newest first, once there are at least so many.
export async function mailTokens(server, to, kind, least = 1) {
	let found = [];
	for (let i = 0; i < MAIL_SECONDS * 20; i++) {
		const rows = await (await fetch(`${server.adminUrl}/outbox.json`)).json();
		found = rows.filter((m) => m.to === to && m.kind === kind);
		if (found.length >= least) return found.map((m) => (m.link ?? '').split('=').at(-1));
		await sleep(50);
	}
	throw new Error(`no mail ${kind} to ${to}: ${JSON.stringify(found)}`);
}

export class Member {
	constructor(server, email) {
		this.server = server;
		this.email = email;
	}

	request(method, path, body, headers) {
		return call(this.server, method, `/api/v1${path}`, { body, headers, token: this.token });
	}

	get(path) {
		return this.request('GET', path);
	}

	post(path, body = {}) {
		return this.request('POST', path, body);
	}

	patch(path, body) {
		return this.request('PATCH', path, body);
	}

	// A picture; query such as '?client_id=c1'.
	upload(bytes, query = '', path = '/media') {
		return this.request(path === '/media' ? 'POST' : 'PUT', `${path}${query}`, bytes);
	}

	// The picture once nothing more is to become of it.
	async picture(id) {
		for (let i = 0; i < PICTURE_SECONDS * 20; i++) {
			const answer = await this.get(`/media/${id}`);
			assert.equal(answer.status, 200, answer.text);
			if (answer.json.state !== 'pending') return answer.json;
			await sleep(50);
		}
		throw new Error(`picture ${id} stays pending`);
	}

	delete(path) {
		return this.request('DELETE', path);
	}

	keep(answer) {
		assert.equal(answer.status, 200, answer.text);
		this.token = answer.json.token;
		this.id = answer.json.user.id;
		return answer;
	}

	async logIn(password = PASSWORD) {
		return this.keep(await call(this.server, 'POST', '/api/v1/login', { body: { email: this.email, password } }));
	}
}

// Signed up, the mail answered, signed in.
export async function member(server, email, firstName = email.split('@')[0]) {
	const m = new Member(server, email);
	const answer = await m.post('/signup', { email, password: PASSWORD, first_name: firstName });
	assert.equal(answer.status, 202, answer.text);
	const [token] = await mailTokens(server, email, 'pairs-signup');
	m.keep(await m.post('/verify', { token }));
	assert.equal(m.id, answer.json.user_id);
	return m;
}

let counter = 0;
export async function couple(server) {
	const n = ++counter;
	const [one, two] = await Promise.all([member(server, `a${n}@example.org`), member(server, `b${n}@example.org`)]);
	await pairUp(server, one, two);
	return [one, two];
}

export async function pairUp(server, one, two) {
	const invited = await one.post('/couple/invite', { email: two.email });
	assert.equal(invited.status, 202, invited.text);
	const [token] = await mailTokens(server, two.email, 'pairs-invite');
	const accepted = await two.post('/couple/accept', { token });
	assert.equal(accepted.status, 200, accepted.text);
	one.couple = two.couple = accepted.json.couple.id;
}

// ---- with [pairs] test_doors, which no mail is needed for: members by the hundred ----

export async function doorMember(server, email) {
	const m = new Member(server, email);
	const answer = await m.post('/signup', { email, password: PASSWORD, first_name: email.split('@')[0] });
	assert.equal(answer.status, 202, answer.text);
	m.keep(await m.post('/verify', { token: answer.json.test_token }));
	return m;
}

export async function pairByDoor(one, two) {
	const invited = await one.post('/couple/invite', { email: two.email });
	assert.equal(invited.status, 202, invited.text);
	const accepted = await two.post('/couple/accept', { token: invited.json.test_token });
	assert.equal(accepted.status, 200, accepted.text);
}
