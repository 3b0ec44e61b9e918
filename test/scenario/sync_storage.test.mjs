// The storage API 1.5: every row of sync.md 1.2 to 1.9, with raw bytes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test, { after, before } from 'node:test';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { hundredths, SECRET, SyncUser } from '../harness/sync_client.mjs';

let server;
let uids = 1000;
const users = [];

before(async () => {
	server = await startPlimsoll({ conf: { sync: { master_secret: SECRET } } });
});
after(async () => {
	for (const user of users) user.close();
	execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	await server.stop();
});

function newUser(token) {
	const user = new SyncUser(server, uids++, token);
	users.push(user);
	return user;
}

const last = (answer) => answer.headers['x-last-modified'];
const stamp = (answer) => answer.headers['x-weave-timestamp'];

function refused(answer, status, code) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.text, String(code));
	assert.equal(answer.headers['content-type'], 'application/json');
	hundredths(stamp(answer));
}

test('a store that nobody has written to is empty', async () => {
	const user = newUser();
	for (const [path, body] of [['/info/collections', {}], ['/info/collection_counts', {}], ['/info/collection_usage', {}]]) {
		const answer = await user.get(path);
		assert.equal(answer.status, 200, answer.text);
		assert.deepEqual(answer.json, body);
		assert.equal(last(answer), '0.00');
		assert.equal(answer.headers['x-weave-records'], '0');
		assert.equal(answer.headers['x-content-type-options'], 'nosniff');
	}
	assert.deepEqual((await user.get('/info/quota')).json, [0, 2048000]);
	const list = await user.get('/storage/bookmarks');
	assert.equal(list.text, '[]');
	assert.equal(last(list), '0.00');
	refused(await user.get('/storage/bookmarks/x'), 404, 0);
	refused(await user.del('/storage/bookmarks/x'), 404, 0);
	const gone = await user.del('/storage/bookmarks');
	assert.equal(gone.status, 200);
	assert.equal(last(gone), '0.00');
	assert.equal((await user.del('/storage/bookmarks?ids=a,b')).status, 200);
});

test('the limits are told', async () => {
	const answer = await newUser().get('/info/configuration');
	assert.deepEqual(answer.json, {
		max_post_records: 100, max_post_bytes: 2621440, max_record_payload_bytes: 2621440, max_request_bytes: 2625536,
		max_total_records: 10000, max_total_bytes: 100000000, max_quota_limit: 2097152000,
	});
	assert.equal(last(answer), '0.00');
});

test('a record is put, read, changed field by field and deleted', async () => {
	const user = newUser();
	const path = '/storage/bookmarks/some%20%2Fid~';
	const put = await user.put(path, { id: 'ignored', payload: 'p"\\\n\u0001é😀', sortindex: -999999999, modified: 1, collection: 'x' });
	assert.equal(put.status, 200, put.text);
	assert.equal(put.text, last(put));
	assert.equal(stamp(put), last(put));
	assert.match(put.text, /^\d+\.\d\d$/);
	assert.equal(put.headers['x-weave-quota-remaining'], String(Math.floor((2097152000 - 11) / 1024)));
	const got = await user.get(path);
	assert.equal(got.text, `{"id":"some /id~","modified":${put.text},"payload":"p\\"\\\\\\n\\u0001é😀","sortindex":-999999999}`);
	assert.equal(last(got), put.text);
	const second = await user.put(path, { sortindex: 5, payload: null }, { 'Content-Type': 'text/plain; charset=utf-8' });
	assert.ok(hundredths(second.text) > hundredths(put.text));
	assert.deepEqual((await user.get(path)).json, { ...got.json, modified: Number(second.text), sortindex: 5 });
	const third = await user.put(path, { ttl: 1000 });
	assert.ok(hundredths(third.text) > hundredths(second.text));
	assert.equal((await user.get(path)).json.modified, Number(second.text), 'ttl alone is no change of the record');
	assert.equal((await user.get('/info/collections')).text, `{"bookmarks":${third.text}}`);
	const fourth = await user.put('/storage/bookmarks/empty', {});
	assert.deepEqual((await user.get('/storage/bookmarks/empty')).json, { id: 'empty', modified: Number(fourth.text), payload: '' });
	const gone = await user.del(path);
	assert.equal(gone.text, `{"modified":${last(gone)}}`);
	assert.equal(stamp(gone), last(gone));
	refused(await user.get(path), 404, 0);
	assert.deepEqual((await user.get('/info/collection_counts')).json, { bookmarks: 1 });
});

test('records that cannot be are refused with 8', async () => {
	const user = newUser();
	const bad = ['', '{', '[]', '"x"', '{"payload":1}', '{"payload":"x","sortindex":"2.6"}', '{"sortindex":2.5}', '{"sortindex":true}', '{"sortindex":1000000000}',
		'{"ttl":-1}', '{"ttl":1000000000}', '{"ttl":"1"}', '{"other":1}', '{"payload":{}}', '{"payload":"\\ud800"}', '{"a":'.repeat(40), '{"payload":"x"} x',
		'{"payload":"x","payload":"y"}'];
	for (const body of bad) refused(await user.put('/storage/meta/global', body), 400, 8);
	refused(await user.put('/storage/meta/global', Buffer.from('{"payload":"\xff"}', 'latin1')), 400, 8);
	const zeros = { payload: '{"IV": "AAAAAAAAAAAAAAAAAAAAAA=="}' };
	refused(await user.put('/storage/crypto/keys', zeros), 400, 8);
	refused(await user.post('/storage/crypto', [{ id: 'keys', ...zeros }]), 400, 8);
	assert.equal((await user.get('/info/collections')).text, '{}', 'nothing was stored');
	assert.equal((await user.put('/storage/meta/keys', zeros)).status, 200);
	assert.equal((await user.put('/storage/crypto/keys', { payload: '{"IV":"AAAAAAAAAAAAAAAAAAAAAB=="}' })).status, 200);
});

test('paths, methods and types that are none', async () => {
	const user = newUser();
	const long = 'c'.repeat(33);
	for (const path of [`/storage/${long}`, '/storage/a b', '/storage/%C3%A9', `/storage/c/${'i'.repeat(65)}`, '/storage/c/%7F', '/storage/c/%0A', '/info/other', '/other', '//1.5/12345678901/info/collections', '//1.5/x/info/collections', '//1.5/']) {
		refused(await user.get(path.replaceAll(' ', '%20')), 404, 0);
	}
	for (const [method, path] of [['PUT', '/info/collections'], ['POST', '/storage'], ['GET', '/storage'], ['POST', '/storage/c/i'], ['PUT', '/storage/c'], ['PATCH', '/storage/c/i'], ['DELETE', '/info/quota'], ['GET', '']]) {
		refused(await user.request(method, path, method === 'PUT' || method === 'POST' ? { body: '' } : {}), 405, 0);
	}
	refused(await user.get('/info/collections', { Accept: 'text/html' }), 406, 0);
	refused(await user.get('/storage/c', { Accept: 'application/json;q=0' }), 406, 0);
	for (const type of ['application/x-www-form-urlencoded', 'application/newlines', 'text/html']) refused(await user.put('/storage/c/i', '{}', { 'Content-Type': type }), 415, 0);
	refused(await user.post('/storage/c', '[]', { 'Content-Type': 'multipart/form-data' }), 415, 0);
	assert.equal((await user.get('/info/collections', { Accept: 'application/json;q=0.9,*/*;q=0.2' })).status, 200);
	for (const type of ['application/json', 'APPLICATION/JSON; charset=utf-8', 'text/plain', null]) assert.equal((await user.put('/storage/c/i', '{}', { 'Content-Type': type })).status, 200, type);
});

test('nobody comes in without his own token', async () => {
	const user = newUser();
	await user.put('/storage/c/i', { payload: 'secret' });
	const strangers = [new SyncUser(server, uids - 1, null), newUser(), newUser({ expires: Math.floor(Date.now() / 1000) - 10 })];
	strangers[1].prefix = user.prefix;
	strangers[2].prefix = user.prefix;
	for (const stranger of strangers) {
		for (const [method, path] of [['GET', '/storage/c'], ['GET', '/storage/c/i'], ['PUT', '/storage/c/i'], ['POST', '/storage/c'], ['DELETE', '/storage/c/i'], ['DELETE', '/storage/c'], ['DELETE', '/storage'], ['DELETE', ''], ['GET', '/info/collections'], ['GET', '/info/configuration'], ['GET', '/info/quota']]) {
			const answer = await stranger.request(method, path, method === 'PUT' || method === 'POST' ? { body: '[]' } : {});
			refused(answer, 401, 0);
			assert.match(answer.headers['www-authenticate'], /^Hawk error="[a-z_]+"$/);
		}
		stranger.close();
	}
	assert.equal((await user.get('/storage/c/i')).json.payload, 'secret');
	const late = newUser({ expires: Math.floor(Date.now() / 1000) - 3600 });
	assert.equal((await late.get('/info/collections')).status, 200, 'up to two hours late one may ask whether anything has changed');
	refused(await late.get('/info/quota'), 401, 0);
	refused(await newUser({ expires: Math.floor(Date.now() / 1000) - 7300 }).get('/info/collections'), 401, 0);
});

test('a POST takes what is good and names what is not', async () => {
	const user = newUser();
	const answer = await user.post('/storage/tabs', [
		{ id: 'a', payload: 'A' }, { id: 'b', payload: 1 }, { id: 'c', odd: 1 }, { id: 'é', payload: 'x' }, { id: 'x'.repeat(65) }, { id: '' }, { id: 'd', sortindex: 1, ttl: 60 },
	]);
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.text.slice(0, answer.text.indexOf(',')), `{"modified":${last(answer)}`);
	assert.deepEqual(answer.json.success, ['a', 'd']);
	assert.deepEqual(Object.keys(answer.json.failed).sort(), ['', 'b', 'c', 'x'.repeat(65), 'é'].sort());
	assert.equal(answer.json.failed.c, 'unknown field odd');
	assert.match(answer.json.failed.b, /^invalid bso/);
	assert.deepEqual((await user.get('/storage/tabs?full=1')).json, [{ id: 'd', modified: Number(last(answer)), payload: '', sortindex: 1 }, { id: 'a', modified: Number(last(answer)), payload: 'A' }]);
	for (const body of ['', '{}', '[1]', '[{}]', '[{"id":1}]', '[{"id":"a"},{"id":"a"}]', '[{"id":"a"}', '[[]]', '[null]']) refused(await user.post('/storage/tabs', body), 400, 8);
	const empty = await user.post('/storage/nothing', '[]');
	assert.deepEqual(empty.json, { modified: Number(last(empty)), success: [], failed: {} });
	const lines = await user.post('/storage/lines', '{"id":"a","payload":"1"}\n\n{"id":"b"}\r\n', { 'Content-Type': 'application/newlines' });
	assert.deepEqual(lines.json.success, ['a', 'b']);
	refused(await user.post('/storage/lines', '{"id":"a"}\n{"id":"a"}', { 'Content-Type': 'application/newlines' }), 400, 8);
	refused(await user.post('/storage/lines', '{"id":"a"}\nx', { 'Content-Type': 'application/newlines' }), 400, 8);
	assert.deepEqual(Object.keys((await user.get('/info/collections')).json).sort(), ['lines', 'nothing', 'tabs']);
	assert.deepEqual((await user.get('/info/collection_counts')).json, { tabs: 2, lines: 2 });
	assert.equal((await user.get('/info/collection_usage')).text, '{"tabs":0.0009765625,"nothing":0.0,"lines":0.0009765625}');
});

test('limits of a POST: inclusive, per record what is too much, in headers 17', async () => {
	const user = newUser();
	const many = (n) => Array.from({ length: n }, (_, i) => ({ id: `i${i}`, payload: 'x' }));
	assert.equal((await user.post('/storage/c', many(100))).json.success.length, 100);
	const over = (await user.post('/storage/c', many(102))).json;
	assert.equal(over.success.length, 100);
	assert.deepEqual(over.failed, { i100: 'retry bso', i101: 'retry bso' });
	const large = 'y'.repeat(2621440);
	assert.equal((await user.put('/storage/c/large', { payload: large })).status, 200);
	assert.equal((await user.get('/storage/c/large')).json.payload.length, 2621440);
	refused(await user.put('/storage/c/larger', { payload: `${large}y` }), 413, 17);
	const two = (await user.post('/storage/c', [{ id: 'one', payload: large.slice(1000) }, { id: 'two', payload: large.slice(0, 1001) }, { id: 'three', payload: large.slice(0, 1000) }])).json;
	assert.deepEqual(two.success, ['one', 'three']);
	assert.deepEqual(two.failed, { two: 'retry bytes' });
	for (const name of ['X-Weave-Records', 'X-Weave-Bytes']) {
		const max = name === 'X-Weave-Records' ? 100 : 2621440;
		assert.equal((await user.post('/storage/c', '[]', { [name]: max })).status, 200);
		refused(await user.post('/storage/c', '[]', { [name]: max + 1 }), 400, 17);
		for (const odd of ['-1', 'x', '1.5']) refused(await user.post('/storage/c', '[]', { [name]: odd }), 400, 0);
	}
	for (const name of ['X-Weave-Total-Records', 'X-Weave-Total-Bytes']) {
		const max = name === 'X-Weave-Total-Records' ? 10000 : 100000000;
		assert.equal((await user.post('/storage/c?batch=true', '[]', { [name]: max })).status, 202);
		refused(await user.post('/storage/c?batch=true', '[]', { [name]: max + 1 }), 400, 17);
		refused(await user.post('/storage/c?batch=true', '[]', { [name]: 'x' }), 400, 0);
	}
	// Judged by the length that is announced, before any of it comes.
	const raw = await new SyncUser(server, 1).connection();
	await raw.send(user.head('POST', `${user.prefix}/storage/c`, { 'Content-Length': 2625537 }));
	refused({ ...(await raw.read()), text: '17' }, 413, 17);
	raw.destroy();
	const chunks = 'x'.repeat(65536);
	const slow = await new SyncUser(server, 1).connection();
	await slow.send(user.head('POST', `${user.prefix}/storage/c`, { 'Transfer-Encoding': 'chunked' }));
	for (let i = 0; i < 42 && !slow.ended; i++) await slow.send(`10000\r\n${chunks}\r\n`);
	assert.equal((await slow.readHead()).status, 413);
	slow.destroy();
});

test('conditions', async () => {
	const user = newUser();
	const first = (await user.put('/storage/c/a', { payload: '1' })).text;
	const second = (await user.put('/storage/c/b', { payload: '2' })).text;
	const other = (await user.put('/storage/d/a', { payload: '3' })).text;
	const less = (text) => ((hundredths(text) - 1) / 100).toFixed(2);
	for (const [path, time] of [['/storage/c/a', first], ['/storage/c/b', second], ['/storage/c', second], ['/storage/c?ids=a', second], ['/info/collections', other], ['/info/collection_counts', other], ['/info/collection_usage', other], ['/info/quota', other]]) {
		const same = await user.get(path, { 'X-If-Modified-Since': time });
		assert.equal(same.status, 304, path);
		assert.equal(last(same), time);
		assert.equal(same.body.length, 0);
		assert.equal((await user.get(path, { 'X-If-Modified-Since': less(time) })).status, 200, path);
		assert.equal((await user.get(path, { 'X-If-Unmodified-Since': time })).status, 200, path);
		const changed = await user.get(path, { 'X-If-Unmodified-Since': less(time) });
		refused(changed, 412, 0);
		assert.equal(last(changed), time);
		for (const odd of ['-1', 'x', '', '1e9', ' ', '1.', '0x1']) refused(await user.get(path, { 'X-If-Modified-Since': odd }), 400, 0);
		refused(await user.get(path, { 'X-If-Unmodified-Since': 'x' }), 400, 0);
		refused(await user.get(path, { 'X-If-Modified-Since': '1', 'X-If-Unmodified-Since': '1' }), 400, 0);
	}
	// Times come back as the client's number: without trailing zeros, or with more decimals.
	assert.equal((await user.get('/storage/c', { 'X-If-Modified-Since': String(Number(second)) })).status, 304);
	assert.equal((await user.get('/storage/c', { 'X-If-Modified-Since': `${second}9` })).status, 304);
	for (const [method, path, time, body] of [['PUT', '/storage/c/a', first, '{}'], ['PUT', '/storage/c/new', '0', '{}'], ['POST', '/storage/c', second, '[]'], ['DELETE', '/storage/c/a', first], ['DELETE', '/storage/c?ids=b', second], ['DELETE', '/storage/c', second], ['DELETE', '/storage', other], ['DELETE', '', other]]) {
		if (time !== '0') {
			const changed = await user.request(method, path, { body, headers: { 'X-If-Unmodified-Since': less(time) } });
			refused(changed, 412, 0);
			assert.equal(last(changed), time, `${method} ${path}`);
		}
	}
	refused(await user.put('/storage/c/a', {}, { 'X-If-Unmodified-Since': '0' }), 412, 0);
	assert.equal((await user.put('/storage/c/new', {}, { 'X-If-Unmodified-Since': '0' })).status, 200, 'create only');
	assert.deepEqual((await user.get('/info/collection_counts')).json, { c: 3, d: 1 });
	const now = last(await user.get('/storage/c'));
	assert.equal((await user.post('/storage/c', [{ id: 'a', payload: '9' }], { 'X-If-Unmodified-Since': now })).status, 200);
});

test('lists: ids, newer, older, sort, limit, offset, forms', async () => {
	const user = newUser();
	const times = [];
	for (const i of [0, 1, 2, 3, 4]) times.push((await user.post('/storage/c', [{ id: `b${i}`, payload: `${i}`, sortindex: [5, 1, 4, 2, 3][i] }, { id: `a${i}`, payload: `${i}` }])).json.modified.toFixed(2));
	const list = async (query) => (await user.get(`/storage/c${query}`)).json;
	const newest = ['b4', 'a4', 'b3', 'a3', 'b2', 'a2', 'b1', 'a1', 'b0', 'a0'];
	assert.deepEqual(await list(''), newest);
	assert.deepEqual(await list('?sort=newest'), newest);
	assert.deepEqual(await list('?sort=oldest'), [...newest].reverse());
	assert.deepEqual(await list('?sort=index'), ['b0', 'b2', 'b4', 'b3', 'b1', 'a4', 'a3', 'a2', 'a1', 'a0']);
	assert.deepEqual(await list(`?newer=${times[2]}`), newest.slice(0, 4));
	assert.deepEqual(await list(`?newer=${Number(times[2])}&sort=oldest`), newest.slice(0, 4).reverse());
	assert.deepEqual(await list(`?older=${times[2]}`), newest.slice(6));
	assert.deepEqual(await list(`?older=${times[3]}&newer=${times[1]}`), ['b2', 'a2']);
	assert.deepEqual(await list(`?older=${times[3]}&newer=${times[1]}&sort=oldest`), ['a2', 'b2']);
	assert.deepEqual(await list(`?older=${times[3]}&newer=${times[1]}&sort=index`), ['b2', 'a2']);
	assert.deepEqual(await list('?ids=a1,%20b2%20,none,a1'), ['b2', 'a1']);
	assert.deepEqual(await list('?ids=a1,b2&sort=oldest'), ['a1', 'b2']);
	assert.deepEqual(await list(`?ids=a1,b2&newer=${times[1]}`), ['b2']);
	assert.deepEqual(await list('?ids='), []);
	assert.deepEqual(await list('?limit=0'), []);
	assert.deepEqual(await list('?limit=2&unknown=1'), newest.slice(0, 2));
	assert.deepEqual((await list('?full&ids=b1')), [{ id: 'b1', modified: Number(times[1]), payload: '1', sortindex: 1 }]);
	for (const sort of ['newest', 'oldest', 'index']) {
		for (const more of ['', '&full=1', '&ids=a0,a1,a2,a3,a4,b0,b1,b2,b3,b4', '&full=1&ids=a0,a1,a2,a3,a4,b0,b1,b2,b3,b4']) {
			const whole = await list(`?sort=${sort}${more}`);
			for (const limit of [1, 3, 5, 10]) {
				const seen = [];
				for (let offset = ''; offset !== undefined;) {
					const page = await user.get(`/storage/c?sort=${sort}${more}&limit=${limit}${offset && `&offset=${offset}`}`);
					assert.equal(page.status, 200);
					assert.equal(page.headers['x-weave-records'], String(page.json.length));
					seen.push(...page.json);
					offset = page.headers['x-weave-next-offset'];
					assert.match(offset ?? 'a', /^[A-Za-z0-9_-]+$/);
				}
				assert.deepEqual(seen, whole, `${sort}${more} by ${limit}`);
			}
		}
	}
	const token = (await user.get('/storage/c?limit=1')).headers['x-weave-next-offset'];
	for (const query of ['sort=other', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'newer=x', 'newer=-1', 'older=', 'older=1e3', 'offset=', 'offset=!', 'offset=AAAA', `offset=${token}&sort=oldest`, `offset=${token}&older=1`, `ids=${'a,'.repeat(100)}a`, `ids=${'a'.repeat(65)}`, 'ids=a,,b', 'ids=%C3%A9']) {
		refused(await user.get(`/storage/c?${query}`), 400, 0);
	}
	assert.equal((await user.get(`/storage/c?ids=${Array.from({ length: 100 }, (_, i) => `x${i}`).join(',')}`)).status, 200);
	const lines = await user.get('/storage/c?full=1&limit=2', { Accept: 'application/newlines' });
	assert.equal(lines.headers['content-type'], 'application/newlines');
	assert.deepEqual(lines.text.split('\n').map((line) => line && JSON.parse(line).id), ['b4', 'a4', '']);
	assert.equal((await user.get('/storage/c?limit=2', { Accept: 'application/newlines' })).text, '"b4"\n"a4"\n');
	assert.equal((await user.get('/storage/c?limit=1')).headers['content-type'], 'application/json');
	assert.equal((await user.request('HEAD', '/storage/c')).headers['x-weave-records'], '10');
});

test('deletes: some, a collection, everything; stamps rise in any case', async () => {
	const user = newUser();
	await user.post('/storage/c', ['a', 'b', 'c'].map((id) => ({ id, payload: id })));
	const kept = (await user.put('/storage/d/x', { payload: 'x' })).text;
	const some = await user.del('/storage/c?ids=a,b,none');
	assert.equal(some.text, `{"modified":${last(some)}}`);
	assert.deepEqual((await user.get('/storage/c')).json, ['c']);
	refused(await user.del('/storage/c?ids=a,,b'), 400, 0);
	assert.equal((await user.del('/storage/c?ids=c')).status, 200);
	assert.ok('c' in (await user.get('/info/collections')).json, 'an empty collection remains');
	const whole = await user.del('/storage/c');
	const info = await user.get('/info/collections');
	assert.equal(info.text, `{"d":${kept}}`);
	assert.equal(last(info), last(whole), 'the time of the storage rises');
	const again = await user.put('/storage/c/a', {});
	assert.deepEqual((await user.get('/storage/c')).json, ['a'], 'nothing old comes back');
	for (const path of ['/storage', '', '/']) {
		await user.put('/storage/c/a', {});
		const all = await user.del(path, { 'X-Confirm-Delete': '1' });
		assert.equal(all.text, '{}');
		assert.ok(hundredths(stamp(all)) > hundredths(again.text));
		const empty = await user.get('/info/collections');
		assert.equal(empty.text, '{}');
		assert.equal(last(empty), '0.00');
		const next = await user.put('/storage/c/b', {});
		assert.ok(hundredths(next.text) > hundredths(stamp(all)));
		assert.deepEqual((await user.get('/storage/c')).json, ['b']);
	}
});

test('batches: opened, added to, committed at one time', async () => {
	const user = newUser();
	const before = await user.post('/storage/c', [{ id: 'old', payload: 'old', sortindex: 1 }, { id: 'kept', payload: 'kept' }]);
	const open = await user.post('/storage/c?batch=true', [{ id: 'a', payload: '1' }, { id: 'old', sortindex: 2 }, { id: 'bad', payload: 1 }], { 'X-If-Unmodified-Since': last(before) });
	assert.equal(open.status, 202, open.text);
	assert.equal(last(open), last(before), 'nobody sees anything yet');
	assert.deepEqual(open.json.success, ['a', 'old']);
	assert.deepEqual(Object.keys(open.json.failed), ['bad']);
	assert.match(open.json.batch, /^[A-Za-z0-9_-]+$/);
	const { batch } = open.json;
	const more = await user.post(`/storage/c?batch=${batch}`, [{ id: 'a', sortindex: 7 }, { id: 'b', payload: '2' }]);
	assert.equal(more.status, 202);
	assert.equal(more.json.batch, batch);
	assert.deepEqual((await user.get('/storage/c')).json, ['old', 'kept']);
	const done = await user.post(`/storage/c?batch=${batch}&commit=TRUE`, [{ id: 'c', payload: '3' }, { id: 'kept', ttl: 1000 }], { 'X-If-Unmodified-Since': last(before) });
	assert.equal(done.status, 200, done.text);
	assert.deepEqual(done.json, { modified: Number(last(done)), success: ['c', 'kept'], failed: {} });
	const modified = Number(last(done));
	assert.deepEqual((await user.get('/storage/c?full=1&sort=oldest')).json, [
		{ id: 'a', modified, payload: '1', sortindex: 7 }, { id: 'b', modified, payload: '2' }, { id: 'c', modified, payload: '3' },
		{ id: 'kept', modified, payload: 'kept' }, { id: 'old', modified, payload: 'old', sortindex: 2 },
	]);
	refused(await user.post(`/storage/c?batch=${batch}&commit=true`, '[]'), 400, 0);
	const one = await user.post('/storage/c?batch=true&commit=true', [{ id: 'z', payload: 'z' }]);
	assert.equal(one.status, 200);
	assert.ok(!('batch' in one.json));
	assert.equal((await user.post('/storage/c?batch=', '[]')).status, 202, 'an empty value opens one, too');
	for (const query of ['commit=true', 'batch=true&commit=1', 'batch=x', 'batch=123', 'batch=0', 'batch=-1', 'batch=99999999999999999999']) refused(await user.post(`/storage/c?${query}`, '[]'), 400, 0);
	const mine = (await user.post('/storage/c?batch=true', [{ id: 'q', payload: 'q' }])).json.batch;
	refused(await user.post(`/storage/d?batch=${mine}`, '[]'), 400, 0);
	refused(await newUser().post(`/storage/c?batch=${mine}&commit=true`, '[]'), 400, 0);
	const seen = last(await user.get('/storage/c'));
	await user.put('/storage/c/other', {});
	refused(await user.post(`/storage/c?batch=${mine}&commit=true`, '[]', { 'X-If-Unmodified-Since': seen }), 412, 0);
	await user.del('/storage/c');
	refused(await user.post(`/storage/c?batch=${mine}&commit=true`, '[]'), 400, 0);
});

test('what has expired is not there', async () => {
	const user = newUser();
	await user.put('/storage/c/stays', { payload: '12', ttl: 100 });
	await user.put('/storage/c/dies', { payload: '345', sortindex: 3, ttl: 0 });
	await user.post('/storage/c', [{ id: 'too', payload: '6', ttl: 0 }]);
	await new Promise((resolve) => setTimeout(resolve, 20));
	refused(await user.get('/storage/c/dies'), 404, 0);
	assert.deepEqual((await user.get('/storage/c')).json, ['stays']);
	assert.deepEqual((await user.get('/storage/c?ids=dies,stays,too')).json, ['stays']);
	assert.deepEqual((await user.get('/info/collection_counts')).json, { c: 1 });
	assert.equal((await user.get('/info/collection_usage')).text, '{"c":0.001953125}');
	assert.equal((await user.get('/info/quota')).text, '[0.001953125,2048000.0]');
	refused(await user.del('/storage/c/dies'), 404, 0);
	const again = await user.put('/storage/c/too', { ttl: 50 }, { 'X-If-Unmodified-Since': '0' });
	assert.deepEqual((await user.get('/storage/c/too')).json, { id: 'too', modified: Number(again.text), payload: '' }, 'made afresh');
});

test('a long list comes in pieces and is whole', async () => {
	const user = newUser();
	const all = new Map();
	for (let i = 0; i < 30; i++) {
		const records = Array.from({ length: 100 }, (_, k) => ({ id: `${i}-${k}`, payload: `${i},${k} `.padEnd(450, 'é') }));
		for (const r of records) all.set(r.id, r.payload);
		assert.equal((await user.post('/storage/history', records)).json.success.length, 100);
	}
	for (const query of ['sort=newest', 'sort=oldest', 'sort=index', 'limit=2500']) {
		const answer = await user.get(`/storage/history?full=1&${query}`);
		assert.equal(answer.headers['transfer-encoding'], 'chunked');
		const n = query === 'limit=2500' ? 2500 : 3000;
		assert.equal(answer.headers['x-weave-records'], String(n));
		assert.equal(answer.json.length, n);
		assert.equal(new Set(answer.json.map((r) => r.id)).size, n);
		assert.ok(answer.json.every((r) => all.get(r.id) === r.payload));
		const offset = answer.headers['x-weave-next-offset'];
		assert.equal(offset !== undefined, n === 2500);
		if (offset) assert.equal((await user.get(`/storage/history?full=1&offset=${offset}`)).json.length, 500);
	}
	const lines = await user.get('/storage/history?full=1', { Accept: 'application/newlines' });
	assert.equal(lines.text.trimEnd().split('\n').map((line) => JSON.parse(line)).length, 3000);
	assert.equal((await user.get('/storage/history')).json.length, 3000);
});

test('pages of other origins: preflight without a token, and what they may read', async () => {
	const stranger = new SyncUser(server, 5, null);
	users.push(stranger);
	const origin = 'https://page.example';
	const pre = await stranger.request('OPTIONS', '/storage/c', { headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' } });
	assert.equal(pre.status, 200);
	assert.equal(pre.headers['access-control-allow-origin'], origin);
	assert.equal(pre.headers['access-control-max-age'], '1728000');
	assert.equal(pre.headers['access-control-allow-methods'], 'DELETE, GET, POST, PUT');
	for (const name of ['Authorization', 'Content-Type', 'X-If-Unmodified-Since', 'X-Weave-Records']) assert.ok(pre.headers['access-control-allow-headers'].includes(name), name);
	const answer = await newUser().get('/info/collections', { Origin: origin });
	assert.equal(answer.headers['access-control-allow-origin'], origin);
	assert.ok(answer.headers['access-control-expose-headers'].includes('X-Weave-Timestamp'));
	assert.equal((await newUser().get('/info/collections')).headers['access-control-allow-origin'], undefined);
});

test('two writers of one user never share a time, and no reader overlooks one', async () => {
	const uid = uids++;
	const writers = [0, 1, 2, 3].map(() => new SyncUser(server, uid));
	const reader = new SyncUser(server, uid);
	users.push(...writers, reader);
	const stamps = [];
	const seen = new Set();
	let since = '0';
	let writing = true;
	const reading = (async () => {
		for (let again = true; again; again = writing) {
			const page = await reader.get(`/storage/c?full=1&newer=${since}`);
			for (const r of page.json) seen.add(`${r.id} ${r.payload}`);
			since = last(page);
		}
		for (const r of (await reader.get(`/storage/c?full=1&newer=${since}`)).json) seen.add(`${r.id} ${r.payload}`);
	})();
	await Promise.all(writers.map(async (writer, w) => {
		for (let i = 0; i < 25; i++) {
			const answer = await writer.put(`/storage/c/w${w}-${i}`, { payload: `${i}` });
			assert.equal(answer.status, 200, answer.text);
			stamps.push(hundredths(answer.text));
		}
	}));
	writing = false;
	await reading;
	assert.equal(new Set(stamps).size, 100);
	assert.equal(seen.size, 100);
});
