// Upload v2: what is wanted, sessions that are taken up again, and the log of uploads.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { ask, get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';

let server;
let token;

before(async () => {
	server = await startPlimsoll({ conf: { symbols: { public_url: 'http://symbols.test' } } });
	token = makeToken(server);
});
after(() => server.stop());

const md5 = (data) => createHash('md5').update(data).digest('hex');
const post = (url, body, key = token) => ask(server, 'POST', url, { headers: { 'auth-token': key, 'content-type': 'application/json' }, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
const wish = (key, data) => ({ key, size: Buffer.byteLength(data), md5_hash: md5(data) });
const negotiate = (files, key) => post('/upload/v2/', { files, unknown: 1 }, key);
const put = (url, body, range) => ask(server, 'PUT', new URL(url).pathname, { headers: range ? { 'content-range': range } : {}, body });
const drafts = () => readdirSync(path.join(server.dataDir, 'blobs/new'));

test('auth_info', async () => {
	const info = await post('/upload/auth_info/', '');
	assert.equal(info.status, 200);
	assert.equal(info.json.email, 'up@example.com');
	assert.equal(info.json.try_symbols, false);
	assert.equal(info.json.upload_api_version, 2);
	assert.ok(info.json.token_expires_at > Date.now() / 1000 + 364 * 86400);
	assert.equal((await post('/upload/auth_info/', '', 'x')).json.error, 'API Token not matched');
});

test('each file gets its answer, in order; a wanted one is sent whole', async () => {
	const text = 'MODULE Linux x86_64 AB12 a\nINFO CODE_ID 05C38F13\nFUNC 1 1 0 f\n';
	const answer = await negotiate([wish('a/ab12/a.sym', text), { key: 'a/zz/a.sym', size: 1, md5_hash: md5('') }, { key: 'b/12/b.sym', size: 1, md5_hash: 'x' }, wish('c/12/c.dbg.gz', 'raw')]);
	assert.equal(answer.status, 201);
	assert.equal(answer.json.upload_protocol, 'gcs-resumable');
	const [a, bad, md, c] = answer.json.files;
	assert.equal(a.key, 'a/ab12/a.sym');
	assert.equal(a.action.type, 'upload');
	assert.equal(a.action.content_encoding, 'gzip');
	assert.match(a.action.url, /^http:\/\/symbols\.test\/upload\/session\/[A-Za-z0-9]{32}$/);
	assert.deepEqual(bad.action, { type: 'error', msg: 'invalid key' });
	assert.deepEqual(md.action, { type: 'error', msg: 'invalid MD5 hex digest' });
	assert.equal(c.action.content_encoding, null);
	const packed = zlib.gzipSync(text);
	const done = await put(a.action.url, packed, `bytes 0-${packed.length - 1}/${packed.length}`);
	assert.equal(done.status, 200, done.text);
	assert.deepEqual(done.json, { name: 'a/AB12/a.sym', md5Hash: Buffer.from(md5(text), 'hex').toString('base64'), size: String(packed.length) });
	assert.equal((await get(server, '/a/AB12/a.sym')).text, text);
	const asIs = await get(server, '/a/AB12/a.sym', { 'accept-encoding': 'gzip' });
	assert.ok(asIs.body.equals(packed), 'stored as it was sent');
	assert.equal((await put(c.action.url, Buffer.from('raw'))).status, 200, 'without Content-Range: the whole');
	assert.equal((await get(server, '/c/12/c.dbg.gz')).text, 'raw');
	const again = await negotiate([wish('a/AB12/a.sym', text), wish('c/12/c.dbg.gz', 'other')]);
	assert.deepEqual(again.json.files.map((f) => f.action.type), ['skip', 'upload']);
	assert.equal((await put(a.action.url, packed)).status, 404, 'a session ends with its file');
});

test('pieces: 308 with what is here, taken up where it broke off, sent twice', async () => {
	const data = Buffer.alloc(700_000, 'symbols ');
	const [file] = (await negotiate([wish('p/1234/p.dbg.gz', data)])).json.files;
	const { url } = file.action;
	const piece = (from, to) => put(url, data.subarray(from, to), `bytes ${from}-${to - 1}/${data.length}`);
	const state = () => put(url, Buffer.alloc(0), `bytes */${data.length}`);
	const nothing = await state();
	assert.equal(nothing.status, 308);
	assert.ok(!('range' in nothing.headers));
	const first = await piece(0, 262144);
	assert.equal(first.status, 308);
	assert.equal(first.headers.range, 'bytes=0-262143');
	const gap = await piece(524288, 600000);
	assert.equal(gap.status, 308);
	assert.equal(gap.headers.range, 'bytes=0-262143', 'a gap is not taken');
	assert.equal((await piece(100000, 524288)).headers.range, 'bytes=0-524287', 'what is here already is read over');
	assert.equal((await state()).headers.range, 'bytes=0-524287');
	const last = await piece(524288, data.length);
	assert.equal(last.status, 200);
	assert.equal(last.json.size, String(data.length));
	assert.ok((await get(server, '/p/1234/p.dbg.gz')).body.equals(data));
});

test('an empty file, and files that are not what was announced', async () => {
	const [empty] = (await negotiate([wish('e/12/e.dbg.gz', '')])).json.files;
	assert.equal((await put(empty.action.url, undefined, 'bytes 0-0/0')).status, 200);
	assert.equal((await get(server, '/e/12/e.dbg.gz')).body.length, 0);
	const [other] = (await negotiate([wish('o/12/o.dbg.gz', 'announced')])).json.files;
	assert.equal((await put(other.action.url, Buffer.from('something'))).status, 400);
	assert.equal((await get(server, '/o/12/o.dbg.gz')).status, 404);
	assert.equal((await put(other.action.url, Buffer.from('announced'))).status, 200, 'and again from the beginning');
	const [bomb] = (await negotiate([{ key: 'z/12/z.sym', size: 10, md5_hash: md5('') }])).json.files;
	assert.equal((await put(bomb.action.url, zlib.gzipSync(Buffer.alloc(10_000_000)))).status, 413);
	const [plain] = (await negotiate([wish('z/13/z.sym', 'x')])).json.files;
	assert.equal((await put(plain.action.url, Buffer.from('no gzip'))).status, 400);
	await until('no drafts', () => drafts().length === 0);
});

test('many who send to one session, in two processes: what is kept is what was announced', async () => {
	for (let round = 0; round < 5; round++) {
		const good = Buffer.alloc(300_000, `good ${round} `);
		const evil = Buffer.alloc(300_000, `evil ${round} `);
		const key = `race/12${round}/race.dbg.gz`;
		const [file] = (await negotiate([wish(key, good)])).json.files;
		await Promise.all(Array.from({ length: 8 }, (_, i) => put(file.action.url, i % 2 ? evil : good).catch(() => {})));
		await until('the file', async () => {
			const there = await get(server, `/${key}`);
			if (there.status === 200) {
				assert.ok(there.body.equals(good));
				return true;
			}
			await put(file.action.url, good);
			return false;
		});
		for (const i of [0, 1, 2, 3]) assert.ok((await get(server, `/${key}`)).body.equals(good), String(i));
	}
});

test('what is no request', async () => {
	for (const body of ['', '{', '[]', '{}', '{"files": 1}', '{"files": [1]}', '{"files": [{"key": "a/1/b", "size": -1, "md5_hash": ""}]}']) {
		const answer = await post('/upload/v2/', body);
		assert.equal(answer.status, 400, body);
		assert.equal(answer.json.error, 'malformed JSON request body', body);
	}
	const many = await negotiate(Array.from({ length: 1025 }, (_, i) => wish(`m/${i}/m.sym`, 'x')));
	assert.deepEqual(many.json, { error: 'too many files' });
	const most = await negotiate(Array.from({ length: 1024 }, (_, i) => wish(`m/${i}/m.sym`, 'x')));
	assert.equal(most.json.files.length, 1024);
	assert.equal((await ask(server, 'PUT', '/upload/session/nothing', { body: Buffer.from('x') })).status, 404);
	const viewer = makeToken(server, 'v@example.com', 'view_all_uploads');
	assert.equal((await negotiate([], viewer)).status, 403);
});

test('the log: own uploads, all for those who may, filters, one upload with its files', async () => {
	const one = makeToken(server, 'one@example.com');
	const ids = [];
	for (let i = 0; i < 3; i++) ids.push((await uploadFiles(server, one, { [`log.pdb/A${i}/log.sym`]: `text ${i}`, 'x-symbols.txt': '' })).json.upload.id);
	const list = async (query, key = one) => (await get(server, `/api/uploads/${query}`, { 'auth-token': key })).json;
	const own = await list('');
	assert.deepEqual(own.uploads.map((u) => u.id), [...ids].reverse());
	assert.equal(own.can_view_all, false);
	assert.deepEqual(own.uploads[0].ignored_keys, ['x-symbols.txt']);
	assert.deepEqual(own.uploads[0].user, { email: 'one@example.com' });
	assert.equal(own.uploads[0].files_count, 1);
	const all = makeToken(server, 'all@example.com', 'view_all_uploads');
	assert.ok((await list('', all)).total > 3);
	assert.equal((await list('?user=one@', all)).total, 3);
	assert.ok((await list('?user=!one@', all)).uploads.every((u) => u.user.email !== 'one@example.com'));
	assert.equal((await list('?created_at=today')).total, 3);
	assert.equal((await list('?created_at=yesterday')).total, 0);
	assert.equal((await list('?size=<1kb,>1b')).total, 3);
	assert.equal((await list('?size=>1g')).total, 0);
	assert.equal((await list('?completed_at=incomplete')).total, 0);
	const bad = await get(server, '/api/uploads/?size=large&created_at=x', { 'auth-token': one });
	assert.equal(bad.status, 400);
	assert.deepEqual(Object.keys(bad.json.errors), ['size', 'created_at']);
	const shown = (await get(server, `/api/uploads/upload/${ids[1]}`, { 'auth-token': one })).json.upload;
	assert.deepEqual(shown.file_uploads.map((f) => [f.key, f.size, f.compressed, f.update]), [['log.pdb/A1/log.sym', 6, true, false]]);
	assert.equal((await get(server, `/api/uploads/upload/${ids[1]}`, { 'auth-token': token })).status, 403);
	assert.equal((await get(server, '/api/uploads/upload/424242', { 'auth-token': one })).status, 404);
	assert.equal((await get(server, '/api/uploads/')).status, 403);
});
