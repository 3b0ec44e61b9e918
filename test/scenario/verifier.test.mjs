// The remote verifier of version 2, beside accounts and as a server of its own: `plimsoll serve
// verifier`, with no database and no keys, trusts the providers of its configuration and one fallback;
// those it finds in the network: verifier_lookup.test.mjs.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { askCertificate, assertion, bundle, damaged, MINUTE, newKey, payloadOf, signed } from '../harness/assertion.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { confText, startPlimsoll } from '../harness/plimsoll.mjs';

const SITE = 'https://site.example';
const FALLBACK = 'login.fallback.example';
const FORM = 'application/x-www-form-urlencoded';
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-verifier-'));
const fallbackKey = newKey();
const providerKey = newKey();
const userKey = newKey();
let identity;
let verifier;
let site; // of the verifier, without cookies
let ours; // { client, certificate } of the identity server

before(async () => {
	const shim = (domain, key) => {
		const file = path.join(dir, `${domain}.json`);
		writeFileSync(file, JSON.stringify({ 'public-key': key.publicKey, authentication: '/in', provisioning: '/prov' }));
		return `${domain}|https://${domain}|${file}`;
	};
	const list = path.join(dir, 'shims');
	writeFileSync(list, `${shim(FALLBACK, fallbackKey)}\n${shim('primary.example', providerKey)}\n`);
	verifier = await startPlimsoll({
		ownKey: true,
		conf: { plimsoll: { services: 'verifier' }, verifier: { fallback: FALLBACK }, identity: { shimmed_primaries: `@${list}` } },
	});
	site = new Client(verifier.url);
	identity = await startPlimsoll({ conf: { identity: { forcible_issuers: 'other.name.example' } } });
	const client = await signUp(identity, 'v2@example.org', 'correct horse');
	ours = { client, certificate: (await askCertificate(client, 'v2@example.org', userKey)).text };
});
after(async () => {
	await verifier?.stop();
	await identity?.stop();
	rmSync(dir, { recursive: true, force: true });
});

const certificate = (email, { iss = FALLBACK, key = fallbackKey, principal = { email }, more = {} } = {}) =>
	signed({ 'public-key': userKey.publicKey, principal, iat: Date.now() - MINUTE, exp: Date.now() + 10 * MINUTE, iss, ...more }, key);
const good = (email = 'a@nobody.example', options = {}) => bundle([certificate(email, options)], assertion(userKey, options.aud ?? SITE, options.claims));
const post = (where, path_, fields, headers) => where.request('POST', path_, { body: JSON.stringify(fields), headers });
const v2 = (fields, where = site) => post(where, '/v2', { audience: SITE, ...fields });

function isRefused(answer, status, reason) {
	assert.deepEqual(answer.json, { status: 'failure', reason }, answer.text);
	assert.equal(answer.status, status);
	assert.match(answer.headers['cache-control'], /no-store/);
}

function isOkay(answer, expected) {
	assert.equal(answer.status, 200, answer.text);
	assert.ok(answer.json.expires > Date.now(), answer.text);
	const { expires, ...rest } = answer.json;
	assert.deepEqual(rest, { status: 'okay', audience: SITE, ...expected });
}

test('the fallback vouches for domains without a provider, in both versions and at both paths', async () => {
	const expected = { email: 'a@nobody.example', issuer: FALLBACK };
	const fields = { assertion: good(), audience: SITE };
	isOkay(await post(site, '/verify', fields), expected);
	isOkay(await post(site, '/', fields), expected);
	isOkay(await site.request('POST', '/', { body: new URLSearchParams(fields).toString(), headers: { 'content-type': FORM } }), expected);
	isOkay(await v2({ assertion: good() }), expected);
});

test('a provider speaks for its domain, the fallback does not, and nobody else for anybody', async () => {
	const own = { iss: 'primary.example', key: providerKey };
	isOkay(await v2({ assertion: good('a@primary.example', own) }), { email: 'a@primary.example', issuer: 'primary.example' });
	isRefused(await v2({ assertion: good('a@primary.example') }), 200, `issuer '${FALLBACK}' may not speak for emails from 'primary.example'`);
	isRefused(await v2({ assertion: good('a@nobody.example', own) }), 200, "issuer 'primary.example' may not speak for emails from 'nobody.example'");
	const stranger = newKey();
	const answer = await v2({ assertion: good('a@no.such.domain', { iss: 'no.such.domain', key: stranger }) });
	assert.match(answer.json.reason, /^can't get public key for no\.such\.domain: /);
	isRefused(await v2({ assertion: good('a@nobody.example', { key: stranger }) }), 200, 'bad signature in chain');
	isRefused(await v2({ assertion: good('a@nobody.example', { iss: '' }) }), 200, "can't get public key for : this server looks up no other identity providers");
});

test('issuers that the site trusts may speak for any address', async () => {
	const own = { iss: 'primary.example', key: providerKey };
	const expected = { email: 'a@nobody.example', issuer: 'primary.example' };
	isOkay(await v2({ assertion: good('a@nobody.example', own), trustedIssuers: ['x.example', 'primary.example'] }), expected);
	isRefused(await v2({ assertion: good('a@nobody.example', own), trustedIssuers: ['x.example'] }), 200, "issuer 'primary.example' may not speak for emails from 'nobody.example'");
	isOkay(await post(site, '/verify', { assertion: good('a@nobody.example', own), audience: SITE, experimental_forceIssuer: 'primary.example' }), expected);
	isRefused(await v2({ assertion: good(), trustedIssuers: 'x' }), 400, 'trusted issuers must be an array');
	isRefused(await v2({ assertion: good(), trustedIssuers: [1] }), 400, 'trusted issuers must be an array of strings');
	const unverified = good(undefined, { principal: { 'unverified-email': 'a@nobody.example' } });
	isRefused(await v2({ assertion: unverified }), 200, 'unverified email');
	const answer = await v2({ assertion: unverified, trustedIssuers: [FALLBACK] });
	assert.deepEqual([answer.json.status, answer.json.email, answer.json['unverified-email']], ['okay', undefined, 'a@nobody.example'], answer.text);
	const v1 = await post(site, '/verify', { assertion: unverified, audience: SITE, experimental_allowUnverified: true });
	assert.deepEqual([v1.json.status, v1.json['unverified-email']], ['okay', 'a@nobody.example'], v1.text);
});

test('what certificate and assertion claim beside the protocol', async () => {
	const email = 'a@nobody.example';
	const more = { nbf: 1, 'fxa-generation': 7, list: [1, 2.5, null, { a: 'ü"\n' }], yes: true };
	const principal = { email, sub: 'x', nick: 'me', yes: false };
	const answer = await v2({ assertion: good(email, { more, principal, claims: { scope: 'all', iat: Date.now() } }) });
	isOkay(answer, {
		email,
		issuer: FALLBACK,
		idpClaims: { 'fxa-generation': 7, list: [1, 2.5, null, { a: 'ü"\n' }], yes: true, nick: 'me' },
		userClaims: { scope: 'all' },
	});
	const v1 = await post(site, '/verify', { assertion: good(email, { more }), audience: SITE });
	isOkay(v1, { email, issuer: FALLBACK });
});

test('what version 2 refuses before it looks', async () => {
	isRefused(await v2({}), 400, 'missing assertion parameter');
	isRefused(await v2({ assertion: null }), 400, 'missing assertion parameter');
	isRefused(await post(site, '/v2', { assertion: good() }), 400, 'missing audience parameter');
	isRefused(await post(site, '/v2', { assertion: good(), audience: '' }), 400, 'missing audience parameter');
	isRefused(await post(site, '/v2', { assertion: good(), audience: 7 }), 400, 'missing audience parameter');
	isRefused(await post(site, '/v2', {}, { 'content-type': FORM }), 415, `Unsupported Content-Type: ${FORM} (expected application/json)`);
	isRefused(await site.request('POST', '/v2', { headers: { 'content-length': '0' } }), 415, 'Unsupported Content-Type: none (expected application/json)');
	isRefused(await site.request('POST', '/v2', { body: '{' }), 400, 'malformed JSON');
	const get = await site.get('/v2');
	assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
	assert.equal((await v2({ assertion: 'x'.repeat(10241) })).status, 413);
});

test('the reasons of version 1, in version 2', async () => {
	const last = assertion(userKey, SITE);
	const cert = certificate('a@nobody.example');
	const rows = [
		[7, 'malformed backed assertion'],
		[last, 'no certificates provided'],
		['x~y', 'malformed signature'],
		[bundle([damaged(cert)], last), 'bad signature in chain'],
		[bundle([cert], damaged(last)), 'invalid signature'],
		[bundle([cert], assertion(userKey, SITE, { exp: Date.now() - MINUTE })), 'assertion has expired'],
		[bundle([cert], assertion(userKey, SITE, { iat: Date.now() + MINUTE })), 'assertion issued later than verification date'],
		[bundle([cert, signed(payloadOf(cert), userKey)], last), 'certificate chaining is not yet allowed'],
		[bundle([cert], assertion(userKey, 'https://other.example')), 'audience mismatch: domain mismatch'],
		[bundle([cert], assertion(userKey, 'http://site.example:443')), 'audience mismatch: scheme mismatch'],
		[bundle([cert], assertion(userKey, 'https://site.example:8443')), 'audience mismatch: port mismatch'],
	];
	for (const [text, reason] of rows) isRefused(await v2({ assertion: text }), 200, reason);
	for (const audience of ['http://*', 'http://']) isRefused(await post(site, '/v2', { assertion: good(), audience }), 200, 'audience mismatch: domain missing');
	isRefused(await post(site, '/v2', { assertion: good(), audience: `${SITE}/path` }), 200, 'audience mismatch: has non-empty path');
	isOkay(await post(site, '/v2', { assertion: good(), audience: `${SITE}/` }), { email: 'a@nobody.example', issuer: FALLBACK });
	assert.equal((await post(site, '/verify', { assertion: good(), audience: `${SITE}/path` })).json.status, 'okay');
});

test('a server without database, keys, mail and pages', async () => {
	const { processes } = await (await fetch(`${verifier.adminUrl}/status`)).json();
	assert.deepEqual([...new Set(processes.map((p) => p.role))].sort(), ['admin', 'compute', 'courier', 'web']);
	assert.deepEqual(readdirSync(path.join(verifier.dataDir, 'keys')), []);
	assert.ok(!existsSync(path.join(verifier.dataDir, 'db', 'plimsoll.db')));
	for (const [where, status] of [['/status', 200], ['/__heartbeat__', 200], ['/__lbheartbeat__', 200], ['/__version__', 200], ['/sign_in', 404], ['/wsapi/session_context', 400], ['/.well-known/browserid', 404], ['/', 405]]) {
		const answer = await site.get(where);
		assert.equal(answer.status, status, where);
		if (where.startsWith('/__')) continue;
		assert.equal(answer.headers['x-content-type-options'], 'nosniff');
		assert.match(answer.headers['content-security-policy'], /default-src 'none'/);
	}
	assert.equal((await site.get('/status')).text, 'OK');
	process.kill(verifier.pid, 'SIGHUP');
	isOkay(await v2({ assertion: good() }), { email: 'a@nobody.example', issuer: FALLBACK });
});

test('a configuration for it: alone, and no public server needs mail for it', async () => {
	const check = async (conf, code, pattern) => {
		const file = path.join(dir, 'check.ini');
		writeFileSync(file, confText(conf));
		const end = await runCommand(['check', '-c', file]);
		assert.equal(end.code, code, end.stderr);
		assert.match(code === 0 ? end.stdout : end.stderr, pattern);
	};
	await check({ plimsoll: { services: 'verifier', public_url: 'https://verify.example' } }, 0, /is good/);
	await check({ plimsoll: { services: 'identity,verifier' } }, 3, /"verifier" runs in a server of its own/);
	await check({ plimsoll: { services: 'verifier' }, verifier: { fallback: 'https://x.example/' } }, 3, /\[verifier\] fallback/);
});

test('beside accounts: /v2; our own certificates, and one in another name of ours', async () => {
	const own = new Client(identity.url);
	const expected = { email: 'v2@example.org', issuer: '127.0.0.1' };
	isOkay(await v2({ assertion: bundle([ours.certificate], assertion(userKey, SITE)) }, own), expected);
	assert.equal((await own.get('/status')).status, 404);
	const refused = await askCertificate(ours.client, 'v2@example.org', userKey, { forceIssuer: 'evil.example' });
	assert.deepEqual([refused.status, refused.text], [400, 'Bad Request: Invalid issuer, unable to issue certificate']);
	const forced = await askCertificate(ours.client, 'v2@example.org', userKey, { forceIssuer: 'other.name.example' });
	assert.equal(payloadOf(forced.text).iss, 'other.name.example');
	const fields = { assertion: bundle([forced.text], assertion(userKey, SITE)), audience: SITE };
	assert.match((await post(own, '/verify', fields)).json.reason, /^can't get public key for other\.name\.example/);
	isOkay(await post(own, '/verify', { ...fields, experimental_forceIssuer: 'other.name.example' }), { email: 'v2@example.org', issuer: 'other.name.example' });
	const query = new URLSearchParams({ experimental_forceIssuer: 'other.name.example' });
	isOkay(await post(own, `/verify?${query}`, fields), { email: 'v2@example.org', issuer: 'other.name.example' });
	assert.match((await post(own, '/verify', { ...fields, experimental_forceIssuer: 'evil.example' })).json.reason, /^can't get public key/);
});

test('an account whose address nobody has confirmed: its certificate says so, and a site must want it', async () => {
	const email = 'unsure@example.org';
	const client = new Client(identity.url);
	const staged = await client.stage(email, 'correct horse', { allowUnverified: true });
	assert.deepEqual(staged.json, { success: true, unverified: true });
	assert.equal((await client.login(email, 'correct horse', { allowUnverified: true })).json.success, true);
	const refused = await askCertificate(client, email, userKey);
	assert.deepEqual([refused.status, refused.text], [403, 'Forbidden: that email requires (re)verification']);
	const answer = await askCertificate(client, email, userKey, { allowUnverified: true });
	assert.deepEqual(payloadOf(answer.text).principal, { 'unverified-email': email });
	const fields = { assertion: bundle([answer.text], assertion(userKey, SITE)), audience: SITE };
	const own = new Client(identity.url);
	isRefused(await post(own, '/verify', fields), 200, 'unverified email');
	isRefused(await v2(fields, own), 200, 'unverified email');
	isOkay(await post(own, '/verify', { ...fields, experimental_allowUnverified: true }), { 'unverified-email': email, issuer: '127.0.0.1' });
});
