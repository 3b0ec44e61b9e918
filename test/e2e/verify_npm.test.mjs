// Our tokens against independent implementations: what our server certifies verifies with npm's
// browserid-local-verify and jwcrypto, and what jwcrypto makes verifies at our /verify.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import * as browserid from './lib/browserid.mjs';

const EMAIL = 'crypto@example.org';
const SITE = 'https://site.example';
const KINDS = [
	['RS', 2048, 'RS256'],
	['DS', 128, 'DS128'],
	['DS', 256, 'DS256'],
];

let server;
let client;
const users = {}; // by name of algorithm: { keys, certificate }

before(async () => {
	server = await startPlimsoll();
	client = await signUp(server, EMAIL, 'correct horse');
	for (const [algorithm, size, name] of KINDS) {
		const keys = await browserid.newKeys(algorithm, size);
		const answer = await browserid.askCertificate(client, EMAIL, keys.publicKey);
		assert.equal(answer.status, 200, answer.text);
		users[name] = { keys, certificate: answer.text };
	}
});

after(() => server?.stop());

async function bundleOf({ keys, certificate }, audience = SITE, times = {}) {
	return browserid.bundle([certificate], await browserid.makeAssertion(keys.secretKey, audience, times));
}

async function refusal(assertion, audience = SITE) {
	const { status, json } = await browserid.verifyRemotely(server, { assertion, audience });
	assert.equal(status, 200);
	assert.equal(json.status, 'failure', JSON.stringify(json));
	return json.reason;
}

// The part of a signed object with that index, one bit of its middle changed.
function damaged(signed, index) {
	const parts = signed.split('.');
	const bytes = Buffer.from(parts[index], 'base64url');
	bytes[bytes.length >> 1] ^= 1;
	parts[index] = bytes.toString('base64url');
	return parts.join('.');
}

for (const [, , name] of KINDS) {
	test(`${name} user key: our certificate, jwcrypto's assertion: our /verify takes it, JSON and form`, async () => {
		const assertion = await bundleOf(users[name]);
		for (const form of [false, true]) {
			const { status, json } = await browserid.verifyRemotely(server, { assertion, audience: SITE }, { form });
			assert.equal(status, 200);
			assert.equal(json.status, 'okay', JSON.stringify(json));
			assert.equal(json.email, EMAIL);
			assert.equal(json.audience, SITE);
			assert.equal(json.issuer, '127.0.0.1');
			assert.ok(json.expires > Date.now() && json.expires <= Date.now() + 2 * browserid.MINUTE);
		}
	});

	test(`${name} user key: browserid-local-verify and jwcrypto take the same bundle`, async () => {
		const assertion = await bundleOf(users[name]);
		const local = await browserid.verifyLocally(server, assertion, SITE);
		assert.equal(local.error, undefined);
		assert.equal(local.email, EMAIL);
		assert.equal(local.issuer, '127.0.0.1');
		assert.equal(local.audience, SITE);
		assert.deepEqual(await browserid.verifyWithJwcrypto(server, assertion), { email: EMAIL, audience: SITE });
	});
}

test('a certificate has five members, in their order, times in ms, and the key as it was sent', () => {
	const { keys, certificate } = users.DS256;
	const payload = browserid.payloadOf(certificate);
	assert.deepEqual(Object.keys(payload), ['public-key', 'principal', 'iat', 'exp', 'iss']);
	assert.deepEqual(payload['public-key'], keys.publicKey.toSimpleObject());
	assert.deepEqual(payload.principal, { email: EMAIL });
	assert.equal(payload.iss, '127.0.0.1');
	assert.equal(payload.exp - payload.iat, 24 * 3600 * 1000);
	assert.ok(Math.abs(Date.now() - payload.iat) < 5 * browserid.MINUTE);
	const header = JSON.parse(Buffer.from(certificate.split('.')[0], 'base64url'));
	assert.deepEqual(header, { alg: 'RS256' });
});

test('only the own address is certified', async () => {
	await signUp(server, 'somebody.else@example.org', 'correct horse');
	const answer = await browserid.askCertificate(client, 'somebody.else@example.org', users.RS256.keys.publicKey);
	assert.equal(answer.status, 400);
	assert.match(answer.text, /that email does not belong to you/);
});

test('the audience is compared as far as the site gives it', async () => {
	const assertion = await bundleOf(users.RS256, 'https://site.example');
	for (const audience of ['https://site.example', 'https://site.example:443', 'site.example:443', 'site.example']) {
		const { json } = await browserid.verifyRemotely(server, { assertion, audience });
		assert.equal(json.status, 'okay', audience);
	}
	const cases = {
		'https://other.example': 'domain mismatch',
		'https://site.example:8443': 'port mismatch',
		'http://site.example:443': 'scheme mismatch',
		'http://*': 'domain missing',
		'http://': 'domain missing',
	};
	for (const [audience, reason] of Object.entries(cases)) {
		assert.equal(await refusal(assertion, audience), `audience mismatch: ${reason}`, audience);
	}
	const local = await browserid.verifyLocally(server, assertion, 'https://other.example');
	assert.match(local.error, /audience mismatch/);
});

test('expired, and issued in the future', async () => {
	const expired = await bundleOf(users.DS256, SITE, { expiresAt: new Date(Date.now() - browserid.MINUTE) });
	assert.equal(await refusal(expired), 'assertion has expired');
	assert.match((await browserid.verifyLocally(server, expired, SITE)).error, /expired/);
	const early = await bundleOf(users.DS256, SITE, { issuedAt: new Date(Date.now() + 10 * browserid.MINUTE) });
	assert.equal(await refusal(early), 'assertion issued later than verification date');
});

test('tampered with: certificate, assertion, and an assertion of another key', async () => {
	for (const { keys, certificate } of Object.values(users)) {
		const assertion = await browserid.makeAssertion(keys.secretKey, SITE);
		for (const part of [1, 2]) {
			const badCertificate = browserid.bundle([damaged(certificate, part)], assertion);
			assert.match(await refusal(badCertificate), /^(bad signature in chain|malformed signature)$/);
			assert.ok((await browserid.verifyWithJwcrypto(server, badCertificate)).error);
		}
		assert.equal(await refusal(browserid.bundle([damaged(certificate, 2)], assertion)), 'bad signature in chain');
		assert.equal(await refusal(browserid.bundle([certificate], damaged(assertion, 2))), 'invalid signature');
	}
	const foreign = await browserid.makeAssertion(users.DS128.keys.secretKey, SITE);
	assert.equal(await refusal(browserid.bundle([users.DS256.certificate], foreign)), 'invalid signature');
});

test('shapes that are none: no certificate, chains, numbers, noise', async () => {
	const { keys, certificate } = users.RS256;
	const assertion = await browserid.makeAssertion(keys.secretKey, SITE);
	assert.equal(await refusal(assertion), 'no certificates provided');
	assert.equal(await refusal(12345), 'malformed backed assertion');
	assert.equal(await refusal(`noise~${assertion}`), 'malformed signature');
	assert.equal(await refusal(`${certificate}~noise`), 'malformed signature');

	const second = users.DS256.keys;
	const below = await browserid.makeCertificate(second.publicKey, EMAIL, '127.0.0.1', keys.secretKey);
	const chain = browserid.bundle([certificate, below], await browserid.makeAssertion(second.secretKey, SITE));
	assert.equal(await refusal(chain), 'certificate chaining is not yet allowed');
});

test('another issuer: its own key proves nothing here, and it may not use our name', async () => {
	const rogue = await browserid.newKeys('RS', 2048);
	const { keys } = users.DS256;
	const assertion = await browserid.makeAssertion(keys.secretKey, SITE);
	const foreign = await browserid.makeCertificate(keys.publicKey, EMAIL, 'no.such.domain', rogue.secretKey);
	assert.match(await refusal(browserid.bundle([foreign], assertion)), /^can't get public key for no\.such\.domain: /);
	const forged = await browserid.makeCertificate(keys.publicKey, EMAIL, '127.0.0.1', rogue.secretKey);
	assert.equal(await refusal(browserid.bundle([forged], assertion)), 'bad signature in chain');
});

test('requests that are none: missing fields and foreign content types', async () => {
	const assertion = await bundleOf(users.RS256);
	for (const fields of [{ assertion }, { audience: SITE }, {}]) {
		const { status, json } = await browserid.verifyRemotely(server, fields);
		assert.equal(status, 400);
		assert.equal(json.reason, 'need assertion and audience');
	}
	const response = await fetch(`${server.url}/verify`, {
		method: 'POST',
		headers: { 'Content-Type': 'text/plain' },
		body: JSON.stringify({ assertion, audience: SITE }),
	});
	assert.equal(response.status, 415);
	assert.match(
		await response.text(),
		/Content-Type expected to be one of: application\/x-www-form-urlencoded, application\/json/,
	);
});
