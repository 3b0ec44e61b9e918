// plimsoll symbols upload: files and folders to a server, what is there already, and a server that is
// busy, breaks off and forgets.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { runCommand } from '../harness/command.mjs';
import { get, makeToken } from '../harness/symbols_client.mjs';
import { startWithPages } from '../harness/symbols_people.mjs';

const ID = '05C38F13023BE8BE8AA90B44DA71A59D0';
const sym = (name, rest = '') => `MODULE Linux x86_64 ${ID} ${name}\nFUNC 1000 10 0 main\n${rest}`;

function withFolder(run) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-upload-'));
	const put = (name, data) => {
		mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
		writeFileSync(path.join(dir, name), data);
		return path.join(dir, name);
	};
	return Promise.resolve(run(dir, put)).finally(() => rmSync(dir, { recursive: true, force: true }));
}

test('a folder and files go up; a repeat sends nothing; try builds; what has no key', async () => {
	const server = await startWithPages();
	try {
		await withFolder(async (dir, put) => {
			const key = put('token', `${makeToken(server)}\n`);
			put('build/one.sym', sym('one'));
			put('build/deep/two.pdb.sym', sym('two.pdb'));
			put(`build/lib.so/${ID.toLowerCase()}/lib.so.dbg.gz`, Buffer.alloc(300_000, 'debug '));
			put('build/empty.so/ABCDEF0123/empty.so.dbg.gz', '');
			put('build/.hidden', 'x');
			const upload = (...words) => runCommand(['symbols', 'upload', ...words, '--token-file', key, '-c', server.confPath]);
			const first = await upload(path.join(dir, 'build'));
			assert.equal(first.code, 0, first.stderr);
			assert.match(first.stdout, /^4 files: 4 sent \(\d+ bytes\), 0 there already, 0 failed\n$/);
			assert.equal((await get(server, `/one/${ID}/one.sym`)).text, sym('one'));
			assert.equal((await get(server, `/two.pdb/${ID}/two.sym`)).text, sym('two.pdb'));
			assert.equal((await get(server, `/lib.so/${ID}/lib.so.dbg.gz`)).body.length, 300_000);
			assert.equal((await get(server, '/empty.so/ABCDEF0123/empty.so.dbg.gz')).status, 200);
			assert.match((await upload(path.join(dir, 'build'), path.join(dir, 'build/one.sym'))).stdout, /^5 files: 0 sent \(0 bytes\), 5 there already/);
			put('build/one.sym', sym('one', 'PUBLIC 2000 0 more\n'));
			const tried = await upload(path.join(dir, 'build/one.sym'), '--try', '--url', `${server.symbolsUrl}/`);
			assert.match(tried.stdout, /^1 files: 1 sent/);
			assert.equal((await get(server, `/one/${ID}/one.sym`)).text, sym('one'), 'the regular one is as it was');
			const stored = (await get(server, '/api/stored/?name=one', { 'auth-token': makeToken(server) })).json.files;
			assert.deepEqual(stored.map((f) => f.try_symbols), [false, true]);
			put('build/readme.txt', 'x');
			const unknown = await upload(path.join(dir, 'build'));
			assert.equal(unknown.code, 1);
			assert.match(unknown.stderr, /readme\.txt is left out: it has no MODULE line, no id of its own, and is not in folders/);
			assert.match(unknown.stdout, /^4 files: 1 sent/);

			const fails = async (words, code, why) => {
				const result = await runCommand(['symbols', 'upload', ...words, '-c', server.confPath]);
				assert.equal(result.code, code, result.stderr);
				assert.match(result.stderr, why);
			};
			await fails([], 2, /usage: plimsoll symbols upload/);
			await fails([dir], 1, /a token is needed/);
			await fails([dir, '--token-file', path.join(dir, 'none')], 1, /there is no token in it/);
			await fails([path.join(dir, 'none'), '--token-file', key], 1, /No such file/);
			await fails([path.join(dir, 'build'), '--token-file', put('bad', 'abc')], 1, /403: API Token not matched/);
			await fails([path.join(dir, 'build'), '--token-file', key, '--url', 'ftp://x'], 1, /no http\(s\) address/);
		});
	} finally {
		await server.stop();
	}
});

// A server of upload v2 that answers as script says: a function for each request, called in turn.
async function flaky(script) {
	const seen = [];
	const server = http.createServer((req, res) => {
		const pieces = [];
		req.on('data', (piece) => pieces.push(piece));
		req.on('end', () => {
			const body = Buffer.concat(pieces);
			seen.push({ method: req.method, url: req.url, range: req.headers['content-range'], token: req.headers['auth-token'], body });
			const step = script[seen.length - 1];
			if (!step) res.destroy();
			else step(res, body, `http://127.0.0.1:${server.address().port}`, req);
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { seen, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => server.close(resolve)) };
}

const reply = (status, headers = {}, body = '') => (res) => res.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
const agree = (actions) => (res, body, url) => {
	const { files } = JSON.parse(body);
	res.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 1, try_symbols: false, files: files.map((f, i) => ({ key: f.key, action: actions[i] ?? { type: 'upload', url: `${url}/put`, content_encoding: 'gzip' } })) }));
};

test('a busy server is given the time it asks for, and a piece that broke is taken up', async () => {
	const data = sym('one');
	const allThere = (res, body, url, req) => res.writeHead(308, { range: `bytes=0-${Number(req.headers['content-range'].split('/')[1]) - 1}` }).end();
	const server = await flaky([
		reply(503, { 'retry-after': '1' }),
		(res) => res.destroy(),
		agree([]),
		reply(429, { 'retry-after': '0' }),
		reply(308, { range: 'bytes=0-9' }),
		allThere,
		reply(200, {}, { size: '1' }),
	]);
	try {
		await withFolder(async (dir, put) => {
			const file = put('one.sym', data);
			const begun = Date.now();
			const result = await runCommand(['symbols', 'upload', file, '--url', server.url, '--token-file', put('token', 'k'.repeat(32))]);
			assert.equal(result.code, 0, result.stderr);
			assert.match(result.stderr, /the server answered 503; again in 1 s/);
			assert.match(result.stderr, /the connection broke before an answer came; again in/);
			assert.ok(Date.now() - begun >= 1000);
			const [first, , third, whole, question, rest, last] = server.seen;
			assert.equal(zlib.gunzipSync(whole.body).toString(), data);
			const packed = whole.body.length;
			assert.equal(whole.range, `bytes 0-${packed - 1}/${packed}`);
			assert.deepEqual(JSON.parse(first.body), { files: [{ key: `one/${ID}/one.sym`, size: data.length, md5_hash: createHash('md5').update(data).digest('hex') }] });
			assert.equal(third.token, 'k'.repeat(32));
			assert.deepEqual([question.range, rest.range, last.range], [`bytes */${packed}`, `bytes 10-${packed - 1}/${packed}`, `bytes ${packed - 1}-${packed - 1}/${packed}`]);
			assert.equal(question.body.length, 0);
		});
	} finally {
		await server.stop();
	}
});

test('what a server refuses is told with its words, file by file', async () => {
	const server = await flaky([agree([{ type: 'error', msg: 'invalid key' }, { type: 'skip' }]), reply(400, {}, { error: 'not as announced' }), agree([])]);
	try {
		await withFolder(async (dir, put) => {
			const files = ['a', 'b', 'c'].map((name) => put(`${name}.sym`, sym(name)));
			const token = put('token', 'k');
			const result = await runCommand(['symbols', 'upload', ...files, '--url', server.url, '--token-file', token]);
			assert.equal(result.code, 1);
			assert.match(result.stderr, /a\.sym \(a\/.*\): invalid key/);
			assert.match(result.stderr, /c\.sym \(c\/.*\): the file is not taken: 400: not as announced/);
			assert.match(result.stdout, /^3 files: 0 sent \(0 bytes\), 1 there already, 2 failed/);
			const tried = await runCommand(['symbols', 'upload', files[0], '--try', '--url', server.url, '--token-file', token]);
			assert.equal(tried.code, 1);
			assert.match(tried.stderr, /the server takes no files of try builds/);
		});
	} finally {
		await server.stop();
	}
});
