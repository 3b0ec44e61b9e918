// A user of the storage: makes his own token, as a token server that shares the secret would, and
// signs each request with Hawk. Speaks raw bytes over one connection.
//   const user = new SyncUser(server, 42);
//   const answer = await user.put('/storage/meta/global', { payload: 'x' });
//   answer.status, answer.headers, answer.text, answer.json
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Raw } from '../scenario/lib/raw.mjs';

export const SECRET = 'correct horse battery staple';
const TOKENLIB = 'services.mozilla.com/tokenlib/v1/';

const padded = (bytes) => Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

export function makeToken(says, secret = SECRET) {
	const text = Buffer.from(JSON.stringify(says));
	const signing = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `${TOKENLIB}signing`, 32));
	const token = padded(Buffer.concat([text, createHmac('sha256', signing).update(text).digest()]));
	const key = padded(hkdfSync('sha256', secret, says.salt, `${TOKENLIB}derive/${token}`, 32));
	return { id: token, key };
}

export function hawkHeader(token, method, target, host, port, { ts = Math.floor(Date.now() / 1000), nonce = randomBytes(9).toString('base64') } = {}) {
	const text = `hawk.1.header\n${ts}\n${nonce}\n${method}\n${target}\n${host}\n${port}\n\n\n`;
	const mac = createHmac('sha256', token.key).update(text).digest('base64');
	return `Hawk id="${token.id}", ts="${ts}", nonce="${nonce}", mac="${mac}"`;
}

export class SyncUser {
	// token: other members of the token, or null for requests without.
	constructor(server, uid, token = {}) {
		this.port = server.ports.web;
		this.prefix = `/1.5/${uid}`;
		const says = { uid, node: server.url, expires: Math.floor(Date.now() / 1000) + 3600, salt: 'a1b2c3', ...token };
		this.token = token === null ? null : makeToken(says);
		this.raw = null;
		this.patienceMs = undefined; // how long an answer may take, where the usual time is too short
	}

	async connection() {
		if (this.raw === null || this.raw.ended) {
			this.raw = await Raw.connect(this.port);
			this.raw.patienceMs = this.patienceMs ?? this.raw.patienceMs;
		}
		return this.raw;
	}

	head(method, target, headers, body) {
		const fields = { Host: `127.0.0.1:${this.port}`, ...headers };
		if (this.token !== null && !('Authorization' in fields)) fields.Authorization = hawkHeader(this.token, method, target, '127.0.0.1', this.port);
		if (body !== undefined && !('Content-Length' in fields) && !('Transfer-Encoding' in fields)) fields['Content-Length'] = body.length;
		const lines = Object.entries(fields).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
		return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
	}

	// path begins behind the uid; headers with the value null are left out.
	async request(method, path, { headers = {}, body } = {}) {
		const target = path.startsWith('//') ? path.slice(1) : this.prefix + path;
		const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
		const raw = await this.connection();
		await raw.send(this.head(method, target, headers, bytes));
		if (bytes !== undefined) raw.socket.write(bytes);
		const answer = await raw.read(method);
		answer.text = answer.body.toString('utf8');
		try {
			answer.json = JSON.parse(answer.text);
		} catch {
			answer.json = undefined;
		}
		return answer;
	}

	get(path, headers) {
		return this.request('GET', path, { headers });
	}

	put(path, body, headers) {
		return this.request('PUT', path, { body, headers: { 'Content-Type': 'application/json', ...headers } });
	}

	post(path, body, headers) {
		return this.request('POST', path, { body, headers: { 'Content-Type': 'application/json', ...headers } });
	}

	del(path, headers) {
		return this.request('DELETE', path, { headers });
	}

	close() {
		this.raw?.destroy();
		this.raw = null;
	}
}

// The time that an answer tells, in hundredths of a second.
export const hundredths = (text) => {
	const match = /^(\d+)\.(\d\d)$/.exec(text);
	if (!match) throw new Error(`not a time with two decimals: ${text}`);
	return Number(match[1]) * 100 + Number(match[2]);
};
