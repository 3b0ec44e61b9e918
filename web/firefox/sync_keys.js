// What unlocks the user's data: kB, which is made here, wrapped here with a key that follows from the
// password, and given to Firefox encrypted for it alone. The server never has it.
import { deriveHex, quickStretch } from '../identity/password.js';

const NAMESPACE = 'identity.mozilla.com/picl/v1/';
const SALT = /^identity\.mozilla\.com\/picl\/v1\/(quickStretchV2:[0-9a-f]{32})$/;
const ROUNDS_MIN = 650000;
const ROUNDS_MAX = 20000000;
const RECOVERY_LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // Crockford's: none is read as another
const RECOVERY_BYTES = 20;
export const SCOPE = 'https://identity.mozilla.com/apps/oldsync';

export const utf8 = (text) => new TextEncoder().encode(text);
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const xor = (a, b) => a.map((byte, i) => byte ^ b[i]);

export function fromHex(text) {
	return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes) {
	return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function toBase64url(bytes) {
	return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export function fromBase64url(text) {
	return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}

// HKDF-SHA256 without salt, info below the namespace.
export async function derive(secret, purpose, length) {
	const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
	const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(NAMESPACE + purpose) };
	return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, length * 8));
}

// What a password stands for: authPW in hex, which the server compares, and the key that wraps kB,
// which stays here.
export async function stretch(password, { clientSalt, rounds }) {
	const [, salt] = SALT.exec(clientSalt) ?? [];
	// Fewer rounds would make what the server stores easier to guess from: no server may ask for it.
	if (!salt || !(rounds >= ROUNDS_MIN && rounds <= ROUNDS_MAX)) {
		throw new Error('the server asked for a weaker protection of the password');
	}
	const stretched = await quickStretch(password, salt, rounds);
	return { authPW: await deriveHex(stretched, 'authPW'), unwrapKey: fromHex(await deriveHex(stretched, 'unwrapBkey')) };
}

export const makeKey = () => crypto.getRandomValues(new Uint8Array(32));
export const wrap = (key, unwrapKey) => toHex(xor(key, unwrapKey));

// Half of a hash of the key: tells whether it was unwrapped right, and names the store.
export async function printOf(key) {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', key)).slice(0, 16);
}

// The key that was wrapped, or null where it was with another password.
export async function unwrap({ wrapKb, keyPrint }, unwrapKey) {
	const key = xor(fromHex(wrapKb), unwrapKey);
	return toHex(await printOf(key)) === keyPrint ? key : null;
}

// ---- the recovery key ----

function recoveryText(bytes) {
	const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
	const letters = bits.match(/.{5}/g).map((five) => RECOVERY_LETTERS[parseInt(five, 2)]);
	return letters.join('').match(/.{4}/g).join('-');
}

// The text as somebody typed it, as it was shown; null: it cannot be one.
export function readRecovery(typed) {
	const letters = typed.toUpperCase().replace(/[^0-9A-Z]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
	const isOne = letters.length === (RECOVERY_BYTES * 8) / 5 && [...letters].every((l) => RECOVERY_LETTERS.includes(l));
	return isOne ? letters : null;
}

async function recoveryCipher(text) {
	return crypto.subtle.importKey('raw', await derive(utf8(readRecovery(text)), 'plimsoll/recovery', 32), 'AES-GCM', false, [
		'encrypt',
		'decrypt',
	]);
}

// A new recovery key, and what the server keeps for it: kB, encrypted with it.
export async function makeRecovery(key) {
	const text = recoveryText(crypto.getRandomValues(new Uint8Array(RECOVERY_BYTES)));
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await recoveryCipher(text), key);
	return { text, recovery: toBase64url(join(iv, new Uint8Array(sealed))) };
}

// The key out of it, or null: another recovery key.
export async function recover(recovery, text) {
	const bytes = fromBase64url(recovery);
	try {
		const parameters = { name: 'AES-GCM', iv: bytes.slice(0, 12) };
		return new Uint8Array(await crypto.subtle.decrypt(parameters, await recoveryCipher(text), bytes.slice(12)));
	} catch {
		return null;
	}
}

// ---- for Firefox ----

// The key of Sync as Firefox wants it.
async function scopedKey(key, keysChangedAt) {
	return {
		[SCOPE]: {
			scope: SCOPE,
			kid: `${keysChangedAt}-${toBase64url(await printOf(key))}`,
			k: toBase64url(await derive(key, 'oldsync', 64)),
			kty: 'oct',
		},
	};
}

const int32 = (n) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);

// Concat KDF of RFC 7518 4.6.2 for one key of 256 bits.
async function contentKey(shared) {
	const name = utf8('A256GCM');
	const bytes = join(int32(1), new Uint8Array(shared), int32(name.length), name, int32(0), int32(0), int32(256));
	return crypto.subtle.importKey('raw', await crypto.subtle.digest('SHA-256', bytes), 'AES-GCM', false, ['encrypt']);
}

// JWE for the public key (base64url of a JWK) that Firefox sent along: ECDH-ES, A256GCM.
export async function keysFor(keysJwk, key, keysChangedAt) {
	const curve = { name: 'ECDH', namedCurve: 'P-256' };
	const { kty, crv, x, y } = JSON.parse(new TextDecoder().decode(fromBase64url(keysJwk)));
	const theirs = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, curve, false, []);
	const ours = await crypto.subtle.generateKey(curve, true, ['deriveBits']);
	const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, ours.privateKey, 256);
	const epk = await crypto.subtle.exportKey('jwk', ours.publicKey);
	const header = { alg: 'ECDH-ES', enc: 'A256GCM', epk: { kty: epk.kty, crv: epk.crv, x: epk.x, y: epk.y } };
	const head = toBase64url(utf8(JSON.stringify(header)));
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const plain = utf8(JSON.stringify(await scopedKey(key, keysChangedAt)));
	const parameters = { name: 'AES-GCM', iv, additionalData: utf8(head) };
	const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters, await contentKey(shared), plain));
	const tag = sealed.slice(-16);
	return [head, '', toBase64url(iv), toBase64url(sealed.slice(0, -16)), toBase64url(tag)].join('.');
}
