// The storage API 1.0/1.1 and the user API 1.0: every row of sync.md 2.2 and 2.3.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { hundredths } from '../harness/sync_client.mjs';
import { outbox, waitForRow } from './lib/mail.mjs';

const SHARED = 'scripts of administrators';
const PASSWORD = 'correct horse';
let server;
let n = 0;

before(async () => {
	server = await startPlimsoll({ conf: { log: { level: 'info' }, sync: { old_api: 'captcha', old_api_secret: SHARED, quota: '3M' } } });
});
after(async () => {
	execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	await server.stop();
});

const basic = (name, password) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

class Weave {
	constructor(name, password = PASSWORD, version = '1.1') {
		Object.assign(this, { name, password, prefix: `/${version}/${name}`, client: new Client(server.url) });
	}

	ask(method, path, body, headers = {}) {
		const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
		const all = { authorization: basic(this.name, this.password), ...headers };
		if (all.authorization === undefined) delete all.authorization;
		return this.client.request(method, path, { body: text, headers: all });
	}
	get = (path, headers) => this.ask('GET', this.prefix + path, undefined, headers);
	put = (path, body, headers) => this.ask('PUT', this.prefix + path, body, headers);
	post = (path, body, headers) => this.ask('POST', this.prefix + path, body, headers);
	del = (path, headers) => this.ask('DELETE', this.prefix + path, undefined, headers);
	user = (method, path, body, headers) => this.ask(method, `/user/1.0/${this.name}${path}`, body, headers);
}

async function newUser(version) {
	const name = `user${++n}`;
	const user = new Weave(name, PASSWORD, version);
	const made = await user.user('PUT', '/', { email: `${name}@example.org`, password: PASSWORD }, { 'x-weave-secret': SHARED });
	assert.equal(made.status, 200, made.text);
	assert.equal(made.text, name);
	return user;
}

function refused(answer, status, code) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.text, String(code));
}

const stamp = (answer) => answer.headers['x-weave-timestamp'];
const ids = (answer) => answer.json;

async function solve() {
	const html = (await new Client(server.url).request('GET', '/misc/1.0/captcha_html')).text;
	const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen', 'fourteen', 'fifteen', 'sixteen'];
	const [, a, b] = /How much is (\w+) and (\w+),/.exec(html);
	return { 'captcha-challenge': /value="([^"]+)"/.exec(html)[1], 'captcha-response': String(words.indexOf(a) + words.indexOf(b) + 2) };
}

test('registration: what is asked for, and in which order it is refused', async () => {
	const name = 'Register.Me';
	const user = new Weave(name);
	const email = 'register@example.org';
	assert.equal((await user.user('GET', '/')).text, '0');
	assert.equal((await user.user('GET', '')).text, '0');
	refused(await user.user('PUT', '/', '{'), 400, 6);
	refused(await user.user('PUT', '/', '[]'), 400, 6);
	refused(await user.user('PUT', '/', { password: PASSWORD }), 400, 12);
	for (const bad of ['nobody', 'a@b', 'a b@example.org', 'a@b@example.org', '@example.org', 'a@.']) {
		refused(await user.user('PUT', '/', { email: bad, password: PASSWORD }), 400, 12);
	}
	refused(await user.user('PUT', '/', { email }), 400, 7);
	refused(await user.user('PUT', '/', { email, password: 'short' }), 400, 9);
	refused(await user.user('PUT', '/', { email, password: 'REGISTER.ME' }), 400, 9);
	refused(await user.user('PUT', '/', { email, password: PASSWORD }), 400, 2);
	const solved = await solve();
	const wrong = String(Number(solved['captcha-response']) + 1);
	refused(await user.user('PUT', '/', { email, password: PASSWORD, ...solved, 'captcha-response': wrong }), 400, 2);
	refused(await user.user('PUT', '/', { email, password: PASSWORD }, { 'x-weave-secret': 'another' }), 400, 2);
	const made = await user.user('PUT', '/', { email, password: PASSWORD, ...solved });
	assert.equal(made.status, 200, made.text);
	assert.equal(made.text, 'register.me');
	assert.equal((await user.user('GET', '/')).text, '1');
	refused(await user.user('PUT', '/', { email: 'other@example.org', password: PASSWORD }), 400, 4);
	const other = new Weave('somebody.else');
	refused(await other.user('PUT', '/', { email: 'other@example.org', password: PASSWORD, ...solved }), 400, 2, 'a question is answered once');
	refused(await other.user('PUT', '/', { email, password: 'not the same' }, { 'x-weave-secret': SHARED }), 400, 4);
	refused(await other.user('PUT', '/', { email, password: PASSWORD }, { 'x-weave-secret': SHARED }), 400, 4, 'one name for an account');
	assert.equal((await new Weave('a%20b').user('GET', '/')).status, 404);
});

test('a name made of the address has to fit it, and may be the address itself', async () => {
	const email = 'Hashed@Example.org';
	const digest = createHash('sha1').update(email.toLowerCase()).digest();
	const bits = [...digest].map((b) => b.toString(2).padStart(8, '0')).join('');
	const hash = bits.match(/.{5}/g).map((b) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(b, 2)]).join('');
	const user = new Weave(hash);
	refused(await user.user('PUT', '/', { email: 'else@example.org', password: PASSWORD }, { 'x-weave-secret': SHARED }), 400, 15);
	assert.equal((await user.user('PUT', '/', { email, password: PASSWORD }, { 'x-weave-secret': SHARED })).text, hash);
	user.name = email;
	assert.equal((await user.get('/info/collections')).status, 200);
});

test('node/weave is this server', async () => {
	const user = await newUser();
	const answer = await user.user('GET', '/node/weave');
	assert.equal(answer.text, `${server.url}/`);
	assert.equal((await new Weave('nobody.here').user('GET', '/node/weave')).status, 404);
	assert.equal((await user.ask('GET', `/user/1/${user.name}/node/weave/`)).text, `${server.url}/`);
	assert.equal((await user.ask('GET', `/user/1.5/${user.name}/node/weave`)).status, 404);
	assert.equal((await user.user('GET', '/node/other')).status, 404);
});

test('HTTP Basic: only the owner, with the password', async () => {
	const user = await newUser();
	const other = await newUser();
	const bare = await user.client.request('GET', `${user.prefix}/info/collections`);
	assert.equal(bare.status, 401);
	assert.equal(bare.headers['www-authenticate'], 'Basic realm="Sync"');
	const wrong = [basic(user.name, 'wrong horse'), basic(other.name, PASSWORD), 'Basic !!', 'Basic', basic('nobody.here', PASSWORD), 'Hawk id="x"'];
	for (const authorization of wrong) {
		assert.equal((await user.get('/info/collections', { authorization })).status, 401, authorization);
	}
	assert.equal((await user.get('/info/collections')).status, 200);
	assert.equal((await user.get('/info/collections', { authorization: basic(user.name.toUpperCase(), PASSWORD) })).status, 200);
	for (let i = 0; i < 400 && !/event=request_refused op=sync\.weave_info cause=password/.test(server.stderr()); i++) await sleep(50);
	assert.ok(/event=request_refused op=sync\.weave_info cause=password/.test(server.stderr()));
	assert.ok(!server.stderr().includes(PASSWORD));
});

test('a password can be changed, and the old one ends at once', async () => {
	const user = await newUser();
	assert.equal((await user.get('/info/collections')).status, 200);
	refused(await user.user('POST', '/password', ''), 400, 7);
	refused(await user.user('POST', '/password', 'short'), 400, 9);
	assert.equal((await user.user('POST', '/password', 'battery staple', { authorization: basic(user.name, 'wrong') })).status, 401);
	const done = await user.user('POST', '/password', 'battery staple');
	assert.equal(done.text, 'success');
	assert.equal((await user.get('/info/collections')).status, 401);
	user.password = 'battery staple';
	assert.equal((await user.get('/info/collections')).status, 200);
});

test('a forgotten password: a code by mail, by header and by page', async () => {
	const user = await newUser();
	const address = `${user.name}@example.org`;
	refused(await new Weave('nobody.here').user('GET', '/password_reset'), 400, 3);
	for (const target of ['/password_reset', '/password_reset/']) refused(await user.user('GET', target), 400, 2);
	const solved = new URLSearchParams(await solve());
	assert.equal((await user.user('GET', `/password_reset?${solved}`)).text, 'success');
	const link = new URL((await waitForRow(server, address, (row) => row.link)).link);
	assert.equal(link.pathname, '/weave-password-reset');
	assert.equal(link.searchParams.get('username'), user.name);
	const code = link.searchParams.get('key');

	const reset = (key, body = 'by a code', of = user) => of.user('POST', '/password', body, { 'x-weave-password-reset': key, authorization: undefined });
	refused(await reset('wrong'), 400, 10);
	refused(await reset(''), 400, 10);
	refused(await reset(code, 'by a code', await newUser()), 400, 10);
	assert.equal((await reset(code, 'by a code', new Weave('nobody.here'))).status, 404);
	assert.equal((await reset(code)).text, 'success');
	refused(await reset(code, 'once more'), 400, 10);
	user.password = 'by a code';
	assert.equal((await user.get('/info/collections')).status, 200);

	// As with every mail of this server: the next one waits until this one was answered, or a while.
	const ask = () => user.user('GET', '/password_reset', undefined, { 'x-weave-secret': SHARED });
	assert.equal((await ask()).text, 'success');
	const mails = (await outbox(server)).length;
	const soon = await ask();
	refused(soon, 503, 0);
	assert.equal(soon.headers['retry-after'], '61');
	assert.equal((await outbox(server)).length, mails);
	assert.equal((await user.user('DELETE', '/password_reset')).text, 'success');

	const before = (await outbox(server)).length;
	await user.user('GET', '/password_reset', undefined, { 'x-weave-secret': SHARED });
	assert.equal((await user.user('DELETE', '/password_reset')).text, 'success');
	assert.ok((await outbox(server)).length > before);
	await user.user('GET', '/password_reset', undefined, { 'x-weave-secret': SHARED });
	const rows = (await outbox(server)).filter((row) => row.to === address);
	const keys = rows.map((row) => new URL(row.link).searchParams.get('key'));
	const results = [];
	const form = (key, password, confirm = password) =>
		user.client.request('POST', '/weave-password-reset', {
			body: String(new URLSearchParams({ username: user.name, key, password, confirm })),
			headers: { 'content-type': 'application/x-www-form-urlencoded' },
		});
	assert.match((await user.client.request('GET', link.pathname + link.search)).text, /<form method="post">/);
	assert.equal((await user.client.request('GET', '/weave-password-reset?username=x&key=%3Cscript%3E')).status, 400);
	assert.equal((await form(keys[0], 'one of them', 'another one')).status, 400);
	const weak = await form(keys[0], 'short');
	assert.equal(weak.status, 400);
	assert.match(weak.text, /<p>A password has at least eight characters/);
	for (const key of keys) results.push(await form(key, 'by the page'));
	assert.equal(results.filter(({ status }) => status === 200).length, 1, 'the last one alone is good');
	for (const { status, text } of results) assert.match(text, status === 200 ? /<p>The new password is set/ : /<p>This address was used already/);
	user.password = 'by the page';
	assert.equal((await user.get('/info/collections')).status, 200);
});

test('an address can be changed, to one that nobody else has', async () => {
	const user = await newUser();
	const other = await newUser();
	refused(await user.user('POST', '/email', 'no address'), 400, 12);
	refused(await user.user('POST', '/email', `${other.name}@example.org`), 400, 12);
	assert.equal((await user.user('POST', '/email', 'new@example.org', { authorization: undefined })).status, 401);
	const address = `moved${user.name}@example.org`;
	assert.equal((await user.user('POST', '/email', address)).text, address);
	await user.user('GET', '/password_reset', undefined, { 'x-weave-secret': SHARED });
	await waitForRow(server, address, (row) => row.link);
	assert.equal((await other.user('POST', '/email', `${user.name}@example.org`)).status, 200, 'the old one is free');
});

test('an account of this server can have a name here, and keeps what else it has', async () => {
	await signUp(server, 'ada@example.org', PASSWORD);
	const user = new Weave('ada');
	refused(await user.user('PUT', '/', { email: 'ada@example.org', password: 'wrong horse' }, { 'x-weave-secret': SHARED }), 400, 4);
	const made = await user.user('PUT', '/', { email: 'ada@example.org', password: PASSWORD }, { 'x-weave-secret': SHARED });
	assert.equal(made.text, 'ada', made.text);
	assert.equal((await user.get('/info/collections')).status, 200);
	assert.equal((await user.user('DELETE', '/')).status, 200);
	const shown = execFileSync(plimsollBin(), ['user', 'show', 'ada@example.org', '-c', server.confPath], { encoding: 'utf8' });
	assert.match(shown, /ada@example\.org/);
});

test('a user that ends takes the data along', async () => {
	const user = await newUser();
	await user.put('/storage/tabs/a', { payload: 'x' });
	assert.equal((await user.user('DELETE', '/', undefined, { authorization: basic(user.name, 'wrong') })).status, 401);
	assert.equal((await user.user('DELETE', '/')).text, '0');
	assert.equal((await user.user('DELETE', '/')).status, 404);
	assert.equal((await user.get('/info/collections')).status, 401);
	assert.equal((await user.user('GET', '/')).text, '0');
	const again = await user.user('PUT', '/', { email: `${user.name}@example.org`, password: PASSWORD }, { 'x-weave-secret': SHARED });
	assert.equal(again.text, user.name);
	assert.deepEqual((await user.get('/info/collections')).json, {});
});

test('records: all fields, fractions cut, what is unknown dropped', async () => {
	const user = await newUser();
	const put = await user.put('/storage/bookmarks/a', { id: 'ignored', payload: 'P', parentid: 'up', predecessorid: 'before', sortindex: 12.9, odd: 1, ttl: 100.5 });
	assert.equal(put.status, 200, put.text);
	assert.equal(put.text, stamp(put));
	hundredths(put.text);
	const got = await user.get('/storage/bookmarks/a');
	assert.deepEqual(got.json, { id: 'a', modified: Number(put.text), sortindex: 12, parentid: 'up', predecessorid: 'before', payload: 'P' });
	assert.ok(stamp(got));
	await user.put('/storage/bookmarks/a', { parentid: 'elsewhere' });
	const moved = (await user.get('/storage/bookmarks/a')).json;
	assert.deepEqual(moved, { ...got.json, parentid: 'elsewhere' }, 'only a payload changes the time');
	await user.put('/storage/bookmarks/a', { sortindex: -3.7 });
	assert.deepEqual((await user.get('/storage/bookmarks/a')).json, { ...moved, sortindex: -3 });
	const changed = await user.put('/storage/bookmarks/a', { payload: 'Q' });
	assert.deepEqual((await user.get('/storage/bookmarks/a')).json, { ...moved, sortindex: -3, payload: 'Q', modified: Number(changed.text) });
	await user.put('/storage/bookmarks/gone', { payload: 'x', parentid: 'up', ttl: 0 });
	await user.put('/storage/bookmarks/gone', { sortindex: 1 });
	assert.equal((await user.get('/storage/bookmarks/gone')).json.parentid, undefined, 'made afresh');

	refused(await user.get('/storage/bookmarks/none'), 404, 0);
	refused(await user.put('/storage/bookmarks/a', '{'), 400, 6);
	const long = 'x'.repeat(65);
	for (const bad of [[], 'x', { payload: 1 }, { sortindex: 'x' }, { sortindex: 1e10 }, { ttl: -1 }, { ttl: 31536001 }, { parentid: long }, { predecessorid: long }, { payload: 'x'.repeat(256 * 1024 + 1) }]) {
		refused(await user.put('/storage/bookmarks/b', JSON.stringify(bad)), 400, 8);
	}
	assert.equal((await user.put('/storage/bookmarks/b', { payload: 'x'.repeat(256 * 1024) })).status, 200);
	assert.equal((await user.put('/storage/bookmarks/a/b', { payload: '' })).status, 404);
	assert.equal((await user.put('/storage/bad,name/a', { payload: '' })).status, 404);
	assert.equal((await user.put(`/storage/${'c'.repeat(33)}/a`, { payload: '' })).status, 404);
});

test('a POST: faulty records are named and the rest is stored', async () => {
	const user = await newUser();
	const posted = await user.post('/storage/forms', [{ id: 'a', payload: 'A' }, { id: 'b', ttl: 'x' }, { id: 'a/b' }, 'text', { payload: 'no id' }, { id: 'c', payload: 'C' }]);
	assert.equal(posted.status, 200, posted.text);
	assert.deepEqual(posted.json.success, ['a', 'c']);
	assert.deepEqual(posted.json.failed.b, ['invalid wbo']);
	assert.deepEqual(posted.json.failed['a/b'], ['invalid id']);
	assert.deepEqual(posted.json.failed[''], ['invalid wbo', 'invalid id']);
	assert.equal(Number(stamp(posted)), posted.json.modified);
	assert.deepEqual(ids(await user.get('/storage/forms')), ['a', 'c']);

	const lines = await user.post('/storage/forms', '{"id":"l1","payload":"1"}\n{"id":"l2","payload":"2"}\n', { 'content-type': 'application/newlines' });
	assert.deepEqual(lines.json.success, ['l1', 'l2']);
	assert.equal((await user.put('/storage/forms', [{ id: 'p', payload: 'p' }])).json.success[0], 'p', 'PUT of a collection is a POST');
	const one = await user.post('/storage/forms', { id: 'one', payload: '1' });
	assert.equal(one.text, stamp(one), 'an object alone is a PUT of it');
	refused(await user.post('/storage/forms', { payload: 'no id' }), 400, 8);
	refused(await user.post('/storage/forms', '['), 400, 6);
	refused(await user.post('/storage/forms', '3'), 400, 8);
	assert.equal((await user.post('/storage/forms/a', { payload: '' })).status, 405);

	const nothing = await user.post('/storage/empty', []);
	assert.deepEqual(nothing.json.success, []);
	assert.ok(!('empty' in (await user.get('/info/collections')).json), 'of nothing no collection comes');
});

test('the limits of a POST: 100 records, less than a mebibyte', async () => {
	const user = await newUser();
	const many = await user.post('/storage/history', Array.from({ length: 102 }, (_, i) => ({ id: `h${i}`, payload: '' })));
	assert.equal(many.json.success.length, 100);
	assert.deepEqual(many.json.failed, { h100: ['retry wbo'], h101: ['retry wbo'] });
	const payload = 'x'.repeat(256 * 1024);
	const large = await user.post('/storage/history', [1, 2, 3, 4].map((i) => ({ id: `l${i}`, payload })));
	assert.equal(large.json.success.length, 3);
	assert.deepEqual(large.json.failed, { l4: ['retry bytes'] });
	assert.equal((await user.post('/storage/history', 'x'.repeat(4 * 1024 * 1024 + 1))).status >= 400, true);
});

test('lists: filters, orders, limit and offset', async () => {
	const user = await newUser();
	const times = {};
	for (const [id, sortindex, parentid, predecessorid] of [['d', 5, 'p', undefined], ['b', 10, 'p', 'd'], ['a', 1, 'q', 'b'], ['c', undefined, undefined, undefined]]) {
		times[id] = (await user.put(`/storage/col/${id}`, { payload: id, sortindex, parentid, predecessorid })).text;
	}
	const list = async (query) => ids(await user.get(`/storage/col${query}`));
	assert.deepEqual(await list(''), ['a', 'b', 'c', 'd'], 'by id');
	assert.deepEqual(await list('?sort=newest'), ['c', 'a', 'b', 'd']);
	assert.deepEqual(await list('?sort=oldest'), ['d', 'b', 'a', 'c']);
	assert.deepEqual(await list('?sort=index'), ['b', 'd', 'a', 'c']);
	assert.deepEqual(await list(`?newer=${times.b}`), ['a', 'c']);
	assert.deepEqual(await list(`?older=${times.b}`), ['d']);
	assert.deepEqual(await list('?index_above=1'), ['b', 'd']);
	assert.deepEqual(await list('?index_below=10'), ['a', 'd']);
	assert.deepEqual(await list('?index_above=-1&index_below=5'), ['a']);
	assert.deepEqual(await list('?parentid=p'), ['b', 'd']);
	assert.deepEqual(await list('?predecessorid=b'), ['a']);
	assert.deepEqual(await list('?ids=d,a,nothing'), ['a', 'd']);
	assert.deepEqual(await list('?ids=d,a,b&limit=2&offset=1'), ['b', 'd']);
	const asked = 'ids=d,a,c,b,a,nothing';
	for (const [query, expected] of [['sort=newest', ['c', 'a', 'b', 'd']], ['sort=oldest', ['d', 'b', 'a', 'c']], ['sort=index', ['b', 'd', 'a', 'c']], [`newer=${times.b}`, ['a', 'c']], [`older=${times.b}`, ['d']], ['index_above=1', ['b', 'd']], ['index_below=10', ['a', 'd']], ['parentid=p', ['b', 'd']], ['predecessorid=b', ['a']], ['sort=newest&limit=2&offset=1', ['a', 'b']], ['limit=0', []]]) {
		assert.deepEqual(await list(`?${asked}&${query}`), expected, query);
	}
	assert.deepEqual(await list('?limit=2'), ['a', 'b']);
	assert.deepEqual(await list('?limit=2&offset=1'), ['b', 'c']);
	assert.deepEqual(await list('?offset=3'), ['a', 'b', 'c', 'd'], 'an offset counts with a limit only');
	assert.deepEqual(await list('?limit=0'), []);
	for (const bad of ['sort=x', 'newer=x', 'older=-1', 'limit=x', 'limit=1&offset=x', 'index_above=x', `ids=${'x'.repeat(65)}`]) {
		assert.equal((await user.get(`/storage/col?${bad}`)).status, 400, bad);
	}
	const full = await user.get('/storage/col?full=1&sort=index');
	assert.deepEqual(full.json.map((r) => r.id), ['b', 'd', 'a', 'c']);
	assert.deepEqual(full.json[0], { id: 'b', modified: Number(times.b), sortindex: 10, parentid: 'p', predecessorid: 'd', payload: 'b' });
	assert.equal(full.headers['x-weave-records'], '4');
	assert.equal((await user.get('/storage/nothing')).text, '[]');
});

test('the forms of a list: JSON, lines, and whoisi', async () => {
	const user = await newUser();
	await user.post('/storage/col', [{ id: 'a', payload: 'é\n' }, { id: 'b', payload: '2' }]);
	const lines = await user.get('/storage/col?full=1', { accept: 'application/newlines' });
	assert.equal(lines.headers['content-type'], 'application/newlines');
	assert.deepEqual(lines.text.trimEnd().split('\n').map((line) => JSON.parse(line).payload), ['é\n', '2']);
	const whoisi = await user.get('/storage/col?full=1', { accept: 'application/whoisi' });
	assert.equal(whoisi.headers['content-type'], 'application/whoisi');
	const records = [];
	for (let at = 0; at < whoisi.bytes.length; ) {
		const length = whoisi.bytes.readUInt32BE(at);
		records.push(JSON.parse(whoisi.bytes.subarray(at + 4, at + 4 + length).toString()));
		at += 4 + length;
	}
	assert.deepEqual(records.map((r) => r.payload), ['é\n', '2']);
	assert.equal((await user.get('/storage/col', { accept: 'text/odd' })).headers['content-type'], 'application/json');
});

test('a large list comes in pieces', async () => {
	const user = await newUser();
	for (let i = 0; i < 4; i++) {
		await user.post('/storage/col', Array.from({ length: 50 }, (_, k) => ({ id: `r${i}-${k}`, payload: 'p'.repeat(5000) })));
	}
	const answer = await user.get('/storage/col?full=1');
	assert.equal(answer.headers['transfer-encoding'], 'chunked');
	assert.equal(answer.json.length, 200);
	assert.ok(answer.json.every((r) => r.payload.length === 5000));
	assert.equal(answer.headers['x-weave-records'], '200');
});

test('deleting: one, some, by filter, a collection, everything', async () => {
	const user = await newUser();
	await user.post('/storage/col', ['a', 'b', 'c', 'd', 'e'].map((id, i) => ({ id, payload: id, sortindex: i })));
	const one = await user.del('/storage/col/a');
	assert.equal(one.text, stamp(one));
	hundredths(one.text);
	assert.equal((await user.del('/storage/col/a')).status, 200, 'what is not there is deleted, too');
	assert.equal((await user.del('/storage/nothing/x')).status, 200);
	hundredths((await user.del('/storage/col?ids=b,x')).text);
	assert.deepEqual(ids(await user.get('/storage/col')), ['c', 'd', 'e']);
	await user.del('/storage/col?index_above=3');
	assert.deepEqual(ids(await user.get('/storage/col')), ['c', 'd']);
	await user.del('/storage/col?sort=oldest&limit=1');
	assert.deepEqual(ids(await user.get('/storage/col')), ['d'], 'of equal times the first id');
	await user.del('/storage/col/d');
	assert.deepEqual((await user.get('/info/collections')).json, {}, 'an empty collection is gone');
	await user.put('/storage/col/a', { payload: 'x' });
	hundredths((await user.del('/storage/col')).text);
	assert.deepEqual((await user.get('/info/collections')).json, {});

	await user.put('/storage/col/a', { payload: 'x' });
	for (const path of ['/storage', '', '/']) {
		refused(await user.del(path), 400, 4);
	}
	assert.equal((await user.get('/storage/col/a')).status, 200);
	for (const path of ['/storage', '', '/']) {
		await user.put('/storage/col/a', { payload: 'x' });
		const gone = await user.del(path, { 'x-confirm-delete': '1' });
		assert.equal(gone.text, stamp(gone));
		assert.deepEqual((await user.get('/info/collections')).json, {});
	}
});

test('X-If-Unmodified-Since is about the collection, and only for writes', async () => {
	const user = await newUser();
	const first = (await user.put('/storage/col/a', { payload: '1' })).text;
	const second = (await user.put('/storage/col/b', { payload: '2' })).text;
	const since = (time) => ({ 'x-if-unmodified-since': time });
	refused(await user.put('/storage/col/a', { payload: '3' }, since(first)), 412, 4);
	refused(await user.post('/storage/col', [{ id: 'a', payload: '3' }], since(first)), 412, 4);
	refused(await user.del('/storage/col/a', since(first)), 412, 4);
	refused(await user.del('/storage/col', since(first)), 412, 4);
	refused(await user.del('/storage/col?ids=a', since(first)), 412, 4);
	assert.equal((await user.get('/storage/col/a', since(first))).status, 200);
	assert.equal((await user.put('/storage/col/a', { payload: '3' }, since(second))).status, 200);
	assert.equal((await user.put('/storage/col/a', { payload: '3' }, since('x'))).status, 400);
	const later = await user.get('/storage/col/a', { 'x-if-modified-since': '9999999999.00' });
	assert.equal(later.status, 200, 'X-If-Modified-Since is of 1.5');
	assert.equal(later.headers['x-last-modified'], undefined);
	assert.equal(stamp(await user.get('/storage/col/none')), undefined, 'only successes tell the time');
	const batch = await user.post('/storage/col?batch=true', [{ id: 'c', payload: 'c' }]);
	assert.equal(batch.status, 200, 'and so are batches');
	assert.equal((await user.get('/storage/col/c')).json.payload, 'c');
});

test('info: collections, counts, usage, quota', async () => {
	const user = await newUser();
	const time = (await user.put('/storage/col/a', { payload: 'x'.repeat(2048) })).text;
	await user.put('/storage/dead/a', { payload: 'x', ttl: 0 });
	const collections = await user.get('/info/collections');
	assert.equal(collections.text, `{"col":${time}}`, 'what has expired is not there');
	assert.equal(collections.headers['x-weave-records'], '1');
	assert.deepEqual((await user.get('/info/collection_counts')).json, { col: 1 });
	assert.deepEqual((await user.get('/info/collection_usage')).json, { col: 2 });
	assert.deepEqual((await user.get('/info/quota')).json, [2, 3072]);
	assert.equal((await user.get('/info/collections/')).text, collections.text, 'a slash at the end is dropped');
	assert.equal((await user.get('/info/other')).status, 404);
	assert.equal((await user.get('/info/configuration')).status, 404);
});

test('the quota: told when it is near, then refused', async () => {
	const user = await newUser();
	const payload = 'x'.repeat(250 * 1024);
	let told;
	for (let i = 0; i < 12; i++) {
		told = (await user.put(`/storage/col/r${i}`, { payload })).headers['x-weave-quota-remaining'];
		assert.equal(told === undefined, 3072 - 250 * (i + 1) > 1024, `${i}: ${told}`);
	}
	assert.equal(told, '72');
	refused(await user.put('/storage/col/more', { payload }), 400, 14);
});

test('the three versions are one, and the stores are those of nobody else', async () => {
	const user = await newUser('1.0');
	await user.put('/storage/col/a', { payload: 'x' });
	for (const version of ['1', '1.0', '1.1']) {
		assert.equal((await user.ask('GET', `/${version}/${user.name}/storage/col/a/`)).json.payload, 'x');
	}
	assert.equal((await user.ask('GET', `/1.2/${user.name}/storage/col/a`)).status, 404);
	const sync = (words, input) => execFileSync(plimsollBin(), ['sync', ...words, '-c', server.confPath], { input, encoding: 'utf8', maxBuffer: 64 << 20 });
	const uids = [...sync(['usage']).matchAll(/^ +(\d+) /gm)].map((m) => m[1]);
	assert.equal(new Set(uids).size, uids.length);

	// What is exported has all of a record, and an import takes it.
	await user.put('/storage/near/n', { payload: 'n', parentid: 'up', predecessorid: 'left' });
	const exported = uids.map((uid) => sync(['export', uid])).find((lines) => lines.includes('"parentid":"up"'));
	assert.match(exported, /"predecessorid":"left"/);
	assert.equal(sync(['import', '9999999'], exported), '2 records\n');
	assert.match(sync(['export', '9999999']), /"parentid":"up","predecessorid":"left"/);
});
