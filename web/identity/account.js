// What the pages know of addresses and passwords.
import { stretchedPassword } from './password.js';
import { FieldError } from './screens.js';

// Letters of the local part as the server takes them; the domain has at least two labels.
const EMAIL = /^[\w.!#$%&'*+\-/=?^`{|}~]+@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/i;
const PASSWORD_MIN = 8;
const PASSWORD_MAX = 80;

export function isEmail(text) {
	return text.length <= 254 && EMAIL.test(text);
}

export function isPassword(text) {
	return text.length >= PASSWORD_MIN && text.length <= PASSWORD_MAX;
}

// The password that a form with the fields pass and repeat chooses; throws what is wrong with it.
export function chosenPassword({ pass, repeat }) {
	if (!isPassword(pass.value)) {
		throw new FieldError('pass', 'wrong_length');
	}
	if (pass.value !== repeat.value) {
		throw new FieldError('repeat', 'wrong_repeat');
	}
	return pass.value;
}

// Browsers have crypto.subtle only on https and on loopback.
export function canSign() {
	return window.isSecureContext && crypto.subtle !== undefined;
}

// The fields that stand for a password in a call, as the server asked for it: stretched, or plain for
// an account of the old kind.
export async function credentials({ kdf, salt, rounds }, password) {
	if (kdf === 'onepw-2') {
		return { pass: await stretchedPassword(password, salt, rounds), kdf };
	}
	return { pass: password };
}

// Those of a new password: stretched, even where the one before it was plain.
export function newCredentials({ upgrade, ...how }, password) {
	return credentials(upgrade ?? how, password);
}

// Those of authenticate_user, which make a plain account a stretched one on the way.
export async function loginCredentials({ upgrade, ...how }, password) {
	const fields = await credentials(how, password);
	return upgrade ? { ...fields, verifier: (await credentials(upgrade, password)).pass } : fields;
}
