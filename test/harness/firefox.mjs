// Firefox as the accounts server and the token server see it: what its page derives from a password,
// requests signed with a session, tokens. Computed by Node, with nothing of the server's or the page's.
import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto';
import http from 'node:http';

export const SYNC_SCOPE = 'https://identity.mozilla.com/apps/oldsync';
export const CLIENT_ID = '5882386c6d801776';
const NAMESPACE = 'identity.mozilla.com/picl/v1/';

export const hkdf = (secret, info, length, salt = '') => Buffer.from(hkdfSync('sha256', secret, salt, NAMESPACE + info, length));
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const xor = (a, b) => Buffer.from(a.map((byte, i) => byte ^ b[i]));

// Rounds of PBKDF2. The page does as many as here, in a quarter of a second; the server sees only what comes
// out, so a test without the page may set fewer.
export const stretching = { rounds: 650000 };
const stretchedBefore = new Map();

export function stretch(password, clientSalt) {
	const key = `${clientSalt} ${password}`;
	if (!stretchedBefore.has(key)) {
		const quick = pbkdf2Sync(password, clientSalt, stretching.rounds, 32, 'sha256');
		stretchedBefore.set(key, { authPW: hkdf(quick, 'authPW', 32).toString('hex'), unwrapBKey: hkdf(quick, 'unwrapBkey', 32) });
	}
	return stretchedBefore.get(key);
}

export const printOf = (kB) => sha256(kB).subarray(0, 16);

// The Hawk id and key of a token in hex.
export function tokenKeys(token, kind = 'sessionToken') {
	const all = hkdf(Buffer.from(token, 'hex'), kind, 96);
	return { id: all.subarray(0, 32).toString('hex'), key: all.subarray(32, 64), extra: all.subarray(64) };
}

export function hawk({ id, key }, method, url, { body, type = 'application/json', ts, nonce } = {}) {
	const { hostname, port, pathname, search } = new URL(url);
	const when = ts ?? Math.floor(Date.now() / 1000);
	const once = nonce ?? randomBytes(6).toString('base64url');
	const hash = body === undefined ? '' : sha256('hawk.1.payload\n', type, '\n', body, '\n').toString('base64');
	const text = ['hawk.1.header', when, once, method, pathname + search, hostname, port || 80, hash, '', ''].join('\n');
	const mac = createHmac('sha256', key).update(text).digest('base64');
	return `Hawk id="${id}", ts="${when}", nonce="${once}"${hash && `, hash="${hash}"`}, mac="${mac}"`;
}

export class Firefox {
	constructor(server) {
		this.server = server;
		this.agent = new http.Agent({ keepAlive: true });
	}

	close() {
		this.agent.destroy();
	}

	// Resolves to { status, headers, text, json }.
	request(method, path, { body, headers = {} } = {}) {
		const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
		const all = { ...headers };
		if (text !== undefined) Object.assign(all, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers });
		return new Promise((resolve, reject) => {
			const req = http.request(new URL(path, this.server.url), { method, headers: all, agent: this.agent }, (res) => {
				let got = '';
				res.setEncoding('utf8').on('data', (piece) => (got += piece)).on('error', reject);
				res.on('end', () => {
					let json;
					try {
						json = JSON.parse(got);
					} catch {
						json = undefined;
					}
					resolve({ status: res.statusCode, headers: res.headers, text: got, json });
				});
			});
			req.on('error', reject);
			req.end(text);
		});
	}

	// With the Hawk of the session, or of other keys.
	signed(method, path, { body, keys = this.session, ...how } = {}) {
		const text = body === undefined ? undefined : JSON.stringify(body);
		const authorization = hawk(keys, method, new URL(path, this.server.url), { body: text, ...how });
		return this.request(method, path, { body: text, headers: { Authorization: authorization } });
	}

	// Signs in as the page does; the first time it makes kB.
	async signIn(email, password) {
		const how = await this.request('POST', '/v1/account/credentials/status', { body: { email } });
		if (how.status !== 200) return how;
		const { json: status } = how;
		const { authPW, unwrapBKey } = stretch(password, status.clientSalt);
		const proof = status.upgradeNeeded ? { password, verifier: authPW } : { authPW };
		const answer = await this.request('POST', '/v1/account/login', { body: { email, ...proof } });
		if (answer.status !== 200) return answer;
		Object.assign(this, { email, clientSalt: status.clientSalt, uid: answer.json.uid, unwrapBKey, login: answer.json });
		this.session = tokenKeys(answer.json.sessionToken);
		this.kB = null;
		if (answer.json.wrapKb) {
			const kB = xor(unwrapBKey, Buffer.from(answer.json.wrapKb, 'hex'));
			this.kB = printOf(kB).toString('hex') === answer.json.keyPrint ? kB : null;
			this.keysChangedAt = answer.json.keysChangedAt;
		}
		return answer;
	}

	async setKeys(kB = randomBytes(32), expectedPrint = this.login.keyPrint) {
		const answer = await this.signed('POST', '/v1/account/keys', {
			body: { wrapKb: xor(this.unwrapBKey, kB).toString('hex'), keyPrint: printOf(kB).toString('hex'), expectedPrint },
		});
		if (answer.status === 200) Object.assign(this, { kB, keysChangedAt: answer.json.keysChangedAt });
		return answer;
	}

	async accessToken(scope = SYNC_SCOPE, more = {}) {
		return this.signed('POST', '/v1/oauth/token', { body: { grant_type: 'fxa-credentials', client_id: CLIENT_ID, scope, ...more } });
	}

	get keyId() {
		return `${this.keysChangedAt}-${printOf(this.kB).toString('base64url')}`;
	}

	// Asks the token server.
	token(accessToken, headers = {}, path = '/token/1.0/sync/1.5') {
		return this.request('GET', path, { headers: { Authorization: `Bearer ${accessToken}`, 'X-KeyID': this.keyId, ...headers } });
	}

	// A request to the storage with what the token server answered.
	storage({ id, key, api_endpoint: endpoint }, method, path, body) {
		const url = endpoint + path;
		const text = body === undefined ? undefined : JSON.stringify(body);
		// Firefox sends no hash to storage nodes.
		return this.request(method, url, { body: text, headers: { Authorization: hawk({ id, key }, method, url) } });
	}
}
