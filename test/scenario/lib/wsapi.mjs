// What the tests of the /wsapi calls share: a server with one account, and what answers look like.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Client, signUp } from '../../harness/client.mjs';
import { startPlimsoll } from '../../harness/plimsoll.mjs';

export const PASS = 'correct horse';
export const SITE = 'http://site.example';
export const HOUR = 3_600_000;
export const FOUR_WEEKS = 28 * 24 * HOUR;
export const TOKEN = 'a'.repeat(48);

export let server;
export let user; // signed up and logged in
export const EMAIL = 'somebody@example.org';

// For before() and after() of a test file; options are more of startPlimsoll's.
export async function begin(options = {}) {
	server = await startPlimsoll({ ...options, ownKey: true, conf: { accounts: { bcrypt_cost: 4, max_failed_logins: 3 } } });
	user = await signUp(server, EMAIL, PASS);
}
export async function end() {
	await server?.stop();
}

export const newClient = (options) => new Client(server.url, options);
let counter = 0;
export const freshEmail = () => `u${++counter}.${randomBytes(3).toString('hex')}@example.com`;

export function isText(answer, status, text, note) {
	assert.equal(answer.text, text, note);
	assert.equal(answer.status, status, note);
	assert.match(answer.headers['content-type'], /^text\/plain/, note);
}

export function isFailure(answer, status, reason, note) {
	assert.deepEqual(answer.json, { success: false, reason }, `${note ?? ''} ${answer.text}`);
	assert.equal(answer.status, status, note);
}

export function isOk(answer, note) {
	assert.equal(answer.status, 200, `${note ?? ''} ${answer.text}`);
	assert.deepEqual(answer.json, { success: true }, note);
}
