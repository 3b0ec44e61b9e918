// The accounts server for Firefox and the token server: what a browser asks between signing in and its
// first request to the storage, and who is turned away (sync.md 3, 6).
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import test, { after, before } from 'node:test';
import { Client, signUp } from '../harness/client.mjs';
import { CLIENT_ID, Firefox, hawk, hkdf, printOf, stretch, stretching, SYNC_SCOPE, tokenKeys } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const PASS = 'correct horse';
const EMAIL = 'ada@example.org';
let server;
const browsers = [];

stretching.rounds = 1000;
before(async () => {
	server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: 4, bcrypt_cost_stretched: 4 } } });
	await signUp(server, EMAIL, PASS);
});
after(async () => {
	for (const browser of browsers) browser.close();
	await server?.stop();
});

async function signedIn(email = EMAIL, password = PASS) {
	const firefox = new Firefox(server);
	browsers.push(firefox);
	const answer = await firefox.signIn(email, password);
	assert.equal(answer.status, 200, answer.text);
	if (!firefox.kB) assert.equal((await firefox.setKeys()).status, 200);
	return firefox;
}

const owners = new Map(); // by address: a client of the site, logged in
let counter = 0;
async function newAccount(password = PASS) {
	const email = `u${++counter}@example.com`;
	owners.set(email, await signUp(server, email, password));
	return email;
}

function refused(answer, status, errno) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.code, status);
	assert.equal(answer.json.errno, errno, answer.text);
	assert.ok(answer.json.message && answer.json.error && answer.json.info);
}

function noToken(answer, status, state) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.status, state);
	assert.deepEqual(Object.keys(answer.json.errors[0]), ['location', 'name', 'description']);
}

test('Firefox is told where everything is', async () => {
	for (const base of ['', '/firefox']) {
		const { status, json, headers } = await new Client(server.url).get(`${base}/.well-known/fxa-client-configuration`);
		assert.equal(status, 200);
		const origin = server.url.replace(/\/$/, '');
		assert.deepEqual(json, {
			auth_server_base_url: origin, oauth_server_base_url: origin, profile_server_base_url: origin,
			pairing_server_base_uri: '', sync_tokenserver_base_url: `${origin}/token`,
		});
		assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 5000);
	}
});

test('Firefox on phones is told more, in a second document', async () => {
	const origin = server.url.replace(/\/$/, '');
	for (const base of ['', '/firefox']) {
		const { status, json } = await new Client(server.url).get(`${base}/.well-known/openid-configuration`);
		assert.equal(status, 200);
		assert.deepEqual(json, {
			issuer: origin, authorization_endpoint: `${origin}/firefox/`, token_endpoint: `${origin}/v1/oauth/token`,
			introspection_endpoint: `${origin}/v1/introspect`, revocation_endpoint: `${origin}/v1/oauth/destroy`,
			userinfo_endpoint: `${origin}/v1/profile`, jwks_uri: `${origin}/v1/jwks`, response_types_supported: ['code'],
		});
	}
	assert.deepEqual((await new Client(server.url).get('/v1/jwks')).json, { keys: [] });
	const again = await new Client(server.url).get('/oauth/force_auth?state=x');
	assert.deepEqual([again.status, again.headers.location], [302, '/firefox/?state=x']);
});

test('the whole way: signed in, a token, a record written and read by a second browser', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const grant = await one.accessToken();
	assert.equal(grant.status, 200, grant.text);
	assert.deepEqual([grant.json.token_type, grant.json.scope, grant.json.expires_in], ['bearer', SYNC_SCOPE, 3600]);
	const token = await one.token(grant.json.access_token);
	assert.equal(token.status, 200, token.text);
	const { uid, key, duration, api_endpoint: endpoint, hashed_fxa_uid: hashed, node_type: node, hashalg } = token.json;
	assert.ok(uid > 0 && key.length === 44 && duration === 3600 && hashalg === 'sha256' && node === (server.store?.engine ?? 'sqlite'));
	assert.match(hashed, /^[0-9a-f]{32}$/);
	assert.equal(endpoint, `${server.url.replace(/\/$/, '')}/1.5/${uid}`);
	assert.ok(Math.abs(Number(token.headers['x-timestamp']) - Date.now() / 1000) < 5);
	const put = await one.storage(token.json, 'PUT', '/storage/bookmarks/abc', { payload: 'sealed' });
	assert.equal(put.status, 200, put.text);

	const two = await signedIn(email);
	assert.deepEqual(two.kB, one.kB, 'unwrapped with the password');
	const second = await two.token((await two.accessToken()).json.access_token);
	assert.equal(second.json.uid, uid);
	const got = await two.storage(second.json, 'GET', '/storage/bookmarks/abc');
	assert.equal(got.json.payload, 'sealed');
});

test('a request to the storage is taken once, as it was signed, with our token', async () => {
	const one = await signedIn();
	const { json } = await one.token((await one.accessToken()).json.access_token);
	const path = new URL(`${json.api_endpoint}/info/collections`);
	const sign = (ts, nonce, to = path, secret = json.key) => {
		const text = ['hawk.1.header', ts, nonce, 'GET', to.pathname, to.hostname, to.port, '', '', ''].join('\n');
		const mac = createHmac('sha256', secret).update(text).digest('base64');
		return { Authorization: `Hawk id="${json.id}", ts="${ts}", nonce="${nonce}", mac="${mac}"` };
	};
	const now = Math.floor(Date.now() / 1000);
	const get = async (headers) => one.request('GET', path.href, { headers });
	assert.equal((await get(sign(now, 'first'))).status, 200);
	// By many connections, so by every web process.
	for (let i = 0; i < 6; i++) {
		const other = new Firefox(server);
		const again = await other.request('GET', path.href, { headers: sign(now, 'first') });
		other.close();
		assert.deepEqual([again.status, again.text], [401, '0']);
	}
	for (const headers of [
		sign(now, 'x', path, json.key.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))), sign(now, 'y', new URL('/1.5/1/info/quota', path)),
		sign(now - 365 * 24 * 3600, 'z'), {}, { Authorization: 'Hawk id="x"' }, { Authorization: `Bearer ${json.id}` },
	]) {
		const answer = await get(headers);
		assert.deepEqual([answer.status, answer.text], [401, '0'], JSON.stringify(headers));
	}
	const other = sign(now, 'w', new URL(path.href.replace(`/${json.uid}/`, `/${json.uid + 1}/`)));
	const foreign = await one.request('GET', path.href.replace(`/${json.uid}/`, `/${json.uid + 1}/`), { headers: other });
	assert.equal(foreign.status, 401, 'another user’s store');
	assert.equal((await get(sign(now - 7 * 24 * 3600, 'v'))).status, 200, 'a clock that is off by a week');
});

test('who has not proved anything gets no token', async () => {
	const one = await signedIn();
	const access = (await one.accessToken()).json.access_token;
	noToken(await one.request('GET', '/token/1.0/sync/1.5'), 401, 'invalid-credentials');
	noToken(await one.token('nonsense'), 401, 'invalid-credentials');
	noToken(await one.token(`${access.slice(0, -4)}AAAA`), 401, 'invalid-credentials');
	noToken(await one.token((await one.accessToken('profile')).json.access_token), 401, 'invalid-credentials');
	for (const keyId of ['', '12', 'x-AAAA', `1-${'A'.repeat(30)}`]) {
		noToken(await one.token(access, { 'X-KeyID': keyId }), 401, 'invalid-key-id');
	}
	noToken(await one.token(access, { 'X-Client-State': 'not allowed!' }), 400, 'error');
	noToken(await one.token(access, { 'X-Client-State': 'aa'.repeat(16) }), 401, 'invalid-client-state');
	assert.equal((await one.token(access, { 'X-Client-State': printOf(one.kB).toString('hex') })).status, 200);
	const application = await one.token(access, {}, '/token/1.0/other/1.5');
	noToken(application, 404, 'error');
	assert.equal(application.json.errors[0].name, 'application');
	assert.equal((await one.token(access, {}, '/token/1.0/sync/1.1')).json.errors[0].name, 'version');
	assert.equal((await one.token(access, {}, '/1.0/sync/1.5')).status, 200, 'without /token');
	assert.equal((await one.token(access, {}, '/token/1.0/sync/1.5?duration=60')).json.duration, 60);
	assert.equal((await one.token(access, {}, '/token/1.0/sync/1.5?duration=99999')).json.duration, 3600);
	const wrong = await one.request('GET', '/token/1.0/sync/1.5');
	assert.match(wrong.headers['www-authenticate'], /Bearer/);
});

test('new keys get a new store, and older ones none any more', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const first = await one.token((await one.accessToken()).json.access_token);
	const oldKeyId = one.keyId;
	assert.equal((await one.setKeys(randomBytes(32), 'f'.repeat(32))).status, 409, 'of somebody who does not know the present keys');
	assert.equal((await one.setKeys(randomBytes(32), printOf(one.kB).toString('hex'))).status, 200);
	const access = (await one.accessToken()).json.access_token;
	const second = await one.token(access);
	assert.equal(second.status, 200, second.text);
	assert.notEqual(second.json.uid, first.json.uid);
	noToken(await one.token(access, { 'X-KeyID': oldKeyId }), 401, 'invalid-client-state');
	const [at, print] = one.keyId.split(/-(.*)/);
	noToken(await one.token(access, { 'X-KeyID': `${Number(at) - 1}-${print}` }), 401, 'invalid-keysChangedAt');
	noToken(await one.token(access, { 'X-KeyID': `${Number(at) + 10 ** 9}-${print}` }), 401, 'invalid-keysChangedAt');
});

test('the wrong password, no account, and guessing', async () => {
	const email = await newAccount();
	await signedIn(email);
	const firefox = new Firefox(server);
	browsers.push(firefox);
	refused(await firefox.signIn(email, 'wrong horse'), 400, 103);
	refused(await firefox.signIn('nobody@example.com', PASS), 400, 102);
	const post = (body) => firefox.request('POST', '/v1/account/login', { body });
	refused(await post({}), 400, 108);
	refused(await post('{'), 400, 106);
	refused(await post('[]'), 400, 106);
	refused(await post({ email, authPW: 'x' }), 400, 108);
	const { json } = await firefox.request('POST', '/v1/account/credentials/status', { body: { email: 'nobody@example.com' } });
	assert.equal(json.currentVersion, 'v2', 'an address without account looks like one with');
	for (let i = 0; i < 9; i++) refused(await post({ email, authPW: 'aa'.repeat(32) }), 400, 103);
	refused(await post({ email, authPW: 'aa'.repeat(32) }), 429, 114);
});

test('an account made with a plain password is stretched by its first sign-in', async () => {
	const email = await newAccount();
	const status = async () => (await new Client(server.url).request('POST', '/v1/account/credentials/status', { body: JSON.stringify({ email }) })).json;
	assert.equal((await status()).upgradeNeeded, true);
	const one = await signedIn(email);
	assert.equal((await status()).upgradeNeeded, false);
	const two = await signedIn(email);
	assert.deepEqual(two.kB, one.kB);
});

test('calls of a session: its Hawk, its clock, its end', async () => {
	const one = await signedIn();
	const status = await one.signed('GET', '/v1/session/status');
	assert.deepEqual(status.json, { state: 'verified', uid: one.uid });
	assert.ok(Math.abs(Number(status.headers.timestamp) - Date.now() / 1000) < 5);
	assert.ok(Math.abs(Date.parse(status.headers.date) - Date.now()) < 5000);
	refused(await one.request('GET', '/v1/session/status'), 401, 110);
	refused(await one.signed('GET', '/v1/session/status', { keys: tokenKeys('00'.repeat(32)) }), 401, 110);
	refused(await one.signed('GET', '/v1/session/status', { keys: { ...one.session, key: Buffer.alloc(32) } }), 401, 109);
	const stale = await one.signed('GET', '/v1/session/status', { ts: 1700000000 });
	refused(stale, 401, 111);
	assert.ok(Math.abs(stale.json.serverTime - Date.now() / 1000) < 5);
	assert.equal((await one.signed('GET', '/v1/session/status', { nonce: 'same' })).status, 200);
	const mail = await one.signed('GET', '/v1/recovery_email/status');
	assert.deepEqual(mail.json, { email: EMAIL, verified: true, sessionVerified: true, emailVerified: true });
	assert.deepEqual((await one.request('GET', `/v1/account/status?uid=${one.uid}`)).json, { exists: true });
	assert.deepEqual((await one.request('GET', `/v1/account/status?uid=${'0'.repeat(32)}`)).json, { exists: false });
	const scoped = await one.signed('POST', '/v1/account/scoped-key-data', { body: { client_id: CLIENT_ID, scope: SYNC_SCOPE } });
	assert.deepEqual(scoped.json, {
		[SYNC_SCOPE]: { identifier: SYNC_SCOPE, keyRotationSecret: '0'.repeat(64), keyRotationTimestamp: one.keysChangedAt },
	});
	const access = (await one.accessToken()).json.access_token;
	assert.deepEqual((await one.signed('POST', '/v1/session/destroy', { body: {} })).json, {});
	refused(await one.signed('GET', '/v1/session/status'), 401, 110);
	noToken(await one.token(access), 401, 'invalid-credentials');
});

test('a session has its password proved once more, and goes on', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const reauth = (body, query = '') => one.signed('POST', `/v1/session/reauth${query}`, { body });
	const { authPW } = stretch(PASS, one.clientSalt);
	const done = await reauth({ email, authPW });
	assert.equal(done.status, 200, done.text);
	assert.deepEqual([done.json.uid, done.json.verified, 'keyFetchToken' in done.json, 'sessionToken' in done.json], [one.uid, true, false, false]);
	assert.ok(Math.abs(done.json.authAt - Date.now() / 1000) < 60);
	const { json } = await reauth({ email, authPW }, '?keys=true');
	const fetched = await one.signed('GET', '/v1/account/keys', { keys: tokenKeys(json.keyFetchToken, 'keyFetchToken') });
	assert.match(fetched.json?.bundle, /^[0-9a-f]{192}$/, fetched.text);
	refused(await reauth({ email, authPW: 'aa'.repeat(32) }), 400, 103);
	refused(await reauth({ email }), 400, 108);
	refused(await reauth({ email: 'nobody@example.com', authPW }), 400, 102);
	const other = await newAccount();
	const theirs = await signedIn(other);
	refused(await reauth({ email: other, authPW: stretch(PASS, theirs.clientSalt).authPW }), 400, 102);
	refused(await one.request('POST', '/v1/session/reauth', { body: { email, authPW } }), 401, 110);
	assert.equal((await one.signed('GET', '/v1/session/status')).status, 200);
});

test('a session is doubled; each ends by itself', async () => {
	const one = await signedIn();
	const { json, text } = await one.signed('POST', '/v1/session/duplicate', { body: { reason: 'migration' } });
	assert.deepEqual([json.uid, json.verified], [one.uid, true], text);
	const keys = tokenKeys(json.sessionToken);
	assert.notEqual(keys.id, one.session.id);
	assert.deepEqual((await one.signed('POST', '/v1/session/destroy', { body: {} })).json, {});
	refused(await one.signed('POST', '/v1/session/duplicate', { body: {} }), 401, 110);
	assert.equal((await one.signed('GET', '/v1/session/status', { keys })).json.uid, one.uid);
});

test('a body that is not the one that was signed is refused', async () => {
	const one = await signedIn();
	const url = new URL('/v1/account/scoped-key-data', server.url);
	const authorization = hawk(one.session, 'POST', url, { body: '{"scope":"profile"}' });
	const answer = await one.request('POST', url.pathname, { body: `{"scope":"${SYNC_SCOPE}"}`, headers: { Authorization: authorization } });
	refused(answer, 401, 109);
});

test('a code is for whoever knows the verifier, once', async () => {
	const one = await signedIn();
	const verifier = randomBytes(32).toString('base64url');
	const challenge = createHash('sha256').update(verifier).digest('base64url');
	const ask = {
		client_id: CLIENT_ID, scope: `profile ${SYNC_SCOPE}`, state: 'the state', code_challenge: challenge,
		code_challenge_method: 'S256', access_type: 'offline', response_type: 'code', keys_jwe: 'a.b.c.d.e',
	};
	const authorization = await one.signed('POST', '/v1/oauth/authorization', { body: ask });
	assert.equal(authorization.status, 200, authorization.text);
	const { code, state } = authorization.json;
	assert.equal(state, 'the state');
	const use = (more) => one.request('POST', '/v1/oauth/token', {
		body: { grant_type: 'authorization_code', client_id: CLIENT_ID, code, code_verifier: verifier, ...more },
	});
	refused(await use({ code: '0'.repeat(64) }), 400, 105);
	refused(await use({ client_id: 'a'.repeat(16) }), 400, 106);
	refused(await use({ code_verifier: 'wrong' }), 400, 117);
	const tokens = await use({});
	assert.equal(tokens.status, 200, tokens.text);
	assert.equal(tokens.json.keys_jwe, 'a.b.c.d.e');
	assert.match(tokens.json.refresh_token, /^[0-9a-f]{64}$/);
	assert.ok(Math.abs(tokens.json.auth_at - Date.now() / 1000) < 60);
	refused(await use({}), 400, 105);
	for (const [more, errno] of [[{ client_id: 'x' }, 101], [{ scope: 'a"b' }, 114], [{ code_challenge_method: 'plain' }, 117], [{ state: '' }, 109]]) {
		refused(await one.signed('POST', '/v1/oauth/authorization', { body: { ...ask, ...more } }), 400, errno);
	}

	// What the refresh token is good for, and that it can be ended.
	const refresh = (more = {}) => one.request('POST', '/v1/oauth/token', {
		body: { grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token: tokens.json.refresh_token, ...more },
	});
	const fresh = await refresh({ scope: SYNC_SCOPE, ttl: 60 });
	assert.equal(fresh.json.expires_in, 60, fresh.text);
	assert.equal((await one.token(fresh.json.access_token)).status, 200);
	refused(await refresh({ scope: 'more than that' }), 400, 114);
	const isActive = async (token) => (await one.request('POST', '/v1/introspect', { body: { token, token_type_hint: 'refresh_token' } })).json;
	assert.deepEqual(await isActive(tokens.json.refresh_token), { active: true });
	assert.deepEqual(await isActive(fresh.json.access_token), { active: true });
	for (const none of ['0'.repeat(64), 'x.y', one.session.id]) assert.deepEqual(await isActive(none), { active: false });
	refused(await one.request('POST', '/v1/introspect', { body: {} }), 400, 109);
	for (let i = 0; i < 2; i++) {
		const gone = await one.request('POST', '/v1/oauth/destroy', { body: { client_id: CLIENT_ID, token: tokens.json.refresh_token } });
		assert.deepEqual([gone.status, gone.json], [200, {}]);
	}
	refused(await refresh(), 400, 108);
	noToken(await one.token(fresh.json.access_token), 401, 'invalid-credentials');
	for (const gone of [tokens.json.refresh_token, fresh.json.access_token]) assert.deepEqual(await isActive(gone), { active: false });
	refused(await one.request('POST', '/v1/oauth/token', { body: { grant_type: 'password' } }), 400, 109);
});

test('an access token is told to other servers until it is destroyed', async () => {
	const one = await signedIn();
	const access = (await one.accessToken(`profile ${SYNC_SCOPE}`)).json.access_token;
	const verify = (token) => one.request('POST', '/v1/verify', { body: { token } });
	const { json } = await verify(access);
	assert.deepEqual([json.user, json.client_id, json.scope], [one.uid, CLIENT_ID, ['profile', SYNC_SCOPE]]);
	assert.ok(json.generation >= one.keysChangedAt);
	const profile = await one.request('GET', '/v1/profile', { headers: { Authorization: `Bearer ${access}` } });
	assert.equal(profile.json.email, EMAIL);
	assert.equal(profile.json.uid, one.uid);
	assert.equal((await one.request('GET', new URL(profile.json.avatar).pathname)).status, 200);
	const { etag } = profile.headers;
	for (const known of [etag, `"${etag}"`]) {
		const same = await one.request('GET', '/v1/profile', { headers: { Authorization: `Bearer ${access}`, 'If-None-Match': known } });
		assert.deepEqual([same.status, same.text, same.headers.etag], [304, '', etag]);
	}
	assert.equal((await one.request('GET', '/v1/profile', { headers: { Authorization: `Bearer ${access}`, 'If-None-Match': '"other"' } })).status, 200);
	assert.equal((await one.request('POST', '/v1/oauth/destroy', { body: { token: access } })).status, 200);
	refused(await verify(access), 400, 108);
	refused(await verify('x.y'), 400, 108);
	refused(await one.request('GET', '/v1/profile', { headers: { Authorization: `Bearer ${access}` } }), 401, 110);
	refused(await one.request('GET', '/v1/profile'), 401, 110);
});

test('devices: told, listed, asked something, signed out', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const two = await signedIn(email);
	const push = { pushCallback: 'https://push.example/1', pushPublicKey: 'p', pushAuthKey: 'a' };
	const made = await one.signed('POST', '/v1/account/device', { body: { name: 'Ada’s laptop', type: 'desktop', ...push, availableCommands: { 'cmd/open': 'keys' } } });
	assert.equal(made.status, 200, made.text);
	assert.match(made.json.id, /^[0-9a-f]{32}$/);
	const renamed = await one.signed('POST', '/v1/account/device', { body: { id: made.json.id, name: 'New name' } });
	assert.deepEqual([renamed.json.name, renamed.json.pushCallback, renamed.json.type], ['New name', push.pushCallback, 'desktop']);
	refused(await one.signed('POST', '/v1/account/device', { body: { id: '0'.repeat(32) } }), 400, 123);
	const phone = (await two.signed('POST', '/v1/account/device', { body: { name: 'Phone', type: 'mobile' } })).json;
	const { json: devices } = await one.signed('GET', '/v1/account/devices');
	assert.deepEqual(devices.map((d) => [d.name, d.type, d.isCurrentDevice]).sort(), [['New name', 'desktop', true], ['Phone', 'mobile', false]]);
	const clients = await one.signed('GET', '/v1/account/attached_clients');
	assert.equal(clients.json.length, 2);
	assert.ok(clients.headers['x-timestamp']);
	assert.equal(clients.json.find((c) => c.isCurrentSession).name, 'New name');

	const send = (target, payload = { encrypted: 'x' }) => one.signed('POST', '/v1/account/devices/invoke_command', { body: { target, command: 'cmd/open', payload } });
	assert.equal((await send(phone.id)).json.enqueued, true);
	assert.equal((await send(phone.id, { encrypted: 'y' })).status, 200);
	refused(await send('0'.repeat(32)), 400, 123);
	const { json: first } = await two.signed('GET', '/v1/account/device/commands?index=0&limit=1');
	assert.deepEqual(first.messages.map((m) => m.data), [{ command: 'cmd/open', payload: { encrypted: 'x' }, sender: made.json.id }]);
	assert.equal(first.last, false);
	const { json: rest } = await two.signed('GET', `/v1/account/device/commands?index=${first.index + 1}`);
	assert.deepEqual(rest.messages.map((m) => m.data.payload), [{ encrypted: 'y' }]);
	assert.equal(rest.last, true);
	assert.deepEqual((await one.signed('GET', '/v1/account/device/commands')).json.messages, []);
	assert.deepEqual((await one.signed('POST', '/v1/account/devices/notify', { body: { to: 'all', payload: {} } })).json, {});

	assert.equal((await one.signed('POST', '/v1/account/device/destroy', { body: { id: phone.id } })).status, 200);
	refused(await two.signed('GET', '/v1/session/status'), 401, 110);
	refused(await one.signed('POST', '/v1/account/device/destroy', { body: { id: phone.id } }), 400, 123);
});

test('keys come in a bundle, once', async () => {
	// What we take it apart with does as the known vectors do (sync.md 8).
	const known = tokenKeys(Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('hex'), 'keyFetchToken');
	assert.equal(hkdf(known.extra, 'account/keys', 96).toString('hex'), 'ba0bf3257370cf7966761273bb33b79f222a29a4591d2b0daadd0b3691d76e4e'
		+ '63820a5c554d94a30fa1337871dc86d20d8a91adfb3db31fe2fa1886a04f7fac4b6e69352da02125e3846e7e451bcb9ec0099f9e133a8767af86f4b763551d2e');
	const email = await newAccount();
	const one = await signedIn(email);
	const { json: status } = await one.request('POST', '/v1/account/credentials/status', { body: { email } });
	const { authPW, unwrapBKey } = stretch(PASS, status.clientSalt);
	const { json } = await one.request('POST', '/v1/account/login?keys=true', { body: { email, authPW } });
	const keys = tokenKeys(json.keyFetchToken, 'keyFetchToken');
	const { json: answer } = await one.signed('GET', '/v1/account/keys', { keys });
	const bundle = Buffer.from(answer.bundle, 'hex');
	const secrets = hkdf(keys.extra, 'account/keys', 96);
	const mac = createHmac('sha256', secrets.subarray(0, 32)).update(bundle.subarray(0, 64)).digest();
	assert.deepEqual(mac, bundle.subarray(64));
	const kB = Buffer.from(bundle.subarray(32, 64).map((byte, i) => byte ^ secrets[64 + i] ^ unwrapBKey[i]));
	assert.deepEqual(kB, one.kB);
	refused(await one.signed('GET', '/v1/account/keys', { keys }), 401, 110);
});

test('a new password signs other browsers out; keys, data and store stay', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const before = await one.token((await one.accessToken()).json.access_token);
	const stretched = (password) => stretch(password, one.clientSalt).authPW;
	const changed = await owners.get(email).post('/wsapi/update_password', {
		oldpass: stretched(PASS), kdf: 'onepw-2', newpass: stretched('another horse'), newkdf: 'onepw-2',
	});
	assert.equal(changed.json?.success, true, changed.text);
	refused(await one.signed('GET', '/v1/session/status'), 401, 110);
	const two = new Firefox(server);
	browsers.push(two);
	assert.equal((await two.signIn(email, 'another horse')).status, 200);
	assert.equal(two.kB, null, 'not wrapped with this password: the page sees it');
	// The page asks for the former password, and wraps anew.
	assert.equal((await two.setKeys(one.kB)).status, 200);
	assert.equal(two.keysChangedAt, one.keysChangedAt);
	const after = await two.token((await two.accessToken()).json.access_token);
	assert.equal(after.json.uid, before.json.uid);
	const three = await signedIn(email, 'another horse');
	assert.deepEqual(three.kB, one.kB);
});

test('an account that is deleted has no store any more', async () => {
	const email = await newAccount();
	const one = await signedIn(email);
	const access = (await one.accessToken()).json.access_token;
	assert.equal((await one.token(access)).status, 200);
	assert.equal((await owners.get(email).post('/wsapi/account_cancel', {})).status, 200);
	refused(await one.signed('GET', '/v1/session/status'), 401, 110);
	noToken(await one.token(access), 401, 'invalid-credentials');
});
