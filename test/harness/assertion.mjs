// User keys, assertions and bundles made with Node's own cryptography: what a page does with
// WebCrypto, and every way of doing it wrong.
import { generateKeyPairSync, sign as signBytes } from 'node:crypto';

export const MINUTE = 60_000;

const NAMES = { 512: 'RS64', 1024: 'RS128', 2048: 'RS256' };

const decimal = (base64url) => BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`).toString();
const encode = (value) => Buffer.from(value).toString('base64url');

// An RSA key of 512, 1024 or 2048 bits: { alg, privateKey, publicKey } with the public half as sent.
export function newKey(bits = 2048) {
	const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
	const { n, e } = publicKey.export({ format: 'jwk' });
	return { alg: NAMES[bits], privateKey, publicKey: { algorithm: 'RS', n: decimal(n), e: decimal(e) } };
}

export function signed(payload, key, header = { alg: key.alg }) {
	const text = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(payload))}`;
	return `${text}.${encode(signBytes('sha256', Buffer.from(text), key.privateKey))}`;
}

// An assertion for a site, good for two minutes unless times says otherwise.
export function assertion(key, aud, times = {}) {
	return signed({ exp: Date.now() + 2 * MINUTE, aud, ...times }, key);
}

export function bundle(certificates, last) {
	return [...certificates, last].join('~');
}

export function payloadOf(object) {
	return JSON.parse(Buffer.from(object.split('.')[1], 'base64url').toString('utf8'));
}

// The same object with one bit in the middle of a part changed: 1 the payload, 2 the signature.
export function damaged(object, part = 2) {
	const parts = object.split('.');
	const bytes = Buffer.from(parts[part], 'base64url');
	bytes[bytes.length >> 1] ^= 1;
	parts[part] = bytes.toString('base64url');
	return parts.join('.');
}

export function askCertificate(client, email, key, more = {}) {
	const pubkey = JSON.stringify(key.publicKey);
	return client.post('/wsapi/cert_key', { email, pubkey, ephemeral: false, ...more });
}
