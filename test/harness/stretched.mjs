// What a page sends instead of a password, computed by Node: web/identity/password.js in a line.
import { hkdfSync, pbkdf2Sync } from 'node:crypto';

const NAMESPACE = 'identity.mozilla.com/picl/v1/';

// how: salt and rounds as password_kdf told them.
export function stretched(password, { salt, rounds }) {
	const quick = pbkdf2Sync(password, `${NAMESPACE}quickStretchV2:${salt}`, rounds, 32, 'sha256');
	return Buffer.from(hkdfSync('sha256', quick, '', `${NAMESPACE}authPW`, 32)).toString('hex');
}
