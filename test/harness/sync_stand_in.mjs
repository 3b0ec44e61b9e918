// A stand-in for sync: accounts, token server, storage 1.5 and 1.1, kept in memory. It checks what arrives:
// the MAC and the hash of Hawk (computed here with Node's own crypto), nonces, times of writes; and keeps
// what each device asked for, in order.
import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto';

const NS = 'identity.mozilla.com/picl/v1/';
const PASSWORD = 'THE PASSWORD';

function hawkFields(header) {
	if (!header?.startsWith('Hawk ')) return null;
	return Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
}

export class SyncStandIn {
	constructor() {
		this.faults = [];
		this.sessions = new Map(); // Hawk id -> { key, user }
		this.tokens = new Map(); // Hawk id -> { key, user, log }
		this.oauth = new Map(); // access token -> user
		this.keys = new Map(); // user -> { wrapKb, keyPrint, keysChangedAt }
		this.stores = new Map(); // user -> Map(collection -> { time, records })
		this.nonces = new Set();
		this.clock = 1700000000;
		this.logs = []; // one per token: [user, "GET /info/collections", ...]
		this.basic = [];
	}

	fault = (text) => this.faults.push(text);

	checkHawk(req, body, keys) {
		const f = hawkFields(req.headers.authorization);
		const known = f && keys.get(f.id);
		if (!known) return null;
		const [host, port] = req.headers.host.split(':');
		const mac = createHmac('sha256', known.key).update(['hawk.1.header', f.ts, f.nonce, req.method, req.url, host, port, f.hash ?? '', f.ext ?? '', ''].join('\n')).digest('base64');
		if (mac !== f.mac) this.fault(`mac of ${req.method} ${req.url}`);
		if (this.nonces.has(`${f.id} ${f.ts} ${f.nonce}`)) this.fault('a nonce twice');
		this.nonces.add(`${f.id} ${f.ts} ${f.nonce}`);
		if (Math.abs(f.ts - Date.now() / 1000) > 60) this.fault(`ts ${f.ts}`);
		if (f.hash !== undefined) {
			const type = req.headers['content-type'].split(';')[0];
			if (createHash('sha256').update(`hawk.1.payload\n${type}\n${body}\n`).digest('base64') !== f.hash) this.fault(`hash of ${req.url}`);
		}
		return { ...known, hashed: f.hash !== undefined };
	}

	// Fewer rounds than a real one may ask for.
	howStretched(body) {
		return [200, { upgradeNeeded: false, currentVersion: 'v2', clientSalt: this.salt(JSON.parse(body).email), rounds: 1000 }];
	}

	salt = (email) => `${NS}quickStretchV2:${createHash('sha256').update(email).digest('hex').slice(0, 32)}`;

	login(body) {
		const { email, authPW } = JSON.parse(body);
		const quick = pbkdf2Sync(PASSWORD, this.salt(email), 1000, 32, 'sha256');
		if (Buffer.from(hkdfSync('sha256', quick, '', `${NS}authPW`, 32)).toString('hex') !== authPW) return [400, { errno: 103 }];
		const token = randomBytes(32);
		const bytes = Buffer.from(hkdfSync('sha256', token, '', `${NS}sessionToken`, 96));
		this.sessions.set(bytes.subarray(0, 32).toString('hex'), { key: bytes.subarray(32, 64), user: email });
		const keys = this.keys.get(email) ?? { wrapKb: '', keyPrint: '', keysChangedAt: 0 };
		return [200, { uid: '0'.repeat(32), sessionToken: token.toString('hex'), verified: true, ...keys }];
	}

	makeKey(req, body) {
		const session = this.checkHawk(req, body, this.sessions);
		const { wrapKb, keyPrint, expectedPrint } = JSON.parse(body);
		if (!session?.hashed || this.keys.has(session.user) || expectedPrint !== '' || !/^[0-9a-f]{64}$/.test(wrapKb) || !/^[0-9a-f]{32}$/.test(keyPrint)) this.fault(`keys: ${body}`);
		this.keys.set(session.user, { wrapKb, keyPrint, keysChangedAt: 1700000000123 });
		return [200, { keysChangedAt: 1700000000123 }];
	}

	oauthToken(req, body) {
		const session = this.checkHawk(req, body, this.sessions);
		if (!session?.hashed) return [401, { errno: 110 }];
		const want = JSON.parse(body);
		if (want.grant_type !== 'fxa-credentials' || want.scope !== 'https://identity.mozilla.com/apps/oldsync') this.fault(`oauth: ${body}`);
		const token = randomBytes(16).toString('hex');
		this.oauth.set(token, session.user);
		return [200, { access_token: token, scope: want.scope, token_type: 'bearer', expires_in: want.ttl }];
	}

	token(req) {
		const user = this.oauth.get(req.headers.authorization?.replace(/^Bearer /, ''));
		const [, time, print] = /^(\d+)-([\w-]{22})$/.exec(req.headers['x-keyid'] ?? '') ?? [];
		if (!user || !time) return [401, { status: 'invalid-credentials' }];
		const keys = this.keys.get(user);
		if (Number(time) !== keys?.keysChangedAt || keys.keyPrint !== req.headers['x-client-state'] || Buffer.from(print, 'base64url').toString('hex') !== keys.keyPrint) this.fault('X-KeyID or X-Client-State');
		const [id, key] = [randomBytes(30).toString('base64url'), randomBytes(33).toString('base64url')];
		const log = [user];
		this.tokens.set(id, { key, user, log });
		this.logs.push(log);
		return [200, { id, key, uid: 42, api_endpoint: `http://${req.headers.host}/1.5/42`, duration: 3600, hashed_fxa_uid: 'x' }];
	}

	// [status, value, time of the resource]
	storage(store, method, path, query, body, headers) {
		const [, what, collection, id] = path.split('/');
		if (what === 'info') return [200, collection === 'configuration' ? { max_post_records: 100 } : Object.fromEntries([...store].map(([name, c]) => [name, c.time]))];
		if (what !== 'storage') return [404, 0];
		const found = store.get(collection);
		const since = headers['x-if-unmodified-since'];
		if (since !== undefined && method !== 'GET' && (id ? found?.records.get(id)?.time : found?.time) > Number(since)) return [412, 0];
		if (method === 'DELETE') {
			if (!collection) store.clear();
			else if (!query.has('ids')) store.delete(collection);
			return [200, {}];
		}
		if (method === 'GET' && id) return found?.records.has(id) ? [200, found.records.get(id)] : [404, 0];
		if (method === 'GET') return [200, [...(found?.records.values() ?? [])].filter((r) => !(r.time <= Number(query.get('newer'))))];
		const time = ++this.clock;
		const kept = found ?? { time: 0, records: new Map() };
		store.set(collection, kept);
		const value = JSON.parse(body);
		for (const record of Array.isArray(value) ? value : [{ id, ...value }]) {
			if (!(record.id?.length <= 64) || typeof record.payload !== 'string') this.fault(`record of ${path}`);
			kept.records.set(record.id, { ...record, time });
		}
		if (query.get('batch') === 'true' && !query.has('commit')) return [202, { batch: `b${time}`, success: [], failed: {} }, time - 1];
		kept.time = time;
		return [200, id ? time : { modified: time, success: [], failed: {} }, time];
	}

	answer(req, body) {
		const url = new URL(req.url, 'http://x');
		const path = url.pathname;
		if (path === '/v1/account/credentials/status') return this.howStretched(body);
		if (path === '/v1/account/login') return this.login(body);
		if (path === '/v1/account/keys') return this.makeKey(req, body);
		if (path === '/v1/oauth/token') return this.oauthToken(req, body);
		if (path === '/token/1.0/sync/1.5') return this.token(req);
		const old = /^\/1\.1\/(user\d+)(\/.*)$/.exec(path);
		if (old) {
			if (req.headers.authorization !== `Basic ${Buffer.from(`${old[1]}:${PASSWORD}`).toString('base64')}`) this.fault('Basic');
			if (req.method === 'DELETE' && !req.headers['x-confirm-delete']) this.fault('X-Confirm-Delete');
			this.basic.push(`${req.method} ${old[2]}`);
			return this.storage(this.storeOf(old[1]), req.method, old[2], url.searchParams, body, {});
		}
		const token = this.checkHawk(req, body, this.tokens);
		const inside = /^\/1\.5\/42(\/.*)$/.exec(path);
		if (!token || !inside) return [token ? 404 : 401, 0];
		if (req.headers.accept !== 'application/json;q=0.9,*/*;q=0.2') this.fault(`Accept: ${req.headers.accept}`);
		if (['PUT', 'POST'].includes(req.method) && req.headers['content-type'] !== 'text/plain') this.fault(`Content-Type: ${req.headers['content-type']}`);
		token.log.push(`${req.method} ${inside[1]}${url.search}`);
		return this.storage(this.storeOf(token.user), req.method, inside[1], url.searchParams, body, req.headers);
	}

	storeOf(user) {
		if (!this.stores.has(user)) this.stores.set(user, new Map());
		return this.stores.get(user);
	}

	request = (req, res) => {
		let body = '';
		req.on('data', (chunk) => (body += chunk)).on('end', () => {
			const [status, value, time] = this.answer(req, body);
			if (time) res.setHeader('X-Last-Modified', time.toFixed(2));
			res.setHeader('X-Weave-Timestamp', String(this.clock));
			res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
		});
	};
}
