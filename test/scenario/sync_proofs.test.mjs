// Other proofs that the token server takes: access tokens that another accounts server is asked about,
// and assertions of BrowserID by an address of an account (sync.md 3.1, 3.5).
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { askCertificate, assertion, bundle, damaged, newKey } from '../harness/assertion.mjs';
import { signUp } from '../harness/client.mjs';
import { Firefox, printOf, SYNC_SCOPE } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const EMAIL = 'ada@example.org';
const USER = 'f'.repeat(32);
let server, firefox, other, owner, folder;
const signer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const asked = [];
let answer; // of the other accounts server: [status, body], or null: none at all

before(async () => {
	other = http.createServer((req, res) => {
		let body = '';
		req.on('data', (piece) => (body += piece)).on('end', () => {
			asked.push({ method: req.method, url: req.url, type: req.headers['content-type'], body });
			if (!answer) {
				req.socket.destroy();
				return;
			}
			res.writeHead(answer[0], { 'Content-Type': 'application/json' }).end(JSON.stringify(answer[1]));
		});
	});
	await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
	folder = mkdtempSync(join(tmpdir(), 'plimsoll-jwks-'));
	const jwks = join(folder, 'jwks.json');
	writeFileSync(jwks, JSON.stringify({ keys: [{ kty: 'EC', kid: 'passed over' }, { ...signer.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] }));
	server = await startPlimsoll({
		conf: { accounts: { bcrypt_cost: 4 }, sync: { oauth_verifier: `http://127.0.0.1:${other.address().port}`, oauth_jwks: jwks } },
	});
	owner = await signUp(server, EMAIL, 'correct horse');
	firefox = new Firefox(server);
	Object.assign(firefox, { kB: randomBytes(32), keysChangedAt: 1700000000123 });
});
after(async () => {
	firefox?.close();
	other?.close();
	await server?.stop();
	rmSync(folder, { recursive: true, force: true });
});

function refused(reply, status, state) {
	assert.equal(reply.status, status, reply.text);
	assert.equal(reply.json.status, state);
}

test('a token of another accounts server is asked about, and its user gets a store', async () => {
	answer = [200, { user: USER, client_id: 'x', scope: ['profile', SYNC_SCOPE], generation: 1700000000200 }];
	const first = await firefox.token('somebody elses');
	assert.equal(first.status, 200, first.text);
	assert.deepEqual(asked[0], { method: 'POST', url: '/v1/verify', type: 'application/json', body: '{"token":"somebody elses"}' });
	const put = await firefox.storage(first.json, 'PUT', '/storage/tabs/a', { payload: 'x' });
	assert.equal(put.status, 200, put.text);
	assert.equal((await firefox.token('another')).json.uid, first.json.uid);
	answer = [200, { ...answer[1], generation: 1700000000100 }];
	refused(await firefox.token('older'), 401, 'invalid-generation');
	answer = [200, { user: USER, scope: [SYNC_SCOPE] }];
	assert.equal((await firefox.token('without')).json.uid, first.json.uid, 'who does not say is believed');
});

test('what it does not know, and what it says of other scopes', async () => {
	answer = [400, { code: 400, errno: 108 }];
	refused(await firefox.token('unknown'), 401, 'invalid-credentials');
	answer = [200, { user: USER, scope: ['profile'] }];
	refused(await firefox.token('other scope'), 401, 'invalid-credentials');
	answer = [200, { scope: [SYNC_SCOPE] }];
	refused(await firefox.token('nobody'), 401, 'invalid-credentials');
});

test('when it cannot be asked the token server says so, and when to come again', async () => {
	for (const broken of [null, [500, {}], [200, 'x']]) {
		answer = broken;
		const reply = await firefox.token('any');
		assert.ok([401, 503].includes(reply.status), reply.text);
		if (broken === null || broken[0] === 500) {
			refused(reply, 503, 'error');
			assert.ok(Number(reply.headers['retry-after']) >= 10);
		}
	}
});

test('an assertion by an address of an account is a proof', async () => {
	const key = newKey();
	const certificate = (await askCertificate(owner, EMAIL, key)).text;
	const origin = server.url.replace(/\/$/, '');
	const state = printOf(firefox.kB).toString('hex');
	const ask = (text, headers = { 'X-Client-State': state }) =>
		firefox.request('GET', '/token/1.0/sync/1.5', { headers: { Authorization: `BrowserID ${text}`, ...headers } });
	const good = bundle([certificate], assertion(key, origin));
	const first = await ask(good);
	assert.equal(first.status, 200, first.text);
	assert.equal((await ask(good)).json.uid, first.json.uid);
	assert.equal((await firefox.storage(first.json, 'GET', '/info/collections')).status, 200);
	refused(await ask(good, {}), 401, 'invalid-client-state');
	for (const bad of [
		bundle([certificate], assertion(key, 'http://other.example')), bundle([certificate], assertion(newKey(), origin)),
		bundle([certificate], damaged(assertion(key, origin))), assertion(key, origin), 'x',
	]) {
		refused(await ask(bad), 401, 'invalid-credentials');
	}
});

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const nowS = () => Math.floor(Date.now() / 1000);

function signed(header, claims, key = signer.privateKey) {
	const text = `${encode(header)}.${encode(claims)}`;
	return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

function jwt(more = {}, headerMore = {}, key = signer.privateKey) {
	const claims = { sub: 'e'.repeat(32), scope: `profile ${SYNC_SCOPE}`, exp: nowS() + 60, 'fxa-generation': 1700000000200, ...more };
	return signed({ alg: 'RS256', typ: 'at+JWT', kid: 'one', ...headerMore }, claims, key);
}

test('a JWT is taken by the key that signed it, without asking', async () => {
	const before = asked.length;
	const first = await firefox.token(jwt());
	assert.equal(first.status, 200, first.text);
	assert.equal((await firefox.token(jwt({ scope: `x,${SYNC_SCOPE}` }, { typ: 'application/at+jwt', kid: undefined }))).json.uid, first.json.uid);
	const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
	for (const bad of [
		jwt({ exp: nowS() - 1 }), jwt({ exp: undefined }), jwt({ scope: 'profile' }), jwt({ sub: undefined }), jwt({}, { typ: 'JWT' }),
		jwt({}, { alg: 'none' }), jwt({}, { alg: 'HS256' }), jwt({}, { kid: 'two' }), jwt({}, {}, stranger), `${jwt()}A`, 'a.b.c', '..',
	]) {
		refused(await firefox.token(bad), 401, 'invalid-credentials');
	}
	refused(await firefox.token(jwt({ 'fxa-generation': 1700000000100 })), 401, 'invalid-generation');
	assert.equal(asked.length, before, 'nobody was asked');
});

test('events of another accounts server: a new password, and a user that is gone', async () => {
	const sub = 'd'.repeat(32);
	const token = (generation) => firefox.token(jwt({ sub, 'fxa-generation': generation }));
	const event = (events, header = {}, key = undefined, more = {}) =>
		signed({ alg: 'RS256', typ: 'secevent+jwt', kid: 'one', ...header }, { iss: 'https://accounts.example', aud: 'x', iat: nowS(), jti: 'x', sub, events, ...more }, key);
	const post = (bearer, path = '/token/1.0/webhooks/fxa/events') => firefox.request('POST', path, { headers: { Authorization: `Bearer ${bearer}` } });
	const named = (name, value) => ({ [`https://schemas.accounts.firefox.com/event/${name}`]: value });
	const password = named('password-change', { changeTime: 1700000000500 });
	const { uid } = (await token(1700000000200)).json;

	const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
	for (const bad of [event(password, {}, stranger), event(password, { typ: 'at+jwt' }), event(password, { alg: 'none' }), event('x'), event(password, {}, undefined, { sub: 1 }), jwt({ sub }), 'a.b.c', '']) {
		refused(await post(bad), 401, 'error');
	}
	const profile = await post(event(named('profile-change', {})));
	assert.deepEqual([profile.status, profile.json], [200, {}]);
	assert.equal((await token(1700000000200)).json.uid, uid, 'nothing of that changed anything');

	for (const path of ['/token/1.0/webhooks/fxa/events', '/1.0/webhooks/fxa/events']) {
		assert.equal((await post(event(password, { typ: undefined }), path)).status, 200);
	}
	refused(await token(1700000000200), 401, 'invalid-generation');
	assert.equal((await token(1700000000500)).json.uid, uid);
	assert.equal((await post(event(named('password-change', { changeTime: 9e15 })))).status, 200, 'not further than now');
	assert.equal((await token(Date.now() + 1000)).json.uid, uid);
	assert.equal((await post(event(named('delete-user', {})))).status, 200);
	refused(await token(Date.now() + 2000), 401, 'invalid-generation');
	refused(await firefox.token(event(password)), 401, 'invalid-credentials');
});
