// What a page sends instead of the password: PBKDF2 makes guessing slow, HKDF keeps what is sent
// apart from what may later unlock the user's data. The server never learns the password.

const NAMESPACE = 'identity.mozilla.com/picl/v1/';
const ROUNDS_MIN = 650000;
const ROUNDS_MAX = 20000000;
const KEY_BITS = 256;

const bytes = (string) => new TextEncoder().encode(string);

function hex(buffer) {
	return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// PBKDF2-HMAC-SHA256 of a password, with a salt below the namespace; 32 bytes.
export async function quickStretch(password, salt, rounds) {
	const key = await crypto.subtle.importKey('raw', bytes(password), 'PBKDF2', false, ['deriveBits']);
	const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: bytes(NAMESPACE + salt), iterations: rounds };
	return crypto.subtle.deriveBits(parameters, key, KEY_BITS);
}

// HKDF-SHA256 without salt of a stretched password; 64 hex digits.
export async function deriveHex(stretched, purpose) {
	const key = await crypto.subtle.importKey('raw', stretched, 'HKDF', false, ['deriveBits']);
	const parameters = {
		name: 'HKDF',
		hash: 'SHA-256',
		salt: new Uint8Array(0),
		info: bytes(NAMESPACE + purpose),
	};
	return hex(await crypto.subtle.deriveBits(parameters, key, KEY_BITS));
}

// The value of "pass" for an account with that salt (32 hex digits, from the server).
export async function stretchedPassword(password, salt, rounds) {
	// Fewer rounds would make what the server stores easier to guess from: no server may ask for it.
	if (!/^[0-9a-f]{32}$/.test(salt) || !(rounds >= ROUNDS_MIN && rounds <= ROUNDS_MAX)) {
		throw new Error('the server asked for a weaker protection of the password');
	}
	return deriveHex(await quickStretch(password, `quickStretchV2:${salt}`, rounds), 'authPW');
}
