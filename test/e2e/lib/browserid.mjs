// Independent implementations of BrowserID from npm, and what it takes to use them on our server.
import { generateKeyPair } from 'node:crypto';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const LocalVerifier = require('browserid-local-verify');
const jwcrypto = require('jwcrypto');
require('jwcrypto/lib/algs/ds');
require('jwcrypto/lib/algs/rs');

const generate = promisify(jwcrypto.generateKeypair);
const signAssertion = promisify(jwcrypto.assertion.sign);
const signCertificate = promisify(jwcrypto.cert.sign);

export const MINUTE = 60 * 1000;

const decimal = (base64url) => BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`).toString();

// A pair of keys as jwcrypto objects. RSA numbers come from OpenSSL: pure JavaScript takes minutes.
export async function newKeys(algorithm, keysize) {
	if (algorithm === 'DS') return generate({ algorithm, keysize });
	const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: keysize });
	const { n, e, d } = privateKey.export({ format: 'jwk' });
	const open = { algorithm, n: decimal(n), e: decimal(e) };
	return {
		publicKey: jwcrypto.loadPublicKeyFromObject(open),
		secretKey: jwcrypto.loadSecretKeyFromObject({ ...open, d: decimal(d) }),
	};
}

// The answer of our cert_key for a key of the account that client is logged in to.
export function askCertificate(client, email, publicKey) {
	return client.post('/wsapi/cert_key', { email, pubkey: publicKey.serialize(), ephemeral: false });
}

// An assertion for a site, good for two minutes unless times say otherwise.
export function makeAssertion(secretKey, audience, times = {}) {
	const expiresAt = new Date(Date.now() + 2 * MINUTE);
	return signAssertion({}, { audience, expiresAt, ...times }, secretKey);
}

// A certificate that no server of ours made.
export function makeCertificate(publicKey, email, issuer, secretKey) {
	const times = { issuer, issuedAt: new Date(Date.now() - MINUTE), expiresAt: new Date(Date.now() + MINUTE) };
	return signCertificate({ publicKey, principal: { email } }, times, {}, secretKey);
}

export function bundle(certificates, assertion) {
	return jwcrypto.cert.bundle(certificates, assertion);
}

export function payloadOf(signed) {
	return jwcrypto.extractComponents(signed).payload;
}

async function supportDocument(server) {
	const response = await fetch(`${server.url}/.well-known/browserid`);
	return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

// What browserid-local-verify says: its result, or { error }. source is our server, which it is to
// trust, or a function that gives a domain's document. The issuer has no port, so the document is
// fetched for it from where the server listens.
export function verifyLocally(source, assertion, audience) {
	const isServer = typeof source !== 'function';
	const verifier = new LocalVerifier({
		trustedIssuers: isServer ? [new URL(source.url).hostname] : [],
		httpRequest(domain, path, callback) {
			(isServer ? supportDocument(source) : source(domain)).then(({ status, headers, body }) => callback(null, status, headers, body), callback);
		},
	});
	return new Promise((resolve) => {
		verifier.verify({ assertion, audience }, (error, result) => resolve(error ? { error: String(error) } : result));
	});
}

// What jwcrypto says with the key of our support document: { email, audience } or { error }.
export async function verifyWithJwcrypto(server, assertion) {
	const document = JSON.parse((await supportDocument(server)).body);
	const key = jwcrypto.loadPublicKeyFromObject(document['public-key']);
	return new Promise((resolve) => {
		const root = (issuer, next) => next(null, key);
		jwcrypto.cert.verifyBundle(assertion, new Date(), root, (error, certs, _payload, params) => {
			if (error) resolve({ error: String(error) });
			else resolve({ email: certs[0].certParams.principal.email, audience: params.audience });
		});
	});
}

// The answer of our /verify: { status, json }.
export async function verifyRemotely(server, fields, { form = false } = {}) {
	const response = await fetch(`${server.url}/verify`, {
		method: 'POST',
		headers: { 'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json' },
		body: form ? new URLSearchParams(fields).toString() : JSON.stringify(fields),
	});
	return { status: response.status, json: await response.json().catch(() => null) };
}
