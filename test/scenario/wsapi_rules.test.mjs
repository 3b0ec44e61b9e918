// Every rule of the /wsapi calls (persona.md 2.1) in its order, with the exact status and body.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { Raw } from './lib/raw.mjs';
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
		['GET', '/wsapi/fake_verification?email=somebody%40example.org'],
	];
	for (const [method, path] of rows) {
		const body = method === 'GET' ? undefined : '{}';
		isText(await newClient().request(method, path, { body }), 400, 'Bad Request: no such api', `${method} ${path}`);
	}
});

test('rule 2: the calls between the parts of the original are not to be found', async () => {
	const names = ['create_account_with_assertion', 'forget_idp', 'increment_failed_auth_tries', 'reset_failed_auth_tries', 'saw_idp', 'user_used_email_as'];
	for (const name of names) {
		isText(await newClient().get(`/wsapi/${name}`), 404, 'Not Found: no such api', name);
		isText(await newClient().request('POST', `/wsapi/${name}`, { body: '{}' }), 404, 'Not Found: no such api', name);
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
	const flip = (i) => fields.map((f, k) => (k === i ? (f[0] === 'A' ? 'B' : 'A') + f.slice(1) : f)).join('.');
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
