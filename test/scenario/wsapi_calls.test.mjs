// The /wsapi calls of sign-up and login (persona.md 2.2, 2.3): one test for each answer they can give.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { after, before } from 'node:test';
import { newKey } from '../harness/assertion.mjs';
import { changeData } from '../harness/data.mjs';
import { mailedToken, signUp } from '../harness/client.mjs';
import {
	begin,
	EMAIL,
	end,
	FOUR_WEEKS,
	freshEmail,
	HOUR,
	isFailure,
	isOk,
	isText,
	newClient,
	PASS,
	server,
	SITE,
	TOKEN,
	user,
} from './lib/wsapi.mjs';

before(begin);
after(end);

test('session_context: its fields for a stranger and for a user', async () => {
	const stranger = await newClient().context();
	assert.equal(stranger.status, 200);
	const { json } = stranger;
	assert.deepEqual(Object.keys(json).sort(), [
		'authenticated', 'cookies', 'csrf_token', 'data_sample_rate', 'domain_key_creation_time', 'has_password', 'random_seed', 'server_time',
	]);
	assert.equal(json.authenticated, false);
	assert.equal(json.cookies, false);
	assert.equal(json.has_password, false);
	assert.equal(Buffer.from(json.csrf_token, 'base64').length, 16);
	assert.equal(Buffer.from(json.random_seed, 'base64').length, 32);
	assert.ok(Math.abs(json.server_time - Date.now()) < 5000);
	assert.ok(json.domain_key_creation_time > Date.now() - 10 * 60_000 && json.domain_key_creation_time <= Date.now());
	assert.match(stranger.headers['content-type'], /^application\/json/);

	const known = (await user.context()).json;
	assert.equal(known.authenticated, true);
	assert.equal(known.auth_level, 'password');
	assert.equal(known.has_password, true);
	assert.equal(known.cookies, true);
	assert.ok(Number.isInteger(known.userid) && known.userid > 0);
	const again = (await user.context()).json;
	assert.equal(again.csrf_token, known.csrf_token);
	assert.notEqual(again.random_seed, known.random_seed);

	const probe = newClient();
	probe.cookies.set('can_set_cookies', '1');
	assert.equal((await probe.context()).json.cookies, true);
});

test('the session cookie: name, attributes, fields; sent when it changed only', async () => {
	const client = newClient();
	const first = await client.context();
	const [line, ...others] = first.headers['set-cookie'];
	assert.equal(others.length, 0);
	assert.match(line, /^browserid_state_[0-9a-f]{6}=[^;]+; path=\/wsapi; expires=[^;]+; httponly/i);
	assert.doesNotMatch(line, /; secure/i);
	assert.match(line, /; samesite=lax/i);
	const days = (new Date(/expires=([^;]+)/i.exec(line)[1]) - Date.now()) / (24 * HOUR);
	assert.ok(days > 27.9 && days < 28.1);
	assert.equal(client.sessionFields.length, 5);
	assert.ok(Math.abs(Number(client.sessionFields[2]) - Date.now()) < 5000);
	assert.equal((await client.context()).headers['set-cookie'], undefined);
});

test('authenticate_user: success, and where it fails', async () => {
	const client = newClient();
	const answer = await client.login(EMAIL, PASS);
	assert.equal(answer.status, 200);
	assert.deepEqual(Object.keys(answer.json).sort(), ['success', 'suppress_ask_if_users_computer', 'userid']);
	assert.equal(answer.json.success, true);
	assert.equal(answer.json.suppress_ask_if_users_computer, false);
	assert.equal(answer.json.userid, (await client.context()).json.userid);

	const stranger = newClient();
	isFailure(await stranger.login('nobody@example.com', PASS), 200, 'no such user');
	isFailure(await stranger.login(EMAIL, 'wrong password'), 200, `password mismatch for user: ${EMAIL}`);
	assert.equal((await stranger.context()).json.authenticated, false);
	assert.equal((await stranger.login(EMAIL.toUpperCase(), PASS)).json.success, true, 'letters of either case');
});

test('a wrong password does not end the login that is there', async () => {
	const client = newClient();
	await client.login(EMAIL, PASS);
	isFailure(await client.login(EMAIL, 'wrong password'), 200, `password mismatch for user: ${EMAIL}`);
	assert.equal((await client.context()).json.authenticated, true);
	await client.login(EMAIL, PASS);
});

test('passwords are compared whole, with zero bytes and beyond 72 bytes', async () => {
	const base = 'x'.repeat(75);
	for (const [pass, wrong] of [[`${base}abcde`, `${base}abcdX`], ['before\u0000after', 'before\u0000AFTER'], ['é'.repeat(40) + 'a', 'é'.repeat(40) + 'b']]) {
		const email = freshEmail();
		await signUp(server, email, pass);
		isFailure(await newClient().login(email, wrong), 200, `password mismatch for user: ${email}`);
		assert.equal((await newClient().login(email, pass)).json.success, true);
	}
});

test('three wrong passwords lock an account; two and a good one do not', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	const client = newClient();
	for (let round = 0; round < 2; round++) {
		for (let i = 0; i < 2; i++) isFailure(await client.login(email, 'wrong password'), 200, `password mismatch for user: ${email}`);
		assert.equal((await client.login(email, PASS)).json.success, true);
	}
	for (let i = 0; i < 3; i++) await client.login(email, 'wrong password');
	for (const pass of ['wrong password', PASS]) {
		const answer = await client.login(email, pass);
		assert.equal(answer.status, 200);
		assert.deepEqual(answer.json, { success: false, reason: 'account is locked', code: 'account locked' });
	}
});

test('how long a login lasts: ephemeral, normal, and on a phone', async () => {
	const phone = 'Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0';
	const rows = [
		[{ ephemeral: true }, {}, HOUR, false],
		[{ ephemeral: false }, {}, FOUR_WEEKS, false],
		[{ ephemeral: false }, { 'user-agent': phone }, 3650 * 24 * HOUR, true],
		[{ ephemeral: false }, { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0' }, FOUR_WEEKS, false],
	];
	for (const [fields, headers, duration, suppressed] of rows) {
		const client = newClient({ headers });
		const { json } = await client.login(EMAIL, PASS, fields);
		assert.equal(json.suppress_ask_if_users_computer, suppressed);
		assert.equal(client.sessionFields[3], String(duration), JSON.stringify([fields, headers]));
	}
	const client = newClient();
	await client.login(EMAIL, PASS, { ephemeral: true });
	const answer = await client.post('/wsapi/prolong_session', {});
	assert.equal(answer.status, 200);
	assert.equal(answer.text, 'OK');
	assert.equal(client.sessionFields[3], String(FOUR_WEEKS));
	assert.equal((await client.context()).json.authenticated, true);
});

test('logout ends the login and keeps the CSRF token', async () => {
	const client = newClient();
	await client.login(EMAIL, PASS);
	const { csrf } = client;
	isOk(await client.post('/wsapi/logout', {}));
	const { json } = await client.context();
	assert.equal(json.authenticated, false);
	assert.equal(json.csrf_token, csrf);
	assert.equal('userid' in json || 'auth_level' in json, false);
	isText(await client.get('/wsapi/list_emails'), 400, 'Bad Request: requires authentication');
});

test('list_emails, have_email and address_info of an address', async () => {
	const email = `Mixed.Case.${randomBytes(3).toString('hex')}@Example.org`;
	const client = await signUp(server, email, PASS);
	assert.deepEqual((await client.get('/wsapi/list_emails')).json, { success: true, emails: [email] });
	const asked = encodeURIComponent(email.toLowerCase());
	assert.deepEqual((await client.get(`/wsapi/have_email?email=${asked}`)).json, { email_known: true });
	assert.deepEqual((await client.get(`/wsapi/address_info?email=${asked}`)).json, {
		type: 'secondary', issuer: '127.0.0.1', disabled: false, normalizedEmail: email, state: 'known',
	});
	assert.deepEqual((await client.get('/wsapi/address_info?email=nobody%40example.com')).json, {
		type: 'secondary', issuer: '127.0.0.1', disabled: false, state: 'unknown',
	});
	const forced = (await client.get(`/wsapi/address_info?email=${asked}&issuer=other.example`)).json;
	assert.equal(forced.issuer, 'other.example');
	assert.equal(forced.state, 'known');
});

test('signing up, step by step in one browser', async () => {
	const email = freshEmail();
	const client = newClient();
	const statusPath = `/wsapi/user_creation_status?email=${encodeURIComponent(email)}`;
	assert.deepEqual((await client.get(statusPath)).json, { status: 'mustAuth' });
	isOk(await client.stage(email, PASS));
	assert.deepEqual((await client.get(statusPath)).json, { status: 'pending' });
	assert.deepEqual((await client.get(`/wsapi/have_email?email=${email}`)).json, { email_known: false });
	isFailure(await newClient().login(email, PASS), 200, 'no such user', 'not before the mail is answered');
	const token = await mailedToken(server, email);
	const asked = (await client.get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.equal(asked.success, true);
	assert.equal(asked.email, email);
	assert.equal(asked.must_auth, false);
	assert.equal(asked.needs_password, false);
	isOk(await client.post('/wsapi/complete_user_creation', { token }));
	const done = (await client.get(statusPath)).json;
	const context = (await client.context()).json;
	assert.deepEqual(done, { status: 'complete', userid: context.userid });
	assert.equal(context.auth_level, 'password');
	assert.equal(client.sessionFields[3], String(FOUR_WEEKS));
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [email]);
});

test('a token that is unknown, and one that was used', async () => {
	const email = freshEmail();
	const client = newClient();
	isFailure(await client.post('/wsapi/complete_user_creation', { token: TOKEN }), 200, 'no such secret');
	isFailure(await client.get(`/wsapi/email_for_token?token=${TOKEN}`), 200, 'no such secret');
	await client.stage(email, PASS);
	const token = await mailedToken(server, email);
	isOk(await client.post('/wsapi/complete_user_creation', { token }));
	for (const browser of [client, newClient()]) {
		isFailure(await browser.post('/wsapi/complete_user_creation', { token, pass: PASS }), 200, 'no such secret');
		isFailure(await browser.get(`/wsapi/email_for_token?token=${token}`), 200, 'no such secret');
	}
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [email], 'the account is still there');
});

test('a token that has run out is unknown, and a new one may be asked for', async () => {
	const email = freshEmail();
	const client = newClient();
	await client.stage(email, PASS);
	const token = await mailedToken(server, email);
	const changed = changeData(server, `UPDATE staged SET created_ms = created_ms - 90000000, expires_ms = expires_ms - 90000000 WHERE address = '${email}' RETURNING 1`);
	assert.equal(changed, '1');
	isFailure(await client.get(`/wsapi/email_for_token?token=${token}`), 200, 'no such secret');
	isFailure(await client.post('/wsapi/complete_user_creation', { token }), 200, 'no such secret');
	assert.deepEqual((await client.get(`/wsapi/user_creation_status?email=${email}`)).json, { status: 'mustAuth' });
	isOk(await client.stage(email, PASS));
	const fresh = await mailedToken(server, email, 10, [token]);
	isOk(await client.post('/wsapi/complete_user_creation', { token: fresh }));
});

test('two uses of one token at once: one account', async () => {
	const email = freshEmail();
	const client = newClient();
	await client.stage(email, PASS);
	const token = await mailedToken(server, email);
	const answers = await Promise.all(Array.from({ length: 6 }, () => client.post('/wsapi/complete_user_creation', { token })));
	assert.equal(answers.filter((a) => a.json?.success).length, 1, answers.map((a) => a.text).join('\n'));
	for (const a of answers.filter((x) => !x.json?.success)) isFailure(a, 200, 'no such secret');
});

test('completing in another browser needs the password that was chosen', async () => {
	const email = freshEmail();
	await newClient().stage(email, PASS);
	const token = await mailedToken(server, email);
	const other = newClient();
	assert.equal((await other.get(`/wsapi/email_for_token?token=${token}`)).json.must_auth, true);
	isText(await other.post('/wsapi/complete_user_creation', { token }), 401, 'Authentication Required: Provide your password');
	isText(await other.post('/wsapi/complete_user_creation', { token, pass: 'wrong password' }), 401, 'Authentication Required: password mismatch');
	isFailure(await newClient().login(email, PASS), 200, 'no such user');
	isOk(await other.post('/wsapi/complete_user_creation', { token, pass: PASS }));
	assert.equal((await other.context()).json.authenticated, true);
});

test('one mail a minute to an address, until it is answered', async () => {
	const email = freshEmail();
	const client = newClient();
	isOk(await client.stage(email, PASS));
	const text = 'Too Many Requests: Too many emails sent to that address, try again later.';
	for (const browser of [client, newClient()]) {
		isText(await browser.stage(email, PASS), 429, text);
		isText(await browser.stage(email.toUpperCase(), PASS), 429, text);
	}
	const token = await mailedToken(server, email);
	isOk(await client.post('/wsapi/complete_user_creation', { token }), 'the refused ones changed nothing');
	isOk(await client.stage(email, PASS), 'answered: the next may go out');
	const mails = (await (await fetch(`${server.adminUrl}/outbox.json`)).json()).filter((m) => m.to.toLowerCase() === email);
	assert.equal(mails.length, 2);
});

test('stage_user logs out and keeps the CSRF token', async () => {
	const client = newClient();
	await client.login(EMAIL, PASS);
	const { csrf } = client;
	isOk(await client.stage(freshEmail(), PASS));
	const { json } = await client.context();
	assert.equal(json.authenticated, false);
	assert.equal(json.csrf_token, csrf);
});

test('signing up with an address that exists moves it to a new account, and old sessions end', async () => {
	const email = freshEmail();
	const old = await signUp(server, email, PASS);
	const oldId = (await old.context()).json.userid;
	const fresh = await signUp(server, email, 'another password');
	const newId = (await fresh.context()).json.userid;
	assert.notEqual(newId, oldId);
	isFailure(await newClient().login(email, PASS), 200, `password mismatch for user: ${email}`);
	assert.equal((await newClient().login(email, 'another password')).json.userid, newId);
	assert.deepEqual((await fresh.get('/wsapi/list_emails')).json.emails, [email]);
	// Its only address is gone, so the old account is, and with it the session: wiped whole.
	const wiped = await old.post('/wsapi/logout', {});
	isText(wiped, 403, 'Forbidden: no cookie');
	assert.equal((await old.context()).json.authenticated, false);
});

test('cert_key refuses what is not its own', async () => {
	const key = newKey();
	const pubkey = JSON.stringify(key.publicKey);
	const other = freshEmail();
	await signUp(server, other, PASS);
	const cert = (fields) => user.post('/wsapi/cert_key', { email: EMAIL, pubkey, ephemeral: false, ...fields });
	await user.login(EMAIL, PASS);
	isText(await cert({ email: other }), 400, 'Bad Request: that email does not belong to you');
	isText(await cert({ email: 'nobody@example.com' }), 400, 'Bad Request: that email does not belong to you');
	isText(await cert({ forceIssuer: 'other.example' }), 400, 'Bad Request: Invalid issuer, unable to issue certificate');
	for (const bad of [{ algorithm: 'RS', n: '12', e: '3' }, { algorithm: 'XX', n: key.publicKey.n, e: '3' }, { algorithm: 'DS', y: '1', p: '2', q: '3', g: '4' }]) {
		const answer = await cert({ pubkey: JSON.stringify({ ...bad, filler: 'x'.repeat(50) }) });
		assert.equal(answer.status, 400, answer.text);
		assert.match(answer.text, /^Bad Request: pubkey: /);
	}
	const good = await cert({});
	assert.equal(good.status, 200, good.text);
	assert.match(good.headers['content-type'], /^text\/plain/);
	assert.match(good.text, /^[\w-]+\.[\w-]+\.[\w-]+$/);
});

// ---- form bodies ----

test('forms do as JSON does', async () => {
	const email = freshEmail();
	const client = newClient();
	isOk(await client.postForm('/wsapi/stage_user', { email, pass: 'a+b c&d=é%', site: SITE, backgroundColor: '#aabbcc' }));
	const token = await mailedToken(server, email);
	isOk(await client.postForm('/wsapi/complete_user_creation', { token }));
	const login = await newClient().postForm('/wsapi/authenticate_user', { email, pass: 'a+b c&d=é%', ephemeral: 'true' });
	assert.equal(login.json.success, true);
	const bad = await newClient().postForm('/wsapi/authenticate_user', { email, pass: PASS, ephemeral: 'maybe' });
	assert.match(bad.json.reason, /^ephemeral: /);
	isFailure(await newClient().postForm('/wsapi/authenticate_user', { email, pass: PASS }), 400, "missing required parameter: 'ephemeral'");
});
