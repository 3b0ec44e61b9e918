// The account's state machine by its calls (persona.md 2.2, 3): more addresses, reset, verifying again,
// another password, fewer addresses, the end. Who answers a mail in which browser needs which password.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { mailedToken, signUp } from '../harness/client.mjs';
import { begin, EMAIL, end, FOUR_WEEKS, freshEmail, HOUR, isFailure, isOk, isText, newClient, PASS, server, SITE, TOKEN } from './lib/wsapi.mjs';

before(begin);
after(end);

const OTHER_PASS = 'another password';
const TOO_MANY = 'Too Many Requests: Too many emails sent to that address, try again later.';
const emailsOf = async (client) => (await client.get('/wsapi/list_emails')).json.emails;
const stageEmail = (client, email, more) => client.post('/wsapi/stage_email', { email, site: SITE, ...more });
const stageReset = (client, email, more) => client.post('/wsapi/stage_reset', { email, site: SITE, ...more });
const confirm = (client, token, more) => client.post('/wsapi/complete_email_confirmation', { token, ...more });
const reset = (client, token, more) => client.post('/wsapi/complete_reset', { token, ...more });
const status = async (client, call, email) => (await client.get(`/wsapi/${call}?email=${encodeURIComponent(email)}`)).json;
const tokenInfo = async (client, token) => (await client.get(`/wsapi/email_for_token?token=${token}`)).json;
const stateOf = async (email) => (await newClient().get(`/wsapi/address_info?email=${encodeURIComponent(email)}`)).json.state;
const mailTo = async (email) => (await (await fetch(`${server.adminUrl}/outbox.json`)).json()).find((m) => m.to === email);

// A user with two verified addresses.
async function withTwo() {
	const [first, second] = [freshEmail(), freshEmail()];
	const client = await signUp(server, first, PASS);
	isOk(await stageEmail(client, second));
	isOk(await confirm(client, await mailedToken(server, second)));
	return { client, first, second };
}

// ---- more addresses ----

test('an address is added in the browser that asked: no password, and the session keeps its length', async () => {
	const [first, second] = [freshEmail(), `Mixed.${freshEmail()}`];
	await signUp(server, first, PASS);
	const client = newClient();
	await client.login(first, PASS, { ephemeral: true });
	assert.deepEqual(await status(client, 'email_addition_status', second), { status: 'failed' });
	isOk(await stageEmail(client, second));
	assert.deepEqual(await status(client, 'email_addition_status', second), { status: 'pending' });
	assert.deepEqual(await emailsOf(client), [first]);
	const token = await mailedToken(server, second);
	const info = await tokenInfo(client, token);
	assert.deepEqual([info.success, info.email, info.must_auth, info.needs_password], [true, second, false, true]);
	isOk(await confirm(client, token));
	assert.deepEqual(await status(client, 'email_addition_status', second), { status: 'complete' });
	assert.deepEqual((await emailsOf(client)).sort(), [first, second].sort());
	assert.equal(client.sessionFields[3], String(HOUR), 'an hour before, an hour after');
	assert.equal((await newClient().login(second.toLowerCase(), PASS)).json.success, true);
	isFailure(await confirm(client, token), 200, 'no such secret', 'once');
});

test('an address is added in another browser: with the password of the account', async () => {
	const [first, second] = [freshEmail(), freshEmail()];
	const client = await signUp(server, first, PASS);
	isOk(await stageEmail(client, second));
	const token = await mailedToken(server, second);
	const other = newClient();
	assert.equal((await tokenInfo(other, token)).must_auth, true);
	isText(await confirm(other, token), 401, 'Authentication Required: password required');
	isText(await confirm(other, token, { pass: OTHER_PASS }), 401, 'Authentication Required: password mismatch');
	const stranger = await signUp(server, freshEmail(), PASS);
	isText(await confirm(stranger, token), 401, 'Authentication Required: password required', 'logged in as somebody else');
	isOk(await confirm(other, token, { pass: PASS }));
	assert.deepEqual((await emailsOf(other)).sort(), [first, second].sort());
	assert.equal((await other.context()).json.auth_level, 'password');
	assert.equal(other.sessionFields[3], String(FOUR_WEEKS));
	assert.deepEqual(await status(client, 'email_addition_status', second), { status: 'complete' });
});

test('wrong passwords beside a token count towards the lock', async () => {
	const [first, second] = [freshEmail(), freshEmail()];
	const client = await signUp(server, first, PASS);
	isOk(await stageEmail(client, second));
	const token = await mailedToken(server, second);
	const other = newClient();
	for (let i = 0; i < 3; i++) isText(await confirm(other, token, { pass: OTHER_PASS }), 401, 'Authentication Required: password mismatch');
	isText(await confirm(other, token, { pass: PASS }), 401, 'Authentication Required: account is locked');
	isOk(await confirm(client, token), 'who asked needs none');
});

test('stage_email: what it refuses', async () => {
	const client = await signUp(server, freshEmail(), PASS);
	isFailure(await stageEmail(client, freshEmail(), { pass: PASS }), 200, 'a password may not be set at this time');
	isText(await stageEmail(newClient(), freshEmail()), 400, 'Bad Request: requires authentication');
	isFailure(await stageEmail(client, 'no address'), 400, 'email: not a valid email');
	isFailure(await stageEmail(client, freshEmail(), { siteLogo: 'http://a.example/x.png' }), 400, 'siteLogo: Error: images must be served over https.');
	isFailure(await stageEmail(client, freshEmail(), { backgroundColor: 'blue' }), 400, 'backgroundColor: ValidatorError: Invalid hexcolor');
	const email = freshEmail();
	isOk(await stageEmail(client, email));
	isText(await stageEmail(client, email), 429, TOO_MANY);
	isText(await newClient().stage(email, PASS), 429, TOO_MANY, 'one clock for all calls');
});

test('an address of somebody else moves with the answer to the mail, not before', async () => {
	const { client: loser, first, second } = await withTwo();
	const winner = await signUp(server, freshEmail(), PASS);
	isOk(await stageEmail(winner, second));
	assert.deepEqual((await emailsOf(loser)).sort(), [first, second].sort());
	isOk(await confirm(winner, await mailedToken(server, second, 10)));
	assert.deepEqual(await emailsOf(loser), [first]);
	assert.ok((await emailsOf(winner)).includes(second));
});

test('one account causes so many mails at a time, whatever the addresses', async () => {
	const client = await signUp(server, freshEmail(), PASS);
	for (let i = 0; i < 20; i++) isOk(await stageEmail(client, freshEmail()));
	isText(await stageEmail(client, freshEmail()), 429, TOO_MANY);
});

// ---- reset ----

test('a reset: the new password is chosen with the token, other sessions end, other addresses are to be verified', async () => {
	const { client: old, first, second } = await withTwo();
	const client = newClient();
	await client.login(first, PASS);
	assert.deepEqual(await status(client, 'password_reset_status', first), { status: 'complete', userid: (await client.context()).json.userid });
	isOk(await stageReset(client, first));
	assert.equal((await client.context()).json.authenticated, false, 'asking logs out');
	assert.deepEqual(await status(client, 'password_reset_status', first), { status: 'pending' });
	const token = await mailedToken(server, first);
	const info = await tokenInfo(client, token);
	assert.deepEqual([info.success, info.email, info.must_auth, info.needs_password], [true, first, false, true]);
	assert.match((await mailTo(first)).link, /\/reset_password\?token=/);
	isText(await reset(client, token), 401, 'Authentication Required: Provide your password');
	isFailure(await reset(client, token, { pass: 'short' }), 400, 'pass: not a valid password: 8 to 80 characters');
	isOk(await reset(client, token, { pass: OTHER_PASS }));
	const context = (await client.context()).json;
	assert.equal(context.auth_level, 'password');
	assert.deepEqual(await status(client, 'password_reset_status', first), { status: 'complete', userid: context.userid });
	isFailure(await reset(client, token, { pass: PASS }), 200, 'no such secret');
	isFailure(await newClient().login(first, PASS), 200, `password mismatch for user: ${first}`);
	assert.equal((await newClient().login(second, OTHER_PASS)).json.success, true);
	isText(await old.post('/wsapi/logout', {}), 403, 'Forbidden: no cookie', 'the sessions of before are over');
	assert.equal(await stateOf(first), 'known');
	assert.equal(await stateOf(second), 'unverified');
});

test('a reset in another browser, and for an address in another case', async () => {
	const email = `Mixed.${freshEmail()}`;
	await signUp(server, email, PASS);
	isOk(await stageReset(newClient(), email.toUpperCase()));
	const mail = await mailedToken(server, email.toUpperCase());
	const other = newClient();
	assert.equal((await tokenInfo(other, mail)).must_auth, true);
	isOk(await reset(other, mail, { pass: OTHER_PASS }));
	assert.equal((await newClient().login(email, OTHER_PASS)).json.success, true);
});

test('stage_reset: what it refuses', async () => {
	isFailure(await stageReset(newClient(), freshEmail()), 200, 'No such email address.');
	const email = freshEmail();
	await signUp(server, email, PASS);
	isOk(await stageReset(newClient(), email));
	isText(await stageReset(newClient(), email), 429, TOO_MANY);
	isFailure(await reset(newClient(), TOKEN, { pass: PASS }), 200, 'no such secret');
});

test('a reset opens an account that wrong passwords have locked', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	const client = newClient();
	for (let i = 0; i < 3; i++) await client.login(email, OTHER_PASS);
	assert.equal((await client.login(email, PASS)).json.code, 'account locked');
	isOk(await stageReset(client, email));
	isOk(await reset(client, await mailedToken(server, email), { pass: OTHER_PASS }));
	assert.equal((await newClient().login(email, OTHER_PASS)).json.success, true);
});

test('a token is for its own call only, and the wrong one does not use it up', async () => {
	const { client, first } = await withTwo();
	const added = freshEmail();
	isOk(await stageEmail(client, added));
	const addition = await mailedToken(server, added);
	for (const call of ['complete_user_creation', 'complete_reset', 'complete_transition']) {
		isFailure(await client.post(`/wsapi/${call}`, { token: addition, pass: OTHER_PASS }), 200, 'no such secret', call);
	}
	isOk(await confirm(client, addition));
	isOk(await stageReset(client, first));
	const token = await mailedToken(server, first);
	for (const call of ['complete_user_creation', 'complete_email_confirmation', 'complete_transition']) {
		isFailure(await client.post(`/wsapi/${call}`, { token, pass: OTHER_PASS }), 200, 'no such secret', call);
	}
	isOk(await reset(client, token, { pass: OTHER_PASS }));
});

// ---- verifying again ----

test('an address is verified again after a reset', async () => {
	const { first, second } = await withTwo();
	const client = newClient();
	isOk(await stageReset(client, first));
	isOk(await reset(client, await mailedToken(server, first), { pass: OTHER_PASS }));
	const again = (email) => client.post('/wsapi/stage_reverify', { email, site: SITE });
	isFailure(await again(first), 200, 'email is already verified');
	isFailure(await again(EMAIL), 200, "you don't control that email address");
	isFailure(await again(freshEmail()), 200, "you don't control that email address");
	assert.deepEqual(await status(client, 'email_reverify_status', first), { status: 'complete' });
	assert.deepEqual(await status(client, 'email_reverify_status', second), { status: 'pending' });
	isFailure(await client.get(`/wsapi/email_reverify_status?email=${freshEmail()}`), 200, "you don't control that email address");

	const before = await mailedToken(server, second);
	isOk(await again(second));
	isOk(await again(second), 'not throttled');
	const token = await mailedToken(server, second, 10, [before]);
	const info = await tokenInfo(client, token);
	assert.deepEqual([info.email, info.must_auth, info.needs_password], [second, false, true]);
	const other = newClient();
	isText(await confirm(other, token, { pass: PASS }), 401, 'Authentication Required: password mismatch', 'the old password');
	isOk(await confirm(client, token));
	assert.deepEqual(await status(client, 'email_reverify_status', second), { status: 'complete' });
	assert.equal(await stateOf(second), 'known');
});

test('five mails to verify again, and then one a minute', async () => {
	const { first, second } = await withTwo();
	const client = newClient();
	isOk(await stageReset(client, first));
	isOk(await reset(client, await mailedToken(server, first), { pass: OTHER_PASS }));
	for (let i = 0; i < 5; i++) isOk(await client.post('/wsapi/stage_reverify', { email: second, site: SITE }));
	isText(await client.post('/wsapi/stage_reverify', { email: second, site: SITE }), 429, TOO_MANY);
});

// ---- another password ----

test('update_password: other sessions end, this one stays and is at level password', async () => {
	const email = freshEmail();
	const other = await signUp(server, email, PASS);
	const client = newClient();
	await client.login(email, PASS, { ephemeral: true });
	const update = (oldpass, newpass) => client.post('/wsapi/update_password', { oldpass, newpass });
	isFailure(await update(OTHER_PASS, PASS), 200, 'password mismatch');
	isFailure(await update(PASS, 'short'), 400, 'newpass: not a valid password: 8 to 80 characters');
	isOk(await update(PASS, PASS), 'the same once more');
	assert.equal((await other.get('/wsapi/list_emails')).status, 200, 'ends nothing');
	isOk(await update(PASS, OTHER_PASS));
	assert.equal((await client.context()).json.auth_level, 'password');
	assert.equal(client.sessionFields[3], String(HOUR));
	assert.deepEqual(await emailsOf(client), [email]);
	isText(await other.get('/wsapi/list_emails'), 400, 'Bad Request: requires authentication');
	isFailure(await newClient().login(email, PASS), 200, `password mismatch for user: ${email}`);
	assert.equal((await newClient().login(email, OTHER_PASS)).json.success, true);
});

test('a link to reset dies with the password it was to replace', async () => {
	const email = freshEmail();
	const client = await signUp(server, email, PASS);
	isOk(await stageReset(newClient(), email));
	const token = await mailedToken(server, email);
	isOk(await client.post('/wsapi/update_password', { oldpass: PASS, newpass: OTHER_PASS }));
	isFailure(await reset(newClient(), token, { pass: PASS }), 200, 'no such secret');
});

test('wrong old passwords lock as wrong logins do', async () => {
	const client = await signUp(server, freshEmail(), PASS);
	for (let i = 0; i < 3; i++) isFailure(await client.post('/wsapi/update_password', { oldpass: OTHER_PASS, newpass: PASS }), 200, 'password mismatch');
	assert.deepEqual((await client.post('/wsapi/update_password', { oldpass: PASS, newpass: OTHER_PASS })).json, { success: false, reason: 'account is locked', code: 'account locked' });
});

// ---- fewer addresses, and the end ----

test('remove_email: one of several, one of others, the last', async () => {
	const { client, first, second } = await withTwo();
	const remove = (email) => client.post('/wsapi/remove_email', { email });
	for (const email of [EMAIL, freshEmail()]) isText(await remove(email), 400, 'Bad Request: that email does not belong to you');
	isOk(await remove(second.toUpperCase()));
	assert.deepEqual(await emailsOf(client), [first]);
	assert.equal(await stateOf(second), 'unknown');
	isText(await remove(second), 400, 'Bad Request: that email does not belong to you');
	isOk(await remove(first));
	assert.equal((await client.context()).json.authenticated, false, 'an account without address is none');
	isFailure(await newClient().login(first, PASS), 200, 'no such user');
});

test('what waits for an address dies when the address is removed', async () => {
	const { client, first, second } = await withTwo();
	isOk(await stageReset(newClient(), second));
	const token = await mailedToken(server, second);
	isOk(await client.post('/wsapi/remove_email', { email: second }));
	isFailure(await reset(newClient(), token, { pass: OTHER_PASS }), 200, 'no such secret');
	assert.equal((await newClient().login(first, PASS)).json.success, true);
});

test('account_cancel: all addresses are free again, all sessions over', async () => {
	const { client, first, second } = await withTwo();
	const other = newClient();
	await other.login(second, PASS);
	const { csrf } = client;
	const waiting = freshEmail();
	isOk(await stageEmail(client, waiting));
	const token = await mailedToken(server, waiting);
	isOk(await client.post('/wsapi/account_cancel', {}));
	const { json } = await client.context();
	assert.deepEqual([json.authenticated, json.csrf_token], [false, csrf]);
	isText(await other.get('/wsapi/list_emails'), 400, 'Bad Request: requires authentication');
	for (const email of [first, second]) isFailure(await newClient().login(email, PASS), 200, 'no such user');
	isFailure(await confirm(newClient(), token, { pass: PASS }), 200, 'no such secret');
	assert.equal((await (await signUp(server, first, OTHER_PASS)).context()).json.authenticated, true);
	isText(await client.post('/wsapi/account_cancel', {}), 400, 'Bad Request: requires authentication');
});

// ---- unverified accounts ----

test('allowUnverified: the account is there at once, its address is not verified', async () => {
	const email = freshEmail();
	const client = newClient();
	const answer = await client.stage(email, PASS, { allowUnverified: true });
	assert.deepEqual(answer.json, { success: true, unverified: true });
	assert.equal(await stateOf(email), 'unverified');
	assert.match((await mailTo(email)).link, /\/confirm\?token=/);
	const login = await client.login(email, PASS, { allowUnverified: true });
	assert.equal(login.json.success, true);
	assert.deepEqual(await status(client, 'email_addition_status', email), { status: 'pending' });
	const token = await mailedToken(server, email);
	isText(await confirm(newClient(), token), 401, 'Authentication Required: password required');
	isOk(await confirm(newClient(), token, { pass: PASS }));
	assert.equal(await stateOf(email), 'known');
	assert.deepEqual(await status(client, 'email_addition_status', email), { status: 'complete' });
});

test('allowUnverified takes no address from anybody', async () => {
	const email = freshEmail();
	const owner = await signUp(server, email, PASS);
	isOk(await newClient().stage(email, OTHER_PASS, { allowUnverified: true }), 'staged as any other');
	assert.deepEqual(await emailsOf(owner), [email]);
	assert.equal(await stateOf(email), 'known');
});

// ---- calls that are there to be called ----

test('ping and interaction_data', async () => {
	const answer = await newClient().get('/wsapi/ping');
	assert.deepEqual([answer.status, answer.text], [200, 'ok']);
	isOk(await newClient().post('/wsapi/interaction_data', { data: [{ event: 'x', n: 1 }] }));
	isText(await newClient().request('POST', '/wsapi/interaction_data', { body: '{"data":[]}' }), 403, 'Forbidden: no cookie');
	assert.equal((await newClient().post('/wsapi/interaction_data', { data: ['x'.repeat(11000)] })).status, 413);
});
