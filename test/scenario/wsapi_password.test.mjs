// Passwords: the lockout by account and client, and pages that bring the stretched form to an account
// whose password was plain until then.
import assert from 'node:assert/strict';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { mailedToken, signUp } from '../harness/client.mjs';
import { stretched } from '../harness/stretched.mjs';
import { begin, EMAIL, end, freshEmail, isFailure, isOk, newClient, PASS, server, SITE } from './lib/wsapi.mjs';

before(begin); // locks after three
after(end);

const WRONG = 'wrong password';
const LOCKED = { success: false, reason: 'account is locked', code: 'account locked' };
const agents = [];
after(() => agents.forEach((agent) => agent.destroy()));

// A client at another address of this machine.
function clientAt(address) {
	agents.push(new http.Agent({ keepAlive: true, localAddress: address }));
	return newClient({ agent: agents.at(-1) });
}

async function fail(client, email, times) {
	for (let i = 0; i < times; i++) isFailure(await client.login(email, WRONG), 200, `password mismatch for user: ${email}`);
}

test('who guesses is locked out, and nobody else', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	const guesser = clientAt('127.0.0.2');
	await fail(guesser, email, 3);
	assert.deepEqual((await guesser.login(email, PASS)).json, LOCKED);
	assert.equal((await clientAt('127.0.0.3').login(email, PASS)).json.success, true);
	assert.deepEqual((await guesser.login(email, PASS)).json, LOCKED, 'a good login elsewhere opens nothing');
	assert.equal((await guesser.login(EMAIL, PASS)).json.success, true, 'the other account has another count');
});

test('guessing from everywhere locks out strangers, but not the browser that was in before', async () => {
	const email = freshEmail();
	const owner = await signUp(server, email, PASS);
	for (let i = 0; i < 10; i++) await fail(clientAt(`127.0.1.${i + 1}`), email, 3);
	assert.deepEqual((await clientAt('127.0.2.1').login(email, PASS)).json, LOCKED);
	isOk(await owner.post('/wsapi/logout', {}));
	assert.equal((await owner.login(email, PASS)).json.success, true);
	assert.equal((await clientAt('127.0.2.2').login(email, PASS)).json.success, true, 'and that ended the siege');
});

// ---- from plain to stretched ----

const kdfOf = async (email) => (await newClient().get(`/wsapi/password_kdf?email=${encodeURIComponent(email)}`)).json;

test('a page brings the stretched form along, once: from then on the account is stretched', async () => {
	const email = freshEmail();
	const other = await signUp(server, email, PASS);
	const { kdf, upgrade } = await kdfOf(email);
	assert.deepEqual([kdf, upgrade.kdf, upgrade.rounds], ['plain', 'onepw-2', 650000]);
	const verifier = stretched(PASS, upgrade);
	isFailure(await newClient().login(email, WRONG, { verifier: stretched(WRONG, upgrade) }), 200, `password mismatch for user: ${email}`);
	assert.equal((await kdfOf(email)).kdf, 'plain', 'a wrong password changes nothing');
	assert.equal((await newClient().login(email, PASS, { verifier })).json.success, true);
	assert.deepEqual(await kdfOf(email), { success: true, kdf: 'onepw-2', salt: upgrade.salt, rounds: 650000 });
	assert.equal((await newClient().login(email, verifier, { kdf: 'onepw-2' })).json.success, true);
	assert.equal((await other.get('/wsapi/list_emails')).status, 200, 'sessions live on');
	isFailure(await newClient().login(email, PASS, { verifier: 'x'.repeat(64) }), 400, 'verifier: 64 lower-case hex digits are needed');
});

test('update_password to a stretched one: with the salt of an address of the account', async () => {
	const email = freshEmail();
	const client = await signUp(server, email, PASS);
	const { upgrade } = await kdfOf(email);
	const newpass = stretched('another password', upgrade);
	const update = (more) => client.post('/wsapi/update_password', { oldpass: PASS, newpass, newkdf: 'onepw-2', ...more });
	for (const more of [{}, { email: EMAIL }, { email: freshEmail() }]) isFailure(await update(more), 400, 'email: an address of the account is needed with newkdf onepw-2');
	isFailure(await update({ email, newpass: PASS }), 400, 'newpass: 64 lower-case hex digits are needed with kdf onepw-2');
	isOk(await update({ email }));
	assert.equal((await newClient().login(email, newpass, { kdf: 'onepw-2' })).json.success, true);
	isFailure(await newClient().login(email, stretched(PASS, upgrade), { kdf: 'onepw-2' }), 200, `password mismatch for user: ${email}`);
	// And from one stretched form to the next, where the account knows its salt.
	const third = stretched('the third password', upgrade);
	isOk(await client.post('/wsapi/update_password', { oldpass: newpass, kdf: 'onepw-2', newpass: third, newkdf: 'onepw-2' }));
	assert.equal((await newClient().login(email, third, { kdf: 'onepw-2' })).json.success, true);
});

test('a reset to a stretched password: email_for_token tells the salt', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	const client = newClient();
	isOk(await client.post('/wsapi/stage_reset', { email, site: SITE }));
	const token = await mailedToken(server, email);
	const asked = (await client.get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.equal(asked.kdf, 'onepw-2');
	const pass = stretched('another password', asked);
	isFailure(await client.post('/wsapi/complete_reset', { token, pass: PASS, kdf: 'onepw-2' }), 400, 'pass: 64 lower-case hex digits are needed with kdf onepw-2');
	isOk(await client.post('/wsapi/complete_reset', { token, pass, kdf: 'onepw-2' }));
	assert.deepEqual(await kdfOf(email), { success: true, kdf: 'onepw-2', salt: asked.salt, rounds: 650000 });
	assert.equal((await newClient().login(email, pass, { kdf: 'onepw-2' })).json.success, true);
});
