// Passwords that pages stretch before they send them (persona.md 2.3): accounts of both kinds, and clients that send the
// plain one to a server that stretches it then. By the release build: in the other one that takes longer than a login
// may, beside other tests.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mailedToken } from '../harness/client.mjs';
import { releaseBin } from '../harness/nth.mjs';
import { stretched } from '../harness/stretched.mjs';
import { begin, EMAIL, end, freshEmail, isFailure, isOk, isText, newClient, PASS, server } from './lib/wsapi.mjs';

before(() => begin({ bin: releaseBin() }));
after(end);

// The server stretches for a quarter of a second, at low priority: on a busy machine it may say 503,
// and who gets that comes back when he is told to. Earlier he would wait behind his own last try.
async function patient(call, seconds = 90) {
	for (const end = Date.now() + seconds * 1000; ; ) {
		const answer = await call();
		if (answer.status !== 503 || Date.now() > end) return answer;
		if (answer.json) assert.deepEqual(answer.json, { success: false, reason: 'server is too busy' });
		else assert.equal(answer.text, 'Service Unavailable: server is too busy\n'); // before it was looked at
		assert.match(answer.headers['retry-after'], /^\d+$/);
		await sleep(Number(answer.headers['retry-after']) * 1000);
	}
}

const kdfOf = async (email) => (await newClient().get(`/wsapi/password_kdf?email=${encodeURIComponent(email)}`)).json;

test('password_kdf: a salt for everybody, the same each time, plain for plain accounts', async () => {
	const unknown = await kdfOf('nobody@example.com');
	assert.deepEqual(Object.keys(unknown).sort(), ['kdf', 'rounds', 'salt', 'success']);
	assert.equal(unknown.kdf, 'onepw-2');
	assert.equal(unknown.rounds, 650000);
	assert.match(unknown.salt, /^[0-9a-f]{32}$/);
	assert.deepEqual(await kdfOf('Nobody@Example.com'), unknown);
	assert.notEqual((await kdfOf('other@example.com')).salt, unknown.salt);
	const plain = await kdfOf(EMAIL);
	assert.deepEqual([plain.success, plain.kdf, plain.salt], [true, 'plain', undefined]);
});

test('an account made by a page that stretches: both forms of the password log in', async () => {
	const email = freshEmail();
	const { salt, rounds } = await kdfOf(email);
	const pass = stretched(PASS, { salt, rounds });
	const client = newClient();
	isOk(await patient(() => client.stage(email, pass, { kdf: 'onepw-2' })));
	const token = await mailedToken(server, email);
	const asked = (await newClient().get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.equal(asked.kdf, 'onepw-2');
	assert.equal(asked.salt, salt);
	const other = newClient();
	const complete = (typed) => patient(() => other.post('/wsapi/complete_user_creation', { token, pass: typed, kdf: 'onepw-2' }));
	isText(await complete(stretched('wrong password', { salt, rounds })), 401, 'Authentication Required: password mismatch');
	isOk(await complete(pass));
	assert.deepEqual(await kdfOf(email), { success: true, kdf: 'onepw-2', salt, rounds }, 'the salt stays');
	const plain = (typed, more) => patient(() => newClient().login(email, typed, more));
	assert.equal((await plain(pass, { kdf: 'onepw-2' })).json.success, true);
	assert.equal((await plain(PASS)).json.success, true, 'the typed password, stretched by the server');
	assert.equal((await plain(PASS, { kdf: 'plain' })).json.success, true);
	isFailure(await plain(pass), 200, `password mismatch for user: ${email}`, 'the stretched one is no typed password');
	isFailure(await plain('wrong password'), 200, `password mismatch for user: ${email}`);
	assert.equal((await plain(PASS)).json.success, true);
});

test('a stretched password for a plain account never fits', async () => {
	const answer = await patient(() => newClient().login(EMAIL, 'a'.repeat(64), { kdf: 'onepw-2' }));
	isFailure(answer, 200, `password mismatch for user: ${EMAIL}`);
	await newClient().login(EMAIL, PASS);
	for (const pass of ['A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64)]) {
		const bad = await patient(() => newClient().login(EMAIL, pass, { kdf: 'onepw-2' }));
		assert.equal(bad.status, 400);
		assert.match(bad.json.reason, /^pass: /);
	}
});
