// Every rule of the /wsapi calls (persona.md 2.1) in its order, with the exact status and body; then
// the calls of the sign-up and login slice (2.2, 2.3), one test for each answer they can give.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, hkdfSync, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKey } from '../harness/assertion.mjs';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { Raw } from './lib/raw.mjs';

const PASS = 'correct horse';
const SITE = 'http://site.example';
const HOUR = 3_600_000;
const FOUR_WEEKS = 28 * 24 * HOUR;
const TOKEN = 'a'.repeat(48);

let server;
let user; // signed up and logged in
const EMAIL = 'somebody@example.org';

before(async () => {
	server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: 4, max_failed_logins: 3 } } });
	user = await signUp(server, EMAIL, PASS);
});
after(() => server?.stop());

const newClient = (options) => new Client(server.url, options);
let counter = 0;
const freshEmail = () => `u${++counter}.${randomBytes(3).toString('hex')}@example.com`;

function isText(answer, status, text, note) {
	assert.equal(answer.text, text, note);
	assert.equal(answer.status, status, note);
	assert.match(answer.headers['content-type'], /^text\/plain/, note);
}

function isFailure(answer, status, reason, note) {
	assert.deepEqual(answer.json, { success: false, reason }, `${note ?? ''} ${answer.text}`);
	assert.equal(answer.status, status, note);
}

function isOk(answer, note) {
	assert.equal(answer.status, 200, `${note ?? ''} ${answer.text}`);
	assert.deepEqual(answer.json, { success: true }, note);
}

// ---- 2.1: the rules ----

test('rule 1: no answer may be kept', async () => {
	const client = newClient();
	const answers = [
		await client.get('/wsapi/session_context'),
		await client.get('/wsapi/no_such_call'),
		await client.get('/wsapi/have_email'),
		await client.get('/wsapi/list_emails'),
		await client.request('POST', '/wsapi/authenticate_user', { body: '{}' }),
		await client.request('POST', '/wsapi/authenticate_user', { body: 'x'.repeat(10241) }),
		await client.request('POST', '/wsapi/session_context', { body: '{}' }),
		await client.login('nobody@example.com', PASS),
	];
	for (const answer of answers) {
		assert.equal(answer.headers['cache-control'], 'no-cache, max-age=0', answer.text);
		assert.equal(answer.headers['x-content-type-options'], 'nosniff');
	}
});

test('rule 2: an unknown call and a wrong method are the same to the caller', async () => {
	const rows = [
		['GET', '/wsapi/no_such_call'],
		['POST', '/wsapi/no_such_call'],
		['GET', '/wsapi/'],
		['GET', '/wsapi/session_context/more'],
		['POST', '/wsapi/session_context'],
		['GET', '/wsapi/authenticate_user'],
		['PUT', '/wsapi/authenticate_user'],
		['DELETE', '/wsapi/list_emails'],
		['GET', '/wsapi/cert_key'],
		['GET', '/wsapi/create_account_with_assertion'],
		['POST', '/wsapi/user_used_email_as'],
		['GET', '/wsapi/fake_verification?email=somebody%40example.org'],
	];
	for (const [method, path] of rows) {
		const body = method === 'GET' ? undefined : '{}';
		isText(await newClient().request(method, path, { body }), 400, 'Bad Request: no such api', `${method} ${path}`);
	}
});

test('rule 3: a body that is not what it says', async () => {
	for (const body of ['{', '{"email":}', '[1,2]', '"text"', '7', '{"a":1} x', '['.repeat(100) + ']'.repeat(100)]) {
		isText(await user.request('POST', '/wsapi/logout', { body }), 400, 'Bad Request: malformed JSON', body);
	}
	const { json } = await user.context();
	assert.equal(json.authenticated, true, 'and nothing was done');
});

test('rule 3: a body of another type brings no parameters, so no CSRF token', async () => {
	const client = newClient();
	await client.context();
	const body = JSON.stringify({ csrf: client.csrf, email: EMAIL, pass: PASS, ephemeral: false });
	for (const type of ['text/plain', 'application/xml', 'application/jsonp', 'multipart/form-data; boundary=x']) {
		const answer = await client.request('POST', '/wsapi/authenticate_user', { body, headers: { 'content-type': type } });
		isText(answer, 400, 'Bad Request: CSRF violation', type);
	}
	for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json ;charset=UTF-8']) {
		const answer = await client.request('POST', '/wsapi/authenticate_user', { body, headers: { 'content-type': type } });
		assert.equal(answer.json?.success, true, type);
	}
});

test('rule 3: an unreadable cookie is an empty session and is replaced', async () => {
	const client = newClient();
	await client.context();
	const [name, value] = client.session;
	const fields = value.split('.');
	const flip = (i) => fields.map((f, k) => (k === i ? (f[4] === 'A' ? 'B' : 'A') + f.slice(1) : f)).join('.');
	const bad = [
		'', 'x', '....', '.'.repeat(40), value.slice(0, -4), `${value}.x`, `${value}AAAA`, 'A'.repeat(3000),
		flip(0), flip(1), flip(4),
		fields.map((f, i) => (i === 3 ? `9${f}` : f)).join('.'),
		fields.map((f, i) => (i === 2 ? String(Number(f) + 1) : f)).join('.'),
	];
	for (const cookie of bad) {
		const other = newClient();
		other.cookies.set(name, cookie);
		const answer = await other.request('POST', '/wsapi/authenticate_user', { body: JSON.stringify({ csrf: client.csrf }) });
		isText(answer, 403, 'Forbidden: no cookie', cookie.slice(0, 80));
		assert.match(answer.headers['set-cookie']?.[0] ?? '', new RegExp(`^${name}=`), cookie.slice(0, 80));
		const { json } = await other.context();
		assert.equal(json.authenticated, false);
		assert.notEqual(json.csrf_token, client.csrf, 'a new session has a token of its own');
	}
});

test('rule 3: a login cookie moved to another duration or time is no login', async () => {
	const client = newClient();
	await client.login(EMAIL, PASS, { ephemeral: true });
	const [name, value] = client.session;
	const fields = value.split('.');
	assert.equal(fields[3], String(HOUR));
	fields[3] = String(FOUR_WEEKS);
	client.cookies.set(name, fields.join('.'));
	assert.equal((await client.context()).json.authenticated, false);
});

// The cookie as the server would have made it at another time, sealed with the key of the server.
function movedInTime(server, [name, value], createdMs) {
	const [iv, ciphertext, , duration] = value.split('.');
	const symmetric = readFileSync(path.join(server.dataDir, 'keys/symmetric.key')).subarray(0, 32);
	const macKey = createHmac('sha256', symmetric).update(`cookiesession-signature/${name}`).digest();
	const mac = createHmac('sha256', macKey);
	mac.update(Buffer.from(iv, 'base64url')).update('.').update(Buffer.from(ciphertext, 'base64url'));
	mac.update(`.${createdMs}.${duration}`);
	return [iv, ciphertext, createdMs, duration, mac.digest('base64url')].join('.');
}

test('rule 3: a cookie that has run out is an empty session; one about to is moved on', async () => {
	const client = newClient();
	await client.login(EMAIL, PASS, { ephemeral: true });
	const [name, value] = client.session;
	const csrf = client.csrf;
	const now = Date.now();
	const withCookie = (createdMs) => {
		const other = newClient();
		other.csrf = csrf;
		other.cookies.set(name, movedInTime(server, [name, value], createdMs));
		return other;
	};
	const good = withCookie(now - HOUR / 2);
	const before = good.session[1];
	assert.equal((await good.context()).json.authenticated, true);
	assert.equal(good.session[1], before, 'nothing new to send');

	const nearlyOver = withCookie(now - HOUR + 60_000);
	assert.equal((await nearlyOver.context()).json.authenticated, true);
	assert.equal(Number(nearlyOver.sessionFields[2]), now - HOUR + 60_000 + 5 * 60_000);

	const over = withCookie(now - HOUR - 1000);
	isText(await over.post('/wsapi/logout', {}), 403, 'Forbidden: no cookie');
	const { json } = await withCookie(now - HOUR - 1000).context();
	assert.equal(json.authenticated, false);
	assert.notEqual(json.csrf_token, csrf);
});

test('rule 5: a POST needs the session cookie and its CSRF token', async () => {
	const calls = ['authenticate_user', 'stage_user', 'complete_user_creation', 'cert_key', 'logout', 'prolong_session'];
	for (const call of calls) {
		const answer = await newClient().request('POST', `/wsapi/${call}`, { body: '{}' });
		isText(answer, 403, 'Forbidden: no cookie', call);
		const client = newClient();
		await client.context();
		for (const fields of [{}, { csrf: '' }, { csrf: 'A'.repeat(24) }, { csrf: client.csrf.slice(1) }, { csrf: null }, { csrf: [client.csrf] }, { csrf: 1 }]) {
			const wrong = await client.request('POST', `/wsapi/${call}`, { body: JSON.stringify(fields) });
			isText(wrong, 400, 'Bad Request: CSRF violation', `${call} ${JSON.stringify(fields)}`);
		}
		const empty = await client.request('POST', `/wsapi/${call}`, { headers: { 'content-length': '0' } });
		isText(empty, 400, 'Bad Request: CSRF violation', `${call} without a body`);
	}
});

test('rule 5: the token of another session does not do', async () => {
	const one = newClient();
	const other = newClient();
	await one.context();
	await other.context();
	one.csrf = other.csrf;
	isText(await one.login(EMAIL, PASS), 400, 'Bad Request: CSRF violation');
});

test('rule 5: a page of another origin may not call, one of ours may', async () => {
	const client = newClient();
	await client.context();
	for (const origin of ['http://evil.example', 'https://127.0.0.1', 'null', 'http://127.0.0.1.evil.example', 'http://localhost:1']) {
		const answer = await client.post('/wsapi/authenticate_user', { email: EMAIL, pass: PASS, ephemeral: false }, { headers: { origin } });
		isText(answer, 400, 'Bad Request: CSRF violation', origin);
	}
	const own = await client.post('/wsapi/authenticate_user', { email: EMAIL, pass: PASS, ephemeral: false }, { headers: { origin: server.url } });
	assert.equal(own.json.success, true);
});

test('rule 6: calls for people who are logged in', async () => {
	const client = newClient();
	isText(await client.get('/wsapi/list_emails'), 400, 'Bad Request: requires authentication');
	for (const call of ['cert_key', 'logout', 'prolong_session']) {
		isText(await client.post(`/wsapi/${call}`, {}), 400, 'Bad Request: requires authentication', call);
	}
});

test('the order of the rules: each one is asked before the next', async () => {
	const client = newClient();
	await client.context();
	const good = JSON.stringify({ csrf: client.csrf });
	const stranger = newClient();
	isText(await stranger.request('POST', '/wsapi/nothing', { body: '{' }), 400, 'Bad Request: no such api', 'call before body');
	isText(await stranger.request('POST', '/wsapi/cert_key', { body: '{' }), 400, 'Bad Request: malformed JSON', 'body before cookie');
	isText(await stranger.request('POST', '/wsapi/cert_key', { body: '{}' }), 403, 'Forbidden: no cookie', 'cookie before CSRF');
	isText(await client.request('POST', '/wsapi/cert_key', { body: '{}' }), 400, 'Bad Request: CSRF violation', 'CSRF before login');
	isText(await client.request('POST', '/wsapi/cert_key', { body: good }), 400, 'Bad Request: requires authentication', 'login before parameters');
	isFailure(await client.request('POST', '/wsapi/authenticate_user', { body: good }), 400, "missing required parameter: 'email'", 'at last the parameters');
});

test('rule 7: missing parameters are named', async () => {
	const full = {
		authenticate_user: { email: EMAIL, pass: PASS, ephemeral: false },
		stage_user: { email: EMAIL, pass: PASS, site: SITE },
		complete_user_creation: { token: TOKEN },
		cert_key: { email: EMAIL, pubkey: JSON.stringify({ algorithm: 'RS', n: '1'.repeat(60), e: '65537' }), ephemeral: false },
	};
	for (const [call, fields] of Object.entries(full)) {
		for (const name of Object.keys(fields)) {
			const { [name]: gone, ...rest } = fields;
			assert.notEqual(gone, undefined);
			isFailure(await user.post(`/wsapi/${call}`, rest), 400, `missing required parameter: '${name}'`, `${call} ${name}`);
		}
	}
	for (const [call, name] of [['have_email', 'email'], ['address_info', 'email'], ['user_creation_status', 'email'], ['email_for_token', 'token'], ['password_kdf', 'email']]) {
		isFailure(await user.get(`/wsapi/${call}`), 400, `missing required parameter: '${name}'`, call);
	}
});

test('rule 7: parameters that are not in the list are refused by name', async () => {
	isFailure(await user.login(EMAIL, PASS, { a: 1 }), 400, 'extra parameters are not allowed: a');
	isFailure(await user.login(EMAIL, PASS, { a: 1, b: { c: 2 } }), 400, 'extra parameters are not allowed: a, b');
	isFailure(await user.get('/wsapi/have_email?email=a%40example.org&x=1'), 400, 'extra parameters are not allowed: x');
	const known = await user.get('/wsapi/have_email?email=a%40example.org&csrf=x');
	assert.deepEqual(known.json, { email_known: false }, 'csrf always may be there');
	const any = await user.get('/wsapi/list_emails?anything=1');
	assert.equal(any.status, 200, 'a call without list takes anything');
});

test('rule 7: passwords of 8 to 80 UTF-16 units', async () => {
	const rows = [
		['1234567', false], ['12345678', true], ['x'.repeat(80), true], ['x'.repeat(81), false], ['', false],
		['é'.repeat(7), false], ['é'.repeat(8), true], ['é'.repeat(80), true], ['é'.repeat(81), false],
		['😀'.repeat(3), false], ['😀'.repeat(4), true], ['😀'.repeat(40), true], ['😀'.repeat(41), false],
		['with \u0000 zero', true],
	];
	for (const [pass, good] of rows) {
		for (const call of ['authenticate_user', 'stage_user']) {
			const email = freshEmail();
			const fields = call === 'stage_user' ? { email, pass, site: SITE } : { email, pass, ephemeral: false };
			const answer = await newClient().post(`/wsapi/${call}`, fields);
			const note = `${call} ${[...pass].length} x ${pass.slice(0, 2)}`;
			if (!good) {
				assert.equal(answer.status, 400, note);
				assert.equal(answer.json.success, false, note);
				assert.match(answer.json.reason, /^pass: /, note);
			} else if (call === 'stage_user') {
				isOk(answer, note);
			} else {
				isFailure(answer, 200, 'no such user', note);
			}
		}
	}
});

test('rule 7: e-mail addresses', async () => {
	const label63 = 'x'.repeat(63);
	const good = [
		'a@example.org', 'A.B+c@Example.ORG', "o'hara!#$%&*+-/=?^_`{|}~@example.org", 'a@b.c', 'a@1.example',
		`a@${label63}.org`, 'a@[192.168.0.1]', 'x@xn--bcher-kva.example',
	];
	const bad = [
		'', 'a', '@example.org', 'a@', 'a@example', 'a@example.', 'a@.org', 'a@ex..org', '.a@example.org', 'a.@example.org',
		'a..b@example.org', 'a b@example.org', 'a@exa mple.org', 'a@b@example.org', 'a@-example.org', 'a@example-.org',
		`a@x${label63}.org`, 'a@[300.1.1.1]', 'a@[1.2.3]', 'a@[1.2.3.4', 'a@example.org\r\nBcc: b@example.org',
		'<a@example.org>', '"a b"@example.org', 'é@example.org', `${'x'.repeat(250)}@example.org`, 'a@ex_ample.org',
	];
	for (const email of good) {
		const answer = await user.get(`/wsapi/have_email?email=${encodeURIComponent(email)}`);
		assert.deepEqual(answer.json, { email_known: false }, email);
	}
	for (const email of bad) {
		const got = await user.get(`/wsapi/have_email?email=${encodeURIComponent(email)}`);
		assert.equal(got.status, 400, email);
		assert.match(got.json.reason, /^email: /, email);
		const posted = await newClient().stage(email, PASS);
		assert.equal(posted.status, 400, email);
		assert.match(posted.json.reason, /^email: /, email);
	}
	const zero = await newClient().stage('a\u0000@example.org', PASS);
	assert.match(zero.json.reason, /^email: /);
	isFailure(await user.get('/wsapi/have_email?email=a%00%40example.org'), 400, "missing required parameter: 'email'", 'undecodable pairs are none');
});

test('rule 7: origins of sites', async () => {
	const label63 = 'x'.repeat(63);
	const long = `${label63}.${label63}.${label63}.${'x'.repeat(61)}`; // 253
	const good = ['http://a', 'https://a.example', 'http://127.0.0.1:8080', 'app://some.app', 'https://a.example:65535', `http://${label63}.org`, `http://${long}`];
	const bad = [
		'', 'a.example', 'ftp://a.example', '//a.example', 'http://', 'http:/a', 'http://a.example/', 'http://a.example/path',
		'http://a.example?q', 'http://a.example#f', 'http://u@a.example', 'http://-a.example', 'http://a-.example', `http://x${label63}.org`,
		`http://${long}.xx`, 'http://a..b', 'http://a:0', 'http://a:65536', 'http://a:', 'http://a:x', 'http://a b', 'javascript://a', 'HTTP//a',
	];
	for (const site of good) {
		isOk(await newClient().stage(freshEmail(), PASS, { site }), site);
	}
	for (const site of bad) {
		const answer = await newClient().stage(freshEmail(), PASS, { site });
		assert.equal(answer.status, 400, site);
		assert.match(answer.json.reason, /^site: /, site);
	}
});

test('rule 7: values of other types', async () => {
	const key = JSON.stringify({ algorithm: 'RS', n: '1'.repeat(60), e: '65537' });
	const rows = [
		['authenticate_user', { email: EMAIL, pass: PASS, ephemeral: 'false' }, /^ephemeral: /],
		['authenticate_user', { email: EMAIL, pass: PASS, ephemeral: 0 }, /^ephemeral: /],
		['authenticate_user', { email: EMAIL, pass: PASS, ephemeral: [false] }, /^ephemeral: /],
		['authenticate_user', { email: [EMAIL], pass: PASS, ephemeral: false }, /^email: /],
		['authenticate_user', { email: { toString: EMAIL }, pass: PASS, ephemeral: false }, /^email: /],
		['authenticate_user', { email: EMAIL, pass: 12345678, ephemeral: false }, /^pass: /],
		['authenticate_user', { email: EMAIL, pass: PASS, ephemeral: false, kdf: 'md5' }, /^kdf: /],
		['authenticate_user', { email: EMAIL, pass: PASS, ephemeral: false, kdf: 'onepw-2' }, /^pass: /],
		['complete_user_creation', { token: 'a'.repeat(47) }, /^token: /],
		['complete_user_creation', { token: 'a'.repeat(49) }, /^token: /],
		['complete_user_creation', { token: `${'a'.repeat(47)}-` }, /^token: /],
		['complete_user_creation', { token: 1 }, /^token: /],
		['complete_user_creation', { token: TOKEN, pass: 'short' }, /^pass: /],
		['cert_key', { email: EMAIL, pubkey: 'x'.repeat(60), ephemeral: false }, /^pubkey: /],
		['cert_key', { email: EMAIL, pubkey: '{}', ephemeral: false }, /^pubkey: /],
		['cert_key', { email: EMAIL, pubkey: key, ephemeral: 1 }, /^ephemeral: /],
		['cert_key', { email: EMAIL, pubkey: key, ephemeral: false, forceIssuer: 'a b' }, /^forceIssuer: /],
		['stage_user', { email: EMAIL, pass: PASS, site: SITE, backgroundColor: 'red' }, /^backgroundColor: ValidatorError: Invalid hexcolor$/],
		['stage_user', { email: EMAIL, pass: PASS, site: SITE, backgroundColor: '#12345' }, /^backgroundColor: ValidatorError: Invalid hexcolor$/],
		['stage_user', { email: EMAIL, pass: PASS, site: SITE, siteLogo: 'http://a.example/l.png' }, /^siteLogo: Error: images must be served over https\.$/],
		['stage_user', { email: EMAIL, pass: PASS, site: SITE, siteLogo: 'data:image/png;base64,AAAA' }, /^siteLogo: Error: images must be served over https\.$/],
		['stage_user', { email: EMAIL, pass: PASS, site: SITE, allowUnverified: 'yes' }, /^allowUnverified: /],
	];
	for (const [call, fields, reason] of rows) {
		const answer = await user.post(`/wsapi/${call}`, fields);
		assert.equal(answer.status, 400, JSON.stringify(fields));
		assert.equal(answer.json?.success, false, JSON.stringify(fields));
		assert.match(answer.json.reason, reason, JSON.stringify(fields));
	}
	const fine = await newClient().stage(freshEmail(), PASS, { backgroundColor: '#a1B2c3', siteLogo: 'https://a.example/l.png' });
	isOk(fine);
});

test('a body of 10,240 bytes is read, one of 10,241 is refused, whole or in chunks', async () => {
	const client = newClient();
	await client.context();
	const bodyOf = (length) => {
		const head = `{"csrf":"${client.csrf}","filler":"`;
		return `${head}${'x'.repeat(length - head.length - 2)}"}`;
	};
	const fits = await client.request('POST', '/wsapi/authenticate_user', { body: bodyOf(10240) });
	isFailure(fits, 400, "missing required parameter: 'email'");
	const [name, value] = client.session;
	const head = (more) =>
		`POST /wsapi/authenticate_user HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nCookie: ${name}=${value}\r\n${more}\r\n`;
	const chunked = (body) => {
		const pieces = body.match(/.{1,1000}/gs).map((p) => `${p.length.toString(16)}\r\n${p}\r\n`);
		return `${head('Transfer-Encoding: chunked\r\n')}${pieces.join('')}0\r\n\r\n`;
	};
	for (const [bytes, status] of [
		[`${head('Content-Length: 10241\r\n')}${bodyOf(10241)}`, 413],
		[head('Content-Length: 1000000000\r\n'), 413],
		[chunked(bodyOf(10241)), 413],
		[chunked(bodyOf(10240)), 400],
	]) {
		const raw = await Raw.connect(server.ports.web);
		try {
			const answer = await raw.exchange(bytes, 'POST');
			assert.equal(answer.status, status, answer.body.toString());
		} finally {
			raw.destroy();
		}
	}
});

// ---- 2.2, 2.3: the calls ----

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
	const script = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=10); '
		+ 'n = db.execute("UPDATE staged SET created_ms = created_ms - 90000000, expires_ms = expires_ms - 90000000 WHERE address = ?", (sys.argv[2],)).rowcount; '
		+ 'db.commit(); db.close(); print(n)';
	const changed = execFileSync('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db'), email], { encoding: 'utf8' });
	assert.equal(changed, '1\n');
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

// ---- stretched passwords ----

// The server stretches for a quarter of a second, at low priority: on a busy machine it may say 503,
// and who gets that tries again.
async function patient(call, seconds = 30) {
	for (const end = Date.now() + seconds * 1000; ; ) {
		const answer = await call();
		if (answer.status !== 503 || Date.now() > end) return answer;
		assert.deepEqual(answer.json, { success: false, reason: 'server is too busy' });
		assert.match(answer.headers['retry-after'], /^\d+$/);
		await sleep(200);
	}
}

const NAMESPACE = 'identity.mozilla.com/picl/v1/';

function stretched(password, salt, rounds) {
	const quick = pbkdf2Sync(password, `${NAMESPACE}quickStretchV2:${salt}`, rounds, 32, 'sha256');
	return Buffer.from(hkdfSync('sha256', quick, '', `${NAMESPACE}authPW`, 32)).toString('hex');
}

async function kdfOf(email) {
	return (await newClient().get(`/wsapi/password_kdf?email=${encodeURIComponent(email)}`)).json;
}

test('password_kdf: a salt for everybody, the same each time, plain for plain accounts', async () => {
	const unknown = await kdfOf('nobody@example.com');
	assert.deepEqual(Object.keys(unknown).sort(), ['kdf', 'rounds', 'salt', 'success']);
	assert.equal(unknown.kdf, 'onepw-2');
	assert.equal(unknown.rounds, 650000);
	assert.match(unknown.salt, /^[0-9a-f]{32}$/);
	assert.deepEqual(await kdfOf('Nobody@Example.com'), unknown);
	assert.notEqual((await kdfOf('other@example.com')).salt, unknown.salt);
	assert.deepEqual(await kdfOf(EMAIL), { success: true, kdf: 'plain' });
});

test('an account made by a page that stretches: both forms of the password log in', async () => {
	const email = freshEmail();
	const { salt, rounds } = await kdfOf(email);
	const pass = stretched(PASS, salt, rounds);
	const client = newClient();
	isOk(await client.stage(email, pass, { kdf: 'onepw-2' }));
	const token = await mailedToken(server, email);
	const asked = (await newClient().get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.equal(asked.kdf, 'onepw-2');
	assert.equal(asked.salt, salt);
	const other = newClient();
	isText(await other.post('/wsapi/complete_user_creation', { token, pass: stretched('wrong password', salt, rounds), kdf: 'onepw-2' }), 401, 'Authentication Required: password mismatch');
	isOk(await other.post('/wsapi/complete_user_creation', { token, pass, kdf: 'onepw-2' }));
	assert.deepEqual(await kdfOf(email), { success: true, kdf: 'onepw-2', salt, rounds }, 'the salt stays');
	assert.equal((await newClient().login(email, pass, { kdf: 'onepw-2' })).json.success, true);
	const plain = (typed, more) => patient(() => newClient().login(email, typed, more));
	assert.equal((await plain(PASS)).json.success, true, 'the typed password, stretched by the server');
	assert.equal((await plain(PASS, { kdf: 'plain' })).json.success, true);
	isFailure(await plain(pass), 200, `password mismatch for user: ${email}`, 'the stretched one is no typed password');
	isFailure(await plain('wrong password'), 200, `password mismatch for user: ${email}`);
	assert.equal((await plain(PASS)).json.success, true);
});

test('a stretched password for a plain account never fits', async () => {
	const answer = await newClient().login(EMAIL, 'a'.repeat(64), { kdf: 'onepw-2' });
	isFailure(answer, 200, `password mismatch for user: ${EMAIL}`);
	await newClient().login(EMAIL, PASS);
	for (const pass of ['A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64)]) {
		const bad = await newClient().login(EMAIL, pass, { kdf: 'onepw-2' });
		assert.equal(bad.status, 400);
		assert.match(bad.json.reason, /^pass: /);
	}
});
