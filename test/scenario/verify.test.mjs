// POST /verify, version 1 (persona.md 2.5, 4.5, 4.6): what it takes, and every reason for a refusal
// that needs no foreign issuer. Keys and assertions come from Node, certificates from cert_key.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { MINUTE, askCertificate, assertion, bundle, damaged, newKey, payloadOf, signed } from '../harness/assertion.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const EMAIL = 'Verify.Me@example.org';
const SITE = 'https://site.example';
const TYPES = 'Content-Type expected to be one of: application/x-www-form-urlencoded, application/json';
const FORM = 'application/x-www-form-urlencoded';

let server;
let client;
let key;
let certificate;
let site; // a client without cookies

before(async () => {
	server = await startPlimsoll();
	client = await signUp(server, EMAIL, 'correct horse');
	key = newKey();
	const answer = await askCertificate(client, EMAIL, key);
	assert.equal(answer.status, 200, answer.text);
	certificate = answer.text;
	site = new Client(server.url);
});
after(() => server?.stop());

const good = (audience = SITE, times) => bundle([certificate], assertion(key, audience, times));

const verify = (fields) => site.request('POST', '/verify', { body: JSON.stringify(fields) });
const verifyForm = (fields) =>
	site.request('POST', '/verify', { body: new URLSearchParams(fields).toString(), headers: { 'content-type': FORM } });

function isOkay(answer, audience = SITE) {
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.json.status, 'okay', answer.text);
	assert.equal(answer.json.email, EMAIL);
	assert.equal(answer.json.audience, audience);
	assert.equal(answer.json.issuer, '127.0.0.1');
	assert.ok(answer.json.expires > Date.now() && answer.json.expires <= Date.now() + 2 * MINUTE);
}

function isRefused(answer, status, reason, note) {
	assert.deepEqual(answer.json, { status: 'failure', reason }, `${note ?? ''} ${answer.text}`);
	assert.equal(answer.status, status, note);
	assert.match(answer.headers['content-type'], /^application\/json/);
}

const refuses = async (fields, reason, note) => isRefused(await verify(fields), 200, reason, note);

test('JSON, form and query', async () => {
	const fields = { assertion: good(), audience: SITE };
	const answer = await verify(fields);
	isOkay(answer);
	assert.deepEqual(Object.keys(answer.json).sort(), ['audience', 'email', 'expires', 'issuer', 'status']);
	isOkay(await verifyForm(fields));
	isOkay(await site.request('POST', '/verify', { body: JSON.stringify(fields), headers: { 'content-type': 'application/json; charset=UTF-8' } }));
	const query = new URLSearchParams({ audience: SITE });
	isOkay(await site.request('POST', `/verify?${query}`, { body: JSON.stringify({ assertion: good(), audience: 'http://other.example' }) }), SITE);
	assert.equal(site.cookies.size, 0, 'no session comes of it');
});

test('an assertion may be verified more than once, until it expires', async () => {
	const fields = { assertion: good(), audience: SITE };
	for (let i = 0; i < 5; i++) isOkay(await verify(fields));
});

test('RSA user keys of all three sizes', async () => {
	for (const bits of [512, 1024, 2048]) {
		const own = newKey(bits);
		const certified = await askCertificate(client, EMAIL, own);
		assert.equal(certified.status, 200, certified.text);
		isOkay(await verify({ assertion: bundle([certified.text], assertion(own, SITE)), audience: SITE }));
	}
});

test('a certificate: five members in their order, one day or one hour', async () => {
	const payload = payloadOf(certificate);
	assert.deepEqual(Object.keys(payload), ['public-key', 'principal', 'iat', 'exp', 'iss']);
	assert.deepEqual(payload['public-key'], key.publicKey);
	assert.deepEqual(payload.principal, { email: EMAIL });
	assert.equal(payload.iss, '127.0.0.1');
	assert.equal(payload.exp - payload.iat, 24 * 60 * MINUTE);
	assert.ok(Math.abs(payload.iat - Date.now()) < MINUTE);
	const short = payloadOf((await askCertificate(client, EMAIL, key, { ephemeral: true })).text);
	assert.equal(short.exp - short.iat, 60 * MINUTE);
});

test('assertion or audience missing', async () => {
	const text = 'need assertion and audience';
	for (const fields of [{}, { assertion: good() }, { audience: SITE }, { assertion: null, audience: SITE }, { assertion: good(), audience: null }]) {
		isRefused(await verify(fields), 400, text, JSON.stringify(Object.keys(fields)));
	}
	isRefused(await verifyForm({}), 400, text);
	isRefused(await verifyForm({ assertion: good() }), 400, text);
	isRefused(await site.request('POST', '/verify', { headers: { 'content-length': '0' } }), 400, text);
});

test('content types that are neither JSON nor form', async () => {
	const body = JSON.stringify({ assertion: good(), audience: SITE });
	for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/json-seq', 'json']) {
		isRefused(await site.request('POST', '/verify', { body, headers: { 'content-type': type } }), 415, TYPES, type);
	}
});

test('malformed JSON, bodies that are too long, other methods', async () => {
	for (const body of ['{', 'null x', '{"assertion"}']) {
		assert.equal((await site.request('POST', '/verify', { body })).status, 400, body);
	}
	const long = await verify({ assertion: 'x'.repeat(10241), audience: SITE });
	assert.equal(long.status, 413);
	const get = await site.get('/verify');
	assert.equal(get.status, 405);
	assert.match(get.headers.allow, /POST/);
	assert.equal((await site.request('PUT', '/verify', { body: '{}' })).status, 405);
});

test('what is no bundle', async () => {
	await refuses({ assertion: 7, audience: SITE }, 'malformed backed assertion');
	await refuses({ assertion: ['x'], audience: SITE }, 'malformed backed assertion');
	await refuses({ assertion: { a: 1 }, audience: SITE }, 'malformed backed assertion');
	await refuses({ assertion: assertion(key, SITE), audience: SITE }, 'no certificates provided');
	await refuses({ assertion: 'x', audience: SITE }, 'no certificates provided');
	await refuses({ assertion: '', audience: SITE }, 'no certificates provided');
	const own = assertion(key, SITE);
	for (const text of ['~', 'x~y', `${certificate}~`, `${certificate}~x.y`, `${certificate}~${own}.z`, `~${own}`, `x.y.z~${own}`, `${certificate}~!.!.!`, `${certificate}~${own.replace(/^[^.]*/, Buffer.from('7').toString('base64url'))}`]) {
		await refuses({ assertion: text, audience: SITE }, 'malformed signature', text.slice(0, 40));
	}
});

test('signatures that do not fit', async () => {
	await refuses({ assertion: bundle([damaged(certificate)], assertion(key, SITE)), audience: SITE }, 'bad signature in chain');
	await refuses({ assertion: bundle([damaged(certificate)], damaged(assertion(key, SITE))), audience: SITE }, 'bad signature in chain');
	const other = newKey();
	const forged = signed(payloadOf(certificate), other);
	await refuses({ assertion: bundle([forged], assertion(key, SITE)), audience: SITE }, 'bad signature in chain');
	for (const last of [damaged(assertion(key, SITE)), assertion(other, SITE), signed({ exp: Date.now() + MINUTE, aud: SITE }, key, { alg: 'RS128' }), signed({ exp: Date.now() + MINUTE, aud: SITE }, key, { alg: 'none' })]) {
		await refuses({ assertion: bundle([certificate], last), audience: SITE }, 'invalid signature');
	}
	const changed = assertion(key, SITE).split('.');
	changed[1] = Buffer.from(JSON.stringify({ exp: Date.now() + MINUTE, aud: 'https://evil.example' })).toString('base64url');
	await refuses({ assertion: bundle([certificate], changed.join('.')), audience: 'https://evil.example' }, 'invalid signature');
	const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${changed[1]}.`;
	const answer = await verify({ assertion: bundle([certificate], unsigned), audience: SITE });
	assert.equal(answer.json.status, 'failure');
});

test('a claim for another address with a key of one’s own', async () => {
	const payload = payloadOf(certificate);
	const parts = certificate.split('.');
	parts[1] = Buffer.from(JSON.stringify({ ...payload, principal: { email: 'victim@example.org' } })).toString('base64url');
	await refuses({ assertion: bundle([parts.join('.')], assertion(key, SITE)), audience: SITE }, 'bad signature in chain');
	await refuses({ assertion: bundle([signed({ ...payload, principal: { email: 'victim@example.org' } }, key)], assertion(key, SITE)), audience: SITE }, 'bad signature in chain');
});

test('a chain of certificates is verified and then refused', async () => {
	const second = newKey();
	const now = Date.now();
	const link = signed({ 'public-key': second.publicKey, principal: { email: 'victim@example.org' }, iat: now, exp: now + MINUTE, iss: 'example.org' }, key);
	await refuses({ assertion: bundle([certificate, link], assertion(second, SITE)), audience: SITE }, 'certificate chaining is not yet allowed');
	await refuses({ assertion: bundle([certificate, damaged(link)], assertion(second, SITE)), audience: SITE }, 'bad signature in chain');
	await refuses({ assertion: bundle([certificate, link], assertion(key, SITE)), audience: SITE }, 'invalid signature');
	const many = bundle(Array(20).fill('a.b.c'), assertion(key, SITE));
	assert.equal((await verify({ assertion: many, audience: SITE })).json.status, 'failure');
});

test('times', async () => {
	await refuses({ assertion: good(SITE, { exp: Date.now() - MINUTE }), audience: SITE }, 'assertion has expired');
	await refuses({ assertion: good(SITE, { exp: undefined }), audience: SITE }, 'assertion has expired', 'for ever is too long');
	await refuses({ assertion: good(SITE, { exp: 'tomorrow' }), audience: SITE }, 'assertion has expired');
	await refuses({ assertion: good(SITE, { iat: Date.now() + MINUTE }), audience: SITE }, 'assertion issued later than verification date');
	isOkay(await verify({ assertion: good(SITE, { iat: Date.now() - MINUTE }), audience: SITE }));
	isOkay(await verify({ assertion: good(SITE, { iat: Date.now() + 1000 }), audience: SITE }), SITE, 'clocks may differ a little');
});

test('audiences: only the parts that the site gives are compared', async () => {
	const at = {
		'https://site.example': ['https://site.example', 'https://site.example:443', 'site.example:443', 'site.example', 'HTTPS://site.example'.toLowerCase()],
		'http://site.example:8080': ['http://site.example:8080', 'site.example:8080', 'site.example'],
		'app://some.app': ['app://some.app', 'some.app'],
	};
	for (const [aud, taken] of Object.entries(at)) {
		for (const audience of taken) isOkay(await verify({ assertion: good(aud), audience }), audience);
	}
	const rows = [
		['https://site.example', 'https://other.example', 'domain mismatch'],
		['https://site.example', 'other.example', 'domain mismatch'],
		['https://site.example', 'https://sub.site.example', 'domain mismatch'],
		['https://site.example', 'http://site.example:443', 'scheme mismatch'],
		['https://site.example', 'http://site.example', 'scheme mismatch'],
		['https://site.example', 'https://site.example:8443', 'port mismatch'],
		['https://site.example', 'site.example:80', 'port mismatch'],
		['http://site.example:8080', 'http://site.example', 'port mismatch'],
		['https://site.example', 'http://*', 'domain missing'],
		['https://site.example', 'http://', 'domain missing'],
	];
	for (const [aud, audience, reason] of rows) {
		await refuses({ assertion: good(aud), audience }, `audience mismatch: ${reason}`, `${aud} for ${audience}`);
	}
	await refuses({ assertion: bundle([certificate], signed({ exp: Date.now() + MINUTE }, key)), audience: SITE }, 'audience mismatch: domain missing');
});

test('an issuer that is unknown', async () => {
	const own = newKey();
	const now = Date.now();
	const cert = signed({ 'public-key': own.publicKey, principal: { email: 'a@no.such.domain' }, iat: now, exp: now + MINUTE, iss: 'no.such.domain' }, own);
	const answer = await verify({ assertion: bundle([cert], assertion(own, SITE)), audience: SITE });
	assert.equal(answer.status, 200);
	assert.equal(answer.json.status, 'failure');
	assert.match(answer.json.reason, /^can't get public key for no\.such\.domain: /);
	for (const iss of [undefined, 7, '']) {
		const bad = signed({ ...payloadOf(cert), iss }, own);
		assert.equal((await verify({ assertion: bundle([bad], assertion(own, SITE)), audience: SITE })).json.status, 'failure');
	}
});

test('forceIssuer and allowUnverified of today change nothing for a verified address of ours', async () => {
	isOkay(await verify({ assertion: good(), audience: SITE, experimental_allowUnverified: true }));
	isOkay(await verifyForm({ assertion: good(), audience: SITE, experimental_allowUnverified: 'true' }));
});

test('answers may not be kept and carry the security headers', async () => {
	const answer = await verify({ assertion: good(), audience: SITE });
	assert.match(answer.headers['cache-control'], /no-store/);
	assert.equal(answer.headers['x-content-type-options'], 'nosniff');
});
