// A push service (RFC 8030) and the browsers behind it: takes pushes, checks who sends them (RFC 8292) and decrypts
// them (RFC 8291, RFC 8188) by Node's primitives, so that server and test have no code in common.
//   const service = await PushService.start();
//   const browser = service.browser();
//   await member.post('/push/subscriptions', browser.subscription);
//   const push = await browser.next((p) => p.json.seq === 3);
import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, createHash, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 20_000;
const text = (s) => Buffer.from(`${s}\0`, 'latin1');

// The plain text of one message in the coding aes128gcm, for whoever holds the keys.
export function decrypt(message, ecdh, auth) {
	const salt = message.subarray(0, 16);
	const size = message.readUInt32BE(16);
	const sender = message.subarray(21, 21 + message[20]);
	const record = message.subarray(21 + message[20]);
	assert.equal(size, 4096);
	assert.ok(message.length <= 4096, 'push services take no longer ones');
	const info = Buffer.concat([text('WebPush: info'), ecdh.getPublicKey(), sender]);
	const input = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(sender), auth, info, 32));
	const key = Buffer.from(hkdfSync('sha256', input, salt, text('Content-Encoding: aes128gcm'), 16));
	const nonce = Buffer.from(hkdfSync('sha256', input, salt, text('Content-Encoding: nonce'), 12));
	const cipher = createDecipheriv('aes-128-gcm', key, nonce);
	cipher.setAuthTag(record.subarray(-16));
	const plain = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
	const end = plain.lastIndexOf(2); // the delimiter of a last record; zeros behind it are padding
	assert.ok(end >= 0 && plain.subarray(end + 1).every((b) => b === 0));
	return plain.subarray(0, end).toString('utf8');
}

// The claims of a sender's token, if its signature is right; and the key that it is signed with.
export function senderOf(authorization) {
	const [, token, k] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization);
	const [head, claims, signature] = token.split('.');
	assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url')), { typ: 'JWT', alg: 'ES256' });
	const point = Buffer.from(k, 'base64url');
	assert.equal(point.length, 65);
	const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') } });
	const good = verify('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
	assert.ok(good, 'the token is signed by the key beside it');
	return { key: k, ...JSON.parse(Buffer.from(claims, 'base64url')) };
}

class Browser {
	pushes = []; // { headers, text, json, sender, at }
	answer = () => ({ status: 201 }); // what the service says to the next push: { status, headers, hold }

	constructor(service, path) {
		this.path = path;
		this.ecdh = createECDH('prime256v1');
		this.auth = randomBytes(16);
		this.ecdh.generateKeys();
		this.subscription = {
			endpoint: `${service.origin}${path}`,
			expirationTime: null,
			keys: { p256dh: this.ecdh.getPublicKey('base64url'), auth: this.auth.toString('base64url') },
		};
	}

	async next(passes = () => true) {
		for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(20)) {
			const found = this.pushes.find(passes);
			if (found) return found;
		}
		throw new Error(`no such push: ${JSON.stringify(this.pushes.map((p) => p.text))}`);
	}
}

export class PushService {
	browsers = new Map();
	strays = 0; // requests to paths that are no browser's, or that are no pushes

	static async start() {
		const service = new PushService();
		service.server = http.createServer((req, res) => service.#take(req, res));
		await new Promise((resolve) => service.server.listen(0, '127.0.0.1', resolve));
		service.origin = `http://127.0.0.1:${service.server.address().port}`;
		return service;
	}

	browser() {
		const browser = new Browser(this, `/push/${randomBytes(12).toString('base64url')}`);
		this.browsers.set(browser.path, browser);
		return browser;
	}

	#take(req, res) {
		const chunks = [];
		req.on('data', (c) => chunks.push(c));
		req.on('end', async () => {
			const browser = this.browsers.get(req.url);
			if (!browser || req.method !== 'POST' || req.headers['content-encoding'] !== 'aes128gcm') {
				this.strays++;
				res.writeHead(404, { 'content-length': 0 }).end();
				return;
			}
			const body = Buffer.concat(chunks);
			const plain = decrypt(body, browser.ecdh, browser.auth);
			const push = { headers: req.headers, bytes: body.length, hash: createHash('sha256').update(body).digest('hex'), text: plain, json: JSON.parse(plain), sender: senderOf(req.headers.authorization), at: Date.now() };
			browser.pushes.push(push);
			const { status, headers = {}, hold } = browser.answer(push);
			await hold;
			res.writeHead(status, { 'content-length': 0, ...headers }).end();
		});
	}

	stop() {
		this.server.closeAllConnections();
		this.server.close();
	}
}
