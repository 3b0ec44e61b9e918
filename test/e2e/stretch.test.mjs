// What the pages send instead of the password (web/identity/password.js), against known values and
// against Node's own crypto.
import assert from 'node:assert/strict';
import { hkdfSync, pbkdf2Sync, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';

globalThis.crypto ??= webcrypto; // Node 18

const source = readFileSync(new URL('../../web/identity/password.js', import.meta.url));
const password = await import(`data:text/javascript;base64,${source.toString('base64')}`);

const NAMESPACE = 'identity.mozilla.com/picl/v1/';
const SALT = '00112233445566778899aabbccddeeff';
const toHex = (buffer) => Buffer.from(buffer).toString('hex');

test('the published values of version 1: PBKDF2 and both keys', async () => {
	const stretched = await password.quickStretch('pässwörd', 'quickStretch:user@example.org', 1000);
	assert.equal(toHex(stretched), '486f40a5e4e74586e7bc5ab2df0aa74caac7d796539c4f4954ef8ae09c904359');
	assert.equal(
		await password.deriveHex(stretched, 'authPW'),
		'86d2f0025ef7882cf4280c81b699fc66567c530efd67764f80494ded60a9679d',
	);
	assert.equal(
		await password.deriveHex(stretched, 'unwrapBkey'),
		'c61929a7e1220eadea019d5617fc1650fe584ccf9b7c61c2a908aa260067d2a6',
	);
});

test('version 2 equals what Node computes', async () => {
	const secret = 'tidal pässwörd 7 🐚';
	const salt = `${NAMESPACE}quickStretchV2:${SALT}`;
	const stretched = pbkdf2Sync(secret, salt, 650000, 32, 'sha256');
	const expected = toHex(hkdfSync('sha256', stretched, '', `${NAMESPACE}authPW`, 32));
	assert.equal(await password.stretchedPassword(secret, SALT, 650000), expected);
});

test('a server that asks for fewer rounds or sends no salt gets nothing', async () => {
	await assert.rejects(password.stretchedPassword('password', SALT, 649999), /weaker protection/);
	await assert.rejects(password.stretchedPassword('password', SALT, NaN), /weaker protection/);
	await assert.rejects(password.stretchedPassword('password', 'short', 650000), /weaker protection/);
});
