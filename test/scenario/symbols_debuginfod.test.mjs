// debuginfod's and symsrv's addresses by raw requests: one upload, asked for in every way.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import zlib from 'node:zlib';
import { changeData } from '../harness/data.mjs';
import { build, compressed, elf, ALLOC, COMPRESSED } from '../harness/elf.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { ask, get, makeToken, upload, uploadFiles } from '../harness/symbols_client.mjs';
import { zip } from '../harness/zip.mjs';

const ID = '05c38f13023be8be8aa90b44da71a59da5070393';
const DEBUG_ID = '138FC3053B02BEE88AA90B44DA71A59D0';
const other = (n) => createHash('sha1').update(`build ${n}`).digest('hex');

let server;
let token;

before(async () => {
	server = await startPlimsoll({ conf: { web: { instances: 2 }, symbols: { index_cache: '8M' } } });
	token = makeToken(server);
});
after(() => server.stop());

// A path as it stands, where others take ".." out of it.
function getRaw(path) {
	const { hostname, port } = new URL(server.symbolsUrl);
	return new Promise((resolve, reject) => {
		const req = http.get({ hostname, port, path, agent: false }, (res) => {
			let text = '';
			res.setEncoding('utf8').on('data', (piece) => (text += piece)).on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }));
		});
		req.on('error', reject);
	});
}

async function store(files) {
	const answer = await uploadFiles(server, token, files);
	assert.equal(answer.status, 201, answer.text);
	return answer.json.upload;
}

test('one build: program, debug file and sources, with the headers that debuggers look at', async () => {
	const b = build(ID);
	const source = 'int main(void) { return 0; }\n';
	await store({
		[`prog/${DEBUG_ID}/prog`]: b.stripped,
		[`prog/${DEBUG_ID}/prog.dbg.gz`]: zlib.gzipSync(b.debug),
		[`buildid/${ID}/source/home/user/./prog//src/../main.c`]: source,
	});
	const executable = await get(server, `/buildid/${ID}/executable`);
	assert.equal(executable.status, 200, executable.text);
	assert.ok(executable.body.equals(b.stripped));
	assert.equal(executable.headers['content-type'], 'application/octet-stream');
	assert.equal(executable.headers['x-debuginfod-size'], String(b.stripped.length));
	assert.equal(executable.headers['x-debuginfod-file'], 'prog');
	assert.equal(executable.headers['x-content-type-options'], 'nosniff');
	assert.equal(executable.headers['content-disposition'], 'attachment');
	assert.match(executable.headers['cache-control'], /^public, max-age=/);
	assert.ok(Math.abs(Date.parse(executable.headers['last-modified']) - Date.now()) < 600_000);
	// What came in gzip form goes out so to those who take it; its size is that of the file in it.
	const plain = await get(server, `/buildid/${ID}/debuginfo`);
	assert.ok(plain.body.equals(b.debug));
	assert.equal(plain.headers['content-encoding'], undefined);
	const packed = await get(server, `/buildid/${ID}/debuginfo`, { 'accept-encoding': 'deflate, gzip, br, zstd' });
	assert.equal(packed.headers['content-encoding'], 'gzip');
	assert.equal(packed.headers.vary, 'Accept-Encoding');
	assert.ok(zlib.gunzipSync(packed.body).equals(b.debug));
	for (const answer of [plain, packed]) {
		assert.equal(answer.headers['x-debuginfod-size'], String(b.debug.length));
		assert.equal(answer.headers['x-debuginfod-file'], 'prog.dbg');
	}
	assert.notEqual(plain.headers.etag, packed.headers.etag);
	assert.equal((await get(server, `/buildid/${ID}/debuginfo`, { 'if-none-match': plain.headers.etag })).status, 304);
	const head = await ask(server, 'HEAD', `/buildid/${ID}/debuginfo`);
	assert.equal(head.status, 200);
	assert.equal(head.headers['content-length'], String(b.debug.length));
	assert.equal(head.headers['x-debuginfod-size'], String(b.debug.length));
	const part = await get(server, `/buildid/${ID}/debuginfo`, { range: 'bytes=100-299' });
	assert.equal(part.status, 206);
	assert.ok(part.body.equals(b.debug.subarray(100, 300)));
	assert.equal((await get(server, `/buildid/${ID.toUpperCase()}/executable`)).status, 200);
	// Source paths as they stand in debug information, and as clients write them.
	for (const path of ['home/user/prog/main.c', '/home/user/prog/main.c', 'home/./user/x/../prog/main%2Ec', 'home//user/prog/src/../main.c', '%2Fhome%2Fuser%2Fprog%2Fmain.c']) {
		const got = await getRaw(`/buildid/${ID}/source/${path}`);
		assert.equal(got.status, 200, path);
		assert.equal(got.text, source);
		assert.equal(got.headers['x-debuginfod-file'], 'main.c');
		assert.equal(got.headers['x-debuginfod-size'], String(source.length));
	}
	for (const path of ['home/user/prog/Main.c', 'home/user/prog', '', '..', '../../home/user/prog/main.c', 'home/user/prog/main.c%00', 'x%0Ay']) {
		assert.equal((await getRaw(`/buildid/${ID}/source/${path}`)).status, 404, path);
	}
	// The keys of the uploads go on to work, as far as they are symbols.
	assert.ok((await get(server, `/prog/${DEBUG_ID}/prog.dbg.gz`)).body.equals(zlib.gzipSync(b.debug)));
	assert.ok((await get(server, `/prog/${DEBUG_ID}/prog`)).body.equals(b.stripped));
});

test('sections: unpacked, from the debug file or else from the program, plain or in gzip form', async () => {
	for (const [n, pack] of [(data) => data, (data) => zlib.gzipSync(data)].entries()) {
		const id = other(`sections ${n}`);
		const b = build(id, { size: 200_000 });
		await store({ [`lib/${id}/lib.so`]: b.stripped, [`lib/${id}/lib.debug`]: pack(b.debug) });
		const section = (name, headers) => get(server, `/buildid/${id}/section/${name}`, headers);
		// Asked for by many at once: each gets the whole.
		const answers = await Promise.all(Array.from({ length: 6 }, () => section('.debug_info')));
		for (const answer of answers) {
			assert.equal(answer.status, 200, answer.text);
			assert.ok(answer.body.equals(b.info));
			assert.equal(answer.headers['x-debuginfod-size'], String(b.info.length));
		}
		assert.ok((await section('.debug_str')).body.equals(b.info), 'compressed in the file');
		assert.ok((await section('.text')).body.equals(b.code), 'of the program: the debug file has it without bytes');
		const part = await section('.debug_info', { range: 'bytes=-10' });
		assert.equal(part.status, 206);
		assert.ok(part.body.equals(b.info.subarray(-10)));
		assert.equal((await ask(server, 'HEAD', `/buildid/${id}/section/.text`)).headers['content-length'], String(b.code.length));
		for (const name of ['.no_such', '.note', 'x'.repeat(300)]) {
			const miss = await section(name);
			assert.equal(miss.status, 404);
			assert.equal(miss.text, 'not found');
		}
	}
});

test('a section that would take more than its share of the disk is not cut out: the whole file is there', async () => {
	for (const [n, pack] of [(data) => data, (data) => zlib.gzipSync(data)].entries()) {
		const id = other(`share ${n}`);
		const b = build(id, { size: 1_000_000 }); // three times that is debug information
		await store({ [`share/${id}/share.debug`]: pack(b.debug) });
		for (const name of ['.debug_info', '.debug_str']) assert.equal((await get(server, `/buildid/${id}/section/${name}`)).status, 404, name);
		assert.ok((await get(server, `/buildid/${id}/debuginfo`)).body.equals(b.debug));
	}
});

test('misses: 404 at once, until the upload; what is no build id is refused', async () => {
	const id = other('late');
	const b = build(id);
	for (const what of ['debuginfo', 'executable', 'section/.text', 'source/a.c']) {
		for (let i = 0; i < 3; i++) {
			const miss = await get(server, `/buildid/${id}/${what}`);
			assert.equal(miss.status, 404);
			assert.equal(miss.text, 'not found');
			assert.match(miss.headers['cache-control'], /^public, max-age=\d+$/);
		}
		assert.equal((await ask(server, 'HEAD', `/buildid/${id}/${what}`)).status, 404);
	}
	await store({ [`late/1/late.so`]: b.whole, [`buildid/${id}/source/a.c`]: '' });
	for (const what of ['debuginfo', 'executable', 'section/.text', 'source/a.c']) {
		assert.equal((await get(server, `/buildid/${id}/${what}`)).status, 200, what);
	}
	for (const bad of ['0', 'abc', 'xy', `${id}0`, '..', 'a'.repeat(130)]) assert.equal((await getRaw(`/buildid/${bad}/debuginfo`)).status, 400, bad);
	assert.equal((await get(server, `/buildid/${id}/nothing`)).status, 404);
	assert.equal((await ask(server, 'POST', `/buildid/${id}/debuginfo`)).status, 405);
});

test('a client that takes no more than so many bytes is told so', async () => {
	const id = other('large');
	await store({ [`large/1/large.so`]: build(id).whole });
	const url = `/buildid/${id}/executable`;
	const refused = await get(server, url, { 'x-debuginfod-maxsize': '1000' });
	assert.equal(refused.status, 406);
	assert.equal(refused.text, 'File too large, max size=1000');
	for (const max of ['10000000', '0', 'many']) assert.equal((await get(server, url, { 'x-debuginfod-maxsize': max })).status, 200, max);
});

test('a .sym and a debug file of one build are known to belong together', async () => {
	const id = other('linked');
	const debugId = `${id.slice(6, 8)}${id.slice(4, 6)}${id.slice(2, 4)}${id.slice(0, 2)}${id.slice(10, 12)}${id.slice(8, 10)}${id.slice(14, 16)}${id.slice(12, 14)}${id.slice(16, 32)}0`.toUpperCase();
	await store({ [`liblinked.so/${debugId}/liblinked.so.sym`]: `MODULE Linux x86_64 ${debugId} liblinked.so\nINFO CODE_ID ${id.toUpperCase()}\nFUNC 10 10 0 f\n` });
	const info = async (name, key) => (await get(server, `/api/syminfo/${name}/${key}`)).json;
	const bySym = await info('liblinked.so', debugId);
	assert.equal(bySym.build_id, id);
	assert.equal(bySym.debuginfo, undefined);
	assert.deepEqual(await info('anything', id), bySym, 'a build id leads to the debug id');
	await store({ [`buildid/${id}/debuginfo`]: build(id).debug });
	const linked = await info('liblinked.so', debugId);
	assert.equal(linked.debuginfo, `http://127.0.0.1:8002/buildid/${id}/debuginfo`);
	assert.equal(linked.executable, undefined);
	assert.equal((await get(server, `/buildid/${id}/debuginfo`)).status, 200);
	// And without a .sym: the debug id is that which a .sym would have.
	const alone = other('alone');
	await store({ [`buildid/${alone}/executable`]: build(alone).whole });
	const { debug_id: made, code_id: code, debug_filename: name } = await info('libalone.so', alone);
	assert.equal(made.slice(0, 8).toLowerCase(), alone.slice(0, 8).match(/../g).reverse().join(''));
	assert.deepEqual([made.length, code, name], [33, alone.toUpperCase(), 'libalone.so']);
});

test('a file that is of another build than its path is found by both', async () => {
	const [path, real] = [other('path'), other('real')];
	await store({ [`buildid/${path}/executable`]: build(real).whole });
	for (const id of [path, real]) assert.equal((await get(server, `/buildid/${id}/executable`)).status, 200);
	await until('the warning', () => /other_build_id/.test(server.stderr()));
});

test('a file that was stored before anybody looked into it is recognised when it is sent again', async () => {
	const id = other('older');
	const files = { 'old/1/old.so': build(id).whole };
	await store(files);
	assert.deepEqual((await store(files)).skipped_keys, ['old/1/old.so']);
	changeData(server, "UPDATE symbols_file SET build_id = '', elf_kind = 0, elf_size = 0 WHERE debug_file = 'old'");
	assert.equal((await get(server, `/buildid/${id}/executable`)).status, 404);
	assert.deepEqual((await store(files)).skipped_keys, []);
	assert.equal((await get(server, `/buildid/${id}/executable`)).status, 200);
	assert.deepEqual((await store(files)).skipped_keys, ['old/1/old.so']);
});

test('try builds: only below /try, where regular files go first', async () => {
	const tryToken = makeToken(server, 'try@example.com', 'upload_try_symbols');
	const id = other('try');
	const [tried, regular] = [build(id), build(id, { size: 6000 })];
	await uploadFiles(server, tryToken, { [`t/1/t.so`]: tried.whole, [`buildid/${id}/source/t.c`]: 'try' });
	for (const what of ['debuginfo', 'executable', 'section/.text', 'source/t.c']) {
		assert.equal((await get(server, `/buildid/${id}/${what}`)).status, 404, what);
		assert.equal((await get(server, `/try/buildid/${id}/${what}`)).status, 200, what);
	}
	await store({ [`t/1/t.so`]: regular.whole });
	for (const base of ['', '/try']) assert.ok((await get(server, `${base}/buildid/${id}/executable`)).body.equals(regular.whole));
});

test('whatever an ELF file says of itself, it is stored, and nothing of it is believed', async () => {
	const id = other('lies');
	const sections = [{ name: '.text', flags: ALLOC, data: 'code' }];
	const files = {
		'a/1/a.so': elf({ buildId: id, sections, sectionsAt: 2n ** 63n }),
		'b/1/b.so': elf({ buildId: id, sections, sectionCount: 65000 }),
		'c/1/c.so': elf({ buildId: id, sections }).subarray(0, 100),
		'd/1/d.so': zlib.gzipSync(elf({ buildId: id, sections, sectionsAt: 1_000_000_000_000 })),
		'e/1/e.so': Buffer.from('\x7fELF\x02\x01\x01', 'latin1'),
		'f/1/f.dbg.gz': zlib.gzipSync(elf({ buildId: id, sections })).subarray(0, -5),
	};
	await store(files);
	for (const what of ['debuginfo', 'executable', 'section/.text']) assert.equal((await get(server, `/buildid/${id}/${what}`)).status, 404, what);
	assert.ok((await get(server, '/f/1/f.dbg.gz')).body.equals(files['f/1/f.dbg.gz']));
	// Sections that are not there, or not what they say: the file itself is served.
	const odd = other('odd');
	await store({
		'g/1/g.so': elf({
			buildId: odd,
			sections: [
				...sections,
				{ name: '.debug_far', data: 'x', size: 10_000_000 },
				{ name: '.debug_bomb', flags: COMPRESSED, data: compressed(Buffer.alloc(1000), 10) },
				{ name: '.debug_huge', flags: COMPRESSED, data: compressed(Buffer.alloc(1000), 2n ** 60n) },
				{ name: '.debug_cut', flags: COMPRESSED, data: compressed(Buffer.alloc(1000)).subarray(0, 30) },
				{ name: '.debug_short', flags: COMPRESSED, data: 'x' },
			],
		}),
	});
	for (const name of ['far', 'bomb', 'huge', 'cut', 'short']) assert.equal((await get(server, `/buildid/${odd}/section/.debug_${name}`)).status, 404, name);
	assert.equal((await get(server, `/buildid/${odd}/section/.text`)).text, 'code');
	assert.equal((await get(server, `/buildid/${odd}/debuginfo`)).status, 200);
	for (const path of ['../etc/passwd', '..', '', 'a\x01b']) {
		const refused = await upload(server, token, zip([{ name: `buildid/${odd}/source/${path}x/../..`, data: 'x' }]));
		assert.equal(refused.status, 400, path);
		assert.match(refused.json.error, /^Unrecognized file pattern/);
	}
});

test('upload v2 takes them too', async () => {
	const id = other('v2');
	const files = { [`buildid/${id}/debuginfo`]: build(id).debug, [`buildid/${id}/source/src/a b.c`]: Buffer.from('int x;\n') };
	const list = Object.entries(files).map(([key, data]) => ({ key, size: data.length, md5_hash: createHash('md5').update(data).digest('hex') }));
	const post = () => ask(server, 'POST', '/upload/v2/', { headers: { 'auth-token': token }, body: Buffer.from(JSON.stringify({ files: list })) });
	const { json } = await post();
	for (const { key, action } of json.files) {
		const put = await ask(server, 'PUT', new URL(action.url).pathname, { body: files[key] });
		assert.equal(put.status, 200, put.text);
	}
	assert.deepEqual((await post()).json.files.map((f) => f.action.type), ['skip', 'skip']);
	assert.ok((await get(server, `/buildid/${id}/debuginfo`)).body.equals(files[`buildid/${id}/debuginfo`]));
	assert.equal((await get(server, `/buildid/${id}/source/src/a%20b.c`)).text, 'int x;\n');
});

test('symsrv: the module itself, compressed, in any case, in two tiers; indirections are none', async () => {
	const key = '497B72F6390A44FC878E5A2D63B6CC4B1';
	await store({ [`Foo.pdb/${key}/Foo.pdb`]: 'a program database', [`Foo.pdb/${key}/Foo.pd_`]: 'a cabinet', 'bar.exe/542D574232000/bar.exe': 'a program' });
	for (const url of [`/Foo.pdb/${key}/Foo.pdb`, `/foo.pdb/${key.toLowerCase()}/foo.pdb`, `/FOO.PDB/${key}/FOO.PDB`, `/fo/Foo.pdb/${key}/Foo.pdb`, `/FO/foo.pdb/${key}/foo.pdb`]) {
		assert.equal((await get(server, url)).text, 'a program database', url);
	}
	assert.equal((await get(server, `/foo.pdb/${key}/foo.pd_`)).text, 'a cabinet');
	assert.equal((await get(server, '/BAR.EXE/542D574232000/bar.exe')).text, 'a program');
	assert.equal((await ask(server, 'HEAD', `/foo.pdb/${key}/foo.pdb`)).status, 200);
	for (const [url, text] of [
		[`/Foo.pdb/${key}/file.ptr`, 'Symbol Not Found (and ignored)'],
		[`/Foo.pdb/${key.replace('4', '5')}/Foo.pdb`, 'Symbol Not Found (and ignored)'],
		[`/Foo.pdb/${key.replace('4', '5')}/Foo.pd_`, 'Symbol Not Found'],
		[`/ba/Foo.pdb/${key}/Foo.pdb`, undefined],
		['/index2.txt', undefined],
	]) {
		const miss = await get(server, url);
		assert.equal(miss.status, 404, url);
		if (text) assert.equal(miss.text, text, url);
		else assert.deepEqual(miss.json, { error: 'Not Found', path: url });
	}
	assert.equal((await get(server, '/pingme.txt')).status, 200);
	// ELF files: by build id, padded where it is short.
	const short = '10faa6bbaab83db3';
	await store({ 'libshort.so/1/libshort.so': build(short).whole });
	for (const id of [ID, short.padEnd(40, '0'), short]) {
		assert.equal((await get(server, `/anything.so/elf-buildid-${id}/anything.so`)).status, 200, id);
		assert.equal((await get(server, `/_.debug/elf-buildid-sym-${id}/_.debug`)).status, 200, id);
	}
	assert.equal((await get(server, `/x.debug/elf-buildid-sym-${ID}/x.debug`)).status, 404);
	assert.equal((await get(server, `/x.so/elf-buildid-${other('nobody')}/x.so`)).status, 404);
	assert.equal((await get(server, '/x.so/elf-buildid-xyz/x.so')).status, 404);
});

test('the first page has the line for debuggers, to be pasted', async () => {
	assert.match((await get(server, '/')).text, /^export DEBUGINFOD_URLS=http:\/\/127\.0\.0\.1:8002\/$/m);
});
