// The symbol server by raw requests: uploads of archives, downloads in every form, what is missing.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import zlib from 'node:zlib';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { ask, get, makeToken, upload, uploadFiles } from '../harness/symbols_client.mjs';
import { crc32, zip } from '../harness/zip.mjs';

const ID = '44E4EC8C2F41492B9369D6B9A059577C2';
const sym = (n, id = ID, name = 'xul.pdb') =>
	`MODULE windows x86 ${id} ${name}\nINFO CODE_ID 5F84C1B2ABC000 xul.dll\nINFO GENERATOR mozilla/dump_syms 2.2.0\nFILE 0 a.cpp\n${'FUNC 1000 54 0 main\n'.repeat(n)}`;

let server;
let token;
let tryToken;

before(async () => {
	server = await startPlimsoll({ conf: { web: { instances: 2 } } });
	token = makeToken(server);
	tryToken = makeToken(server, 'try@example.com', 'upload_try_symbols');
});
after(() => server.stop());

const drafts = () => readdirSync(path.join(server.dataDir, 'blobs/new'));
const noDrafts = () => until('no drafts', () => drafts().length === 0);

test('an archive is uploaded, and each of its files downloaded byte for byte', async () => {
	const files = {
		[`xul.pdb/${ID}/xul.sym`]: sym(5000),
		'libxul.so/ABCDEF0123456789ABCDEF01234567890/libxul.so.dbg.gz': zlib.gzipSync('debug'.repeat(1000)),
		'a b~+.pdb/00ff00ff00ff00ff00ff00ff00ff00ffa/a b~+.sym': sym(1),
		'firefox-symbols.txt': 'a list',
		'x/.DS_Store': '',
	};
	const answer = await uploadFiles(server, token, files);
	assert.equal(answer.status, 201, answer.text);
	const { upload: u } = answer.json;
	assert.equal(u.filename, 'symbols.zip');
	assert.equal(u.user, 'up@example.com');
	assert.equal(u.try_symbols, false);
	assert.equal(u.download_url, null);
	assert.deepEqual(u.skipped_keys, []);
	assert.match(u.completed_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	for (const [name, data] of Object.entries(files).slice(0, 3)) {
		const url = `/${name.split('/').map(encodeURIComponent).join('/')}`;
		const got = await get(server, url);
		assert.equal(got.status, 200, url);
		assert.ok(got.body.equals(Buffer.from(data)), url);
		assert.equal(got.headers['x-content-type-options'], 'nosniff');
		assert.equal(got.headers['content-disposition'], 'attachment');
		assert.equal(got.headers['access-control-allow-origin'], '*');
		const head = await ask(server, 'HEAD', url);
		assert.equal(head.status, 200);
		assert.equal(head.headers['content-length'], String(Buffer.from(data).length));
	}
	await noDrafts();
});

test('gzip is sent as it is stored to those who take it, and its pieces unpacked to others', async () => {
	const text = Buffer.from(sym(20000));
	await uploadFiles(server, token, { [`xul.pdb/${ID}/xul.sym`]: text });
	const url = `/xul.pdb/${ID}/xul.sym`;
	const packed = await get(server, url, { 'accept-encoding': 'gzip' });
	assert.equal(packed.headers['content-encoding'], 'gzip');
	assert.equal(packed.headers.vary, 'Accept-Encoding');
	assert.equal(packed.headers['content-type'], 'text/plain; charset=utf-8');
	assert.ok(packed.body.length < text.length / 10);
	assert.ok(zlib.gunzipSync(packed.body).equals(text));
	assert.match(packed.headers['cache-control'], /^public, max-age=\d+, no-transform$/);
	const plain = await get(server, url);
	assert.ok(plain.body.equals(text));
	assert.notEqual(plain.headers.etag, packed.headers.etag);
	for (const [headers, etag] of [[{ 'accept-encoding': 'gzip' }, packed.headers.etag], [{}, plain.headers.etag]]) {
		const same = await get(server, url, { ...headers, 'if-none-match': etag });
		assert.equal(same.status, 304);
		assert.equal(same.body.length, 0);
		assert.equal(same.headers.etag, etag);
	}
	const part = await get(server, url, { range: 'bytes=300000-300099' });
	assert.equal(part.status, 206);
	assert.equal(part.headers['content-range'], `bytes 300000-300099/${text.length}`);
	assert.ok(part.body.equals(text.subarray(300000, 300100)));
	const last = await get(server, url, { range: 'bytes=-7', 'if-range': plain.headers.etag });
	assert.ok(last.body.equals(text.subarray(-7)));
	assert.equal((await get(server, url, { range: `bytes=${text.length}-` })).status, 416);
	assert.equal((await get(server, url, { range: 'bytes=0-1', 'if-range': '"other"' })).status, 200);
});

test('small files are the same from the disk and from memory: whole, packed, in part', async () => {
	const text = Buffer.from(sym(200));
	const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) & 255));
	await uploadFiles(server, token, { 'small.pdb/5A/small.sym': text, 'small.pdb/5A/small.pd_': data });
	for (let round = 0; round < 6; round++) {
		const plain = await get(server, '/small.pdb/5A/small.sym');
		assert.ok(plain.body.equals(text));
		assert.equal(plain.headers['content-encoding'], undefined);
		const packed = await get(server, '/small.pdb/5A/small.sym', { 'accept-encoding': 'gzip' });
		assert.ok(zlib.gunzipSync(packed.body).equals(text));
		for (const [file, bytes] of [['small.sym', text], ['small.pd_', data]]) {
			const part = await get(server, `/small.pdb/5A/${file}`, { range: 'bytes=1000-1999' });
			assert.equal(part.status, 206);
			assert.equal(part.headers['content-range'], `bytes 1000-1999/${bytes.length}`);
			assert.ok(part.body.equals(bytes.subarray(1000, 2000)));
			const head = await ask(server, 'HEAD', `/small.pdb/5A/${file}`);
			assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(bytes.length), 0]);
		}
		assert.ok((await get(server, '/small.pdb/5A/small.pd_')).body.equals(data));
		assert.equal((await get(server, '/small.pdb/5A/small.pd_', { range: 'bytes=5000-' })).status, 416);
	}
});

test('a file that is stored as it came has ranges of its own, also a large one', async () => {
	const data = Buffer.alloc(3_000_000);
	for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 9)) & 255;
	const name = 'big.pdb/11112222333344445555666677778888A/big.pd_';
	await uploadFiles(server, token, { [name]: data });
	assert.ok((await get(server, `/${name}`)).body.equals(data));
	const part = await get(server, `/${name}`, { range: 'bytes=1000000-2500000' });
	assert.ok(part.body.equals(data.subarray(1000000, 2500001)));
	assert.equal(part.headers['content-type'], 'application/octet-stream');
});

test('over HTTP/2: the same bytes, whole and in part', async () => {
	const data = Buffer.alloc(1_500_000, 'over HTTP/2 ');
	await uploadFiles(server, token, { 'h2.pdb/A2/h2.pd_': data, 'h2.pdb/A2/h2.sym': data });
	const session = http2.connect(server.symbolsUrl);
	const ask2 = (file, headers = {}) =>
		new Promise((resolve, reject) => {
			const pieces = [];
			const stream = session.request({ ':path': `/h2.pdb/A2/${file}`, ...headers });
			stream.on('data', (piece) => pieces.push(piece)).on('error', reject).on('end', () => resolve(Buffer.concat(pieces))).end();
		});
	assert.ok((await ask2('h2.pd_')).equals(data), 'as it is stored');
	assert.ok((await ask2('h2.sym')).equals(data), 'unpacked');
	assert.ok(zlib.gunzipSync(await ask2('h2.sym', { 'accept-encoding': 'gzip' })).equals(data));
	assert.ok((await ask2('h2.pd_', { range: 'bytes=1000000-1400000' })).equals(data.subarray(1000000, 1400001)));
	await new Promise((resolve) => session.close(resolve));
});

test('identical files are skipped, by their content; others with the key replace it', async () => {
	const name = 'skip.pdb/AAAA2222333344445555666677778888A/skip.sym';
	const first = sym(1, ID, 'skip.pdb');
	assert.deepEqual((await uploadFiles(server, token, { [name]: first })).json.upload.skipped_keys, []);
	assert.deepEqual((await uploadFiles(server, token, { [name]: first })).json.upload.skipped_keys, [name]);
	// Stored in the archive instead of deflated: the same file.
	const again = await upload(server, token, zip([{ name, data: first, method: 0 }]));
	assert.deepEqual(again.json.upload.skipped_keys, [name]);
	// In the memory of all processes, and none of them sends it any more when there is another.
	const sent = async () => new Set((await Promise.all(Array.from({ length: 12 }, () => get(server, `/${name}`)))).map((answer) => answer.text));
	assert.deepEqual(await sent(), new Set([first]));
	const other = first.replace('main', 'mayn'); // as long
	assert.deepEqual((await uploadFiles(server, token, { [name]: other })).json.upload.skipped_keys, []);
	assert.deepEqual(await sent(), new Set([other]));
	const lower = name.replace('AAAA', 'aaaa');
	assert.deepEqual((await uploadFiles(server, token, { [lower]: other })).json.upload.skipped_keys, [lower], 'ids are folded');
	assert.equal((await get(server, `/${lower}`)).text, other);
});

test('misses: their texts, their headers, and that an upload ends them at once', async () => {
	const url = '/late.pdb/BBBB2222333344445555666677778888A/late.sym';
	for (let i = 0; i < 3; i++) {
		const miss = await get(server, url, { debug: 'true' });
		assert.equal(miss.status, 404);
		assert.equal(miss.text, 'Symbol Not Found');
		assert.match(miss.headers['debug-time'], /^0\.\d{6}$/);
		assert.equal(miss.headers['access-control-allow-methods'], 'GET');
	}
	assert.equal((await ask(server, 'HEAD', url)).status, 404);
	await uploadFiles(server, token, { [url.slice(1)]: sym(1) });
	for (let i = 0; i < 8; i++) assert.equal((await get(server, url)).status, 200, 'in every process');
	for (const ignored of ['/xul.pdb/000000000000000000000000000000000/xul.sym', `/xul.pdb/${ID}/file.ptr`, `/xul.pdb/${ID}/xul.pdb`, `/xul.pdb/${ID}/xul.SYM`]) {
		const answer = await get(server, ignored, { debug: '1' });
		assert.equal(answer.status, 404, ignored);
		assert.equal(answer.text, 'Symbol Not Found (and ignored)', ignored);
		assert.equal(answer.headers['debug-time'], '0');
	}
	for (const bad of ['/xul.pdb/xyz/xul.sym', `/..%2f/${ID}/xul.sym`, `/a%22b/${ID}/a.sym`, `/xul.pdb/${ID}/%c3%bc.sym`]) {
		const answer = await get(server, bad);
		assert.equal(answer.status, 404, bad);
		assert.equal(answer.text, 'Symbol Not Found', bad);
	}
});

test('by code file and id: sent on to the debug file and id', async () => {
	const id = 'CCCC2222333344445555666677778888A';
	await uploadFiles(server, token, { [`code.pdb/${id}/code.sym`]: sym(1, id, 'code.pdb').replace('5F84C1B2ABC000 xul.dll', '5f84c1b2abc001 code.dll') });
	for (const method of ['GET', 'HEAD']) {
		const answer = await ask(server, method, '/code.dll/5F84C1B2abc001/code.sym?code_file=&x=1');
		assert.equal(answer.status, 302);
		assert.equal(answer.headers.location, `/code.pdb/${id}/code.sym?code_file=&x=1`);
	}
	assert.equal((await get(server, '/code.dll/5F84C1B2ABC002/code.sym')).status, 404);
	for (const way of [`code.pdb/${id}`, 'code.dll/5F84C1B2ABC001']) {
		assert.deepEqual((await get(server, `/api/syminfo/${way}`)).json, {
			debug_id: id, debug_filename: 'code.pdb', code_file: 'code.dll', code_id: '5F84C1B2ABC001', generator: 'mozilla/dump_syms 2.2.0',
			url: `http://127.0.0.1:8002/code.pdb/${id}/code.sym`,
		});
	}
	assert.equal((await get(server, '/api/syminfo/code.pdb/1234')).status, 404);
});

test('try builds: a space of their own, looked up last', async () => {
	const name = 'try.pdb/DDDD2222333344445555666677778888A/try.sym';
	const answer = await uploadFiles(server, tryToken, { [name]: sym(1) });
	assert.equal(answer.json.upload.try_symbols, true);
	assert.equal((await get(server, `/${name}`)).status, 404);
	assert.equal((await get(server, `/try/${name}`)).text, sym(1));
	assert.equal((await get(server, `/${name}?try=`)).text, sym(1));
	await uploadFiles(server, token, { [name]: sym(2) });
	assert.equal((await get(server, `/try/${name}`)).text, sym(2), 'never in front of a regular one');
	const asked = await uploadFiles(server, token, { 'try2.pdb/DDDD/try2.sym': sym(1) }, { behind: { try: '0' } });
	assert.equal(asked.json.upload.try_symbols, true);
	const empty = await uploadFiles(server, tryToken, { 'try3.pdb/DDDD/try3.sym': sym(1) }, { before: { try: '' } });
	assert.equal(empty.json.upload.try_symbols, true, 'a token for try builds never writes elsewhere');
});

test('tokens: every refusal has its text', async () => {
	const archive = zip([]);
	const refused = async (key, text) => {
		const answer = await ask(server, 'POST', '/upload/', { headers: key ? { 'auth-token': key } : {}, body: archive });
		assert.equal(answer.status, 403);
		assert.deepEqual(answer.json, { error: text });
		if (key) assert.equal(answer.headers.vary, 'Auth-Token');
	};
	await refused(undefined, 'This requires an Auth-Token to authenticate the request');
	await refused('0123456789abcdef0123456789abcdef', 'API Token not matched');
	await refused(makeToken(server, 'viewer@example.com', 'view_all_uploads'), 'Forbidden');
	assert.equal((await upload(server, `${token}-uploadtry-20230913`, archive)).status, 201, 'a label is no part of it');
	const bad = await get(server, `/xul.pdb/${ID}/xul.sym`, { 'auth-token': 'x' });
	assert.equal(bad.status, 403, 'also where none is needed');
	assert.deepEqual(bad.json, { error: 'API Token not matched' });
	assert.equal((await get(server, `/xul.pdb/${ID}/xul.sym`, { 'auth-token': token })).headers.vary, 'Accept-Encoding, Auth-Token');
	const wrong = await ask(server, 'GET', '/upload/');
	assert.equal(wrong.status, 405);
	assert.equal(wrong.headers.allow, 'POST');
	assert.deepEqual(wrong.json, { error: 'Method Not Allowed (GET): /upload/' });
});

test('archives that are refused, and why; nothing of them is kept', async () => {
	const key = 'no.pdb/EEEE/no.sym';
	const good = { name: key, data: 'x'.repeat(1000) };
	const text = async (archive, options) => {
		const answer = await upload(server, token, archive, options);
		assert.equal(answer.status, 400, answer.text);
		return answer.json.error;
	};
	assert.equal(await text(zip([good]), { name: 'x.rar' }), 'Unrecognized archive file extension ".rar"');
	assert.equal(await text(Buffer.from('no zip at all')), 'File is not a zip file');
	assert.equal(await text(zip([good]).subarray(0, 100)), 'File is not a zip file');
	assert.match(await text(zip([good, { ...good, data: 'y' }])), /no\.pdb\/EEEE\/no\.sym.*1000 != 1/);
	assert.match(await text(zip([{ name: 'a/qcom/proprietary/b' }])), /qcom\/proprietary/);
	for (const name of ['../../etc/passwd', '/abs/11/x.sym', 'a\\b/11/x.sym', 'a/xyz/c', 'a/11/b/c', 'x.sym', 'a/11/ü.sym', '../11/x.sym']) {
		assert.match(await text(zip([{ name, data: 'x' }])), /^Unrecognized file pattern\. .*First unrecognized pattern was/, name);
	}
	// What the headers say is not what is there.
	assert.match(await text(zip([{ ...good, size: 999 }])), /larger than it says/);
	assert.match(await text(zip([{ ...good, size: 1001 }])), /not what its archive says/);
	assert.match(await text(zip([{ ...good, crc: 1 }])), /not what its archive says/);
	assert.match(await text(zip([{ ...good, localName: 'no.pdb/EEEE/no.syn' }])), /two names/);
	assert.match(await text(zip([{ ...good, localSize: 5 }])), /two sizes/);
	assert.match(await text(zip([{ ...good, encrypted: true }])), /encrypted/);
	assert.match(await text(zip([{ ...good, method: 12, packed: Buffer.from('x') }])), /another method/);
	assert.match(await text(zip([{ ...good, packed: Buffer.from([7, 7, 7, 7]) }])), /damaged/);
	assert.equal(await text(zip([good], { entries: 2 })), 'File is not a zip file');
	assert.equal(await text(zip([good, { name: 'b/11/b.sym', data: good.data, offset: 0 }])), 'File is not a zip file', 'two members, one place');
	const bomb = zip([{ name: 'b/11/b.sym', data: '', packed: zlib.deflateRawSync(Buffer.alloc(1 << 20)), size: 60 * 2 ** 30, zip64: true }]);
	const large = await upload(server, token, bomb);
	assert.equal(large.status, 413);
	const noForm = await ask(server, 'POST', '/upload/', { headers: { 'auth-token': token, 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from('a=b') });
	assert.deepEqual(noForm.json, { error: 'Must be multipart form data with at least one file' });
	const byUrl = async (url) => (await ask(server, 'POST', '/upload/', { headers: { 'auth-token': token, 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(`url=${encodeURIComponent(url)}`) })).json.error;
	assert.equal(await byUrl('http://example.com/x.zip'), 'Insecure URL');
	assert.equal(await byUrl('https://example.com:444/x.zip'), "Not an allowed domain ('example.com') to download from.");
	assert.equal((await get(server, `/${key}`)).status, 404);
	await noDrafts();
});

test('archives that are not refused', async () => {
	const stored = async (members, options) => {
		const answer = await upload(server, token, zip(members, options));
		assert.equal(answer.status, 201, answer.text);
		for (const { name, data } of members) if (/^o\..*[^/]$/.test(name)) assert.equal((await get(server, `/${name}`)).text, data);
	};
	await stored([]);
	await stored([{ name: 'o.pdb/A1/', data: '', method: 0 }, { name: 'o.pdb/A1/o.sym', data: 'one' }]);
	await stored([{ name: 'o.pdb/A2/o.sym', data: 'descriptor', descriptor: true }]);
	await stored([{ name: 'o.pdb/A3/o.sym', data: 'wide', zip64: true }]);
	await stored([{ name: 'o.pdb/A4/o.sym', data: '' }, { name: 'o.pdb/A5/o.dbg.gz', data: '', method: 0 }]);
	await stored([{ name: 'o.pdb/A6/o.sym', data: 'with a comment' }], { comment: 'PK\x05\x06 and more' });
});

test('what was missing is counted and listed', async () => {
	const row = (n) => `gone.pdb/FFFF22223333444455556666777788${n}A/gone.sym`;
	for (let i = 0; i < 5; i++) await get(server, `/${row(10)}?code_file=gone.dll&code_id=123ABC`);
	await get(server, `/${row(11)}`);
	await ask(server, 'HEAD', `/${row(12)}`);
	const record = await until('the counts', async () => {
		const list = (await get(server, '/missingsymbols/?symbol=gone.pdb')).json.records;
		const one = list.find((r) => r.code_file === 'gone.dll');
		return list.length === 2 && one?.count === 5 && one;
	});
	assert.equal(record.debugid, 'FFFF2222333344445555666677778810A');
	const csv = await get(server, '/missingsymbols.csv');
	assert.equal(csv.headers['content-type'], 'text/csv');
	assert.match(csv.headers['content-disposition'], /^attachment; filename="missing-symbols-\d{4}-\d\d-\d\d\.csv"$/);
	const lines = csv.text.split('\n');
	assert.equal(lines[0], 'debug_file,debug_id,code_file,code_id');
	assert.ok(lines.includes('gone.pdb,FFFF2222333344445555666677778810A,gone.dll,123ABC'));
	assert.ok(lines.includes('gone.pdb,FFFF2222333344445555666677778811A,,'));
});

test('paths that are none', async () => {
	const none = await get(server, '/nothing/here');
	assert.equal(none.status, 404);
	assert.deepEqual(none.json, { error: 'Not Found', path: '/nothing/here' });
	const slash = await ask(server, 'POST', '/upload');
	assert.equal(slash.status, 301);
	assert.equal(slash.headers.location, '/upload/');
	assert.equal((await get(server, '/__broken__')).status, 500);
	assert.equal((await get(server, '/__lbheartbeat__')).status, 200);
});

test('contents are kept under their hash', async () => {
	const data = sym(3);
	await uploadFiles(server, token, { 'hash.pdb/1234/hash.sym': data, 'hash2.pdb/1234/hash2.sym': data });
	const hash = createHash('sha256').update(data).digest('hex');
	assert.ok(readdirSync(path.join(server.dataDir, 'blobs', hash.slice(0, 2))).includes(`${hash}.gz`));
	assert.ok(crc32(Buffer.from('123456789')) === 0xcbf43926);
});
