// Upstream servers: what is not here is fetched from others, once however many ask, and kept; what they send
// badly is not kept; none of it holds up what is here.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { runCommand } from '../harness/command.mjs';
import { build } from '../harness/elf.mjs';
import { processes, until } from '../harness/roles.mjs';
import { ask, get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { broken, held, redirect, startUpstream, symText } from '../harness/upstream.mjs';

const SECONDS = 20;
const id = (n) => `${n.toString(16).toUpperCase().padStart(32, 'A')}0`;
let next = 1;

let server;
let breakpad;
let symsrv;
let debuginfod;
let token;

before(async () => {
	[breakpad, symsrv, debuginfod] = await Promise.all([startUpstream(), startUpstream(), startUpstream()]);
	server = await startPlimsoll({
		conf: {
			symbols: {
				upstream: `breakpad ${breakpad.url}/sym, symsrv ${symsrv.url}, debuginfod ${debuginfod.url}`,
				upstream_private: 'yes', upstream_wait: '1s', upstream_miss: '2s', upstream_max: '8M',
			},
		},
	});
	token = makeToken(server);
});
after(async () => {
	await server?.stop();
	await Promise.all([breakpad, symsrv, debuginfod].map((peer) => peer?.stop()));
});

// What a new file is called; its path here and at the first upstream.
function newFile(name = `m${next}.so`) {
	const key = id(next++);
	const here = `/${name}/${key}/${name}.sym`;
	return { name, key, here, there: `/sym${here}`, text: symText(name, key) };
}

// As clients do: who is told to come later comes later.
const patiently = (url, headers) => until(url, async () => {
	const answer = await get(server, url, headers);
	return answer.status !== 503 && answer;
}, SECONDS);
const drafts = () => readdirSync(path.join(server.dataDir, 'blobs/new'));
const nothingIsLeft = () => until('no drafts', () => drafts().length === 0, SECONDS);

test('a file of an upstream is fetched once, kept, and says whose it is', async () => {
	for (const gzip of [true, false]) {
		const f = newFile();
		breakpad.give(f.there, { body: f.text, gzip });
		assert.equal((await patiently(f.here)).text, f.text);
		assert.equal((await get(server, f.here)).text, f.text);
		const packed = await get(server, f.here, { 'accept-encoding': 'gzip' });
		assert.equal(packed.headers['content-encoding'], 'gzip');
		assert.equal((await ask(server, 'HEAD', f.here)).status, 200);
		assert.equal(breakpad.asked(f.there), 1);
		const { headers } = breakpad.last(f.there);
		assert.match(headers['user-agent'], /^Plimsoll\/\S+ \(symbols; \+http:/);
		assert.match(headers.via, /^1\.1 plimsoll-[0-9a-f]{16}$/);
		assert.ok(!('x-forwarded-for' in headers));
	}
	const other = newFile();
	const debug = `/${other.name}/${other.key}/${other.name}.dbg.gz`;
	breakpad.give(`/sym${debug}`, { body: 'debug', gzip: true });
	assert.equal((await patiently(debug)).text, 'debug', 'a coding of the transfer is not the file');
	await nothingIsLeft();
	// HEAD asks, too: whether it is there is the same question.
	const head = newFile();
	breakpad.give(head.there, { body: head.text });
	assert.equal((await until('HEAD', async () => {
		const answer = await ask(server, 'HEAD', head.here);
		return answer.status !== 503 && answer;
	}, SECONDS)).status, 200);
});

test('what nobody has is not asked for again for a while', async () => {
	const f = newFile();
	const first = await patiently(f.here);
	assert.equal(first.status, 404);
	assert.equal(first.text, 'Symbol Not Found');
	assert.equal(first.headers['cache-control'], 'public, max-age=10');
	const asked = breakpad.asked(f.there);
	assert.equal(symsrv.asked(f.here), 0, 'a symsrv has no .sym');
	assert.equal(debuginfod.requests.length, 0);
	// It expires by itself.
	breakpad.give(f.there, { body: f.text });
	await until('a new look', async () => (await get(server, f.here)).status === 200, SECONDS);
	assert.equal(breakpad.asked(f.there), asked + 1);
	const g = newFile();
	await patiently(g.here);
	breakpad.give(g.there, { body: g.text });
	assert.equal((await patiently(`${g.here}?_refresh=1`)).text, g.text, 'or at once for who says so');
	// What is uploaded is there at once.
	const u = newFile();
	await patiently(u.here);
	assert.equal((await uploadFiles(server, token, { [u.here.slice(1)]: u.text })).status, 201);
	assert.equal((await get(server, u.here)).text, u.text);
});

test('a server that cannot tell is asked again, and nobody remembers that answer', async () => {
	const f = newFile();
	breakpad.give(f.there, { status: 500, body: 'no' });
	const answer = await patiently(f.here);
	assert.equal(answer.status, 404);
	assert.equal(answer.headers['cache-control'], 'no-store');
	breakpad.give(f.there, { body: f.text });
	assert.equal((await patiently(f.here)).text, f.text);
});

test('what is sent badly is not kept', async () => {
	const bad = {
		'dies in the middle': (f) => broken(f.text),
		'dies in the middle of chunks': (f) => (req, res) => res.write(f.text.slice(0, 5000), () => setTimeout(() => res.destroy(), 20)),
		'tells no length': (f) => (req, res) => {
			res.useChunkedEncodingByDefault = res.shouldKeepAlive = false;
			res.removeHeader('transfer-encoding');
			res.socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${f.text}`);
		},
		'is no gzip': (f) => ({ body: f.text, headers: { 'content-encoding': 'gzip' } }),
		'has an unknown coding': (f) => ({ body: f.text, headers: { 'content-encoding': 'br' } }),
		'is of another build': (f) => ({ body: symText(f.name, id(next++)) }),
		'names no module': (f) => ({ body: f.text.replace(/^MODULE.*\n/, 'INFO GENERATOR x\n') }),
		'is a page': () => ({ body: '<html>please sign in</html>' }),
		'is empty': () => ({ body: '' }),
		'is larger than allowed, unpacked': (f) => ({ body: f.text + 'x'.repeat(9 << 20), gzip: true }),
		'redirects for ever': (f) => redirect(`${breakpad.url}${f.there}`),
		'redirects to another scheme': () => redirect('ftp://127.0.0.1/x'),
		'is no HTTP': () => (req, res) => res.socket.end('SSH-2.0-x\r\n'),
	};
	for (const [what, route] of Object.entries(bad)) {
		const f = newFile();
		breakpad.give(f.there, route(f));
		const answer = await patiently(f.here);
		assert.equal(answer.status, 404, what);
		assert.equal(answer.headers['cache-control'], 'no-store', what);
		// One good answer, so that it does not rest; then it is there.
		const g = newFile();
		breakpad.give(g.there, { body: g.text });
		await until(`${what}: an upstream that does not rest`, async () => (await get(server, g.here)).status === 200, SECONDS);
		breakpad.give(f.there, { body: f.text });
		assert.equal((await patiently(f.here)).text, f.text, what);
	}
	const large = newFile();
	breakpad.give(large.there, { body: large.text + 'x'.repeat(9 << 20) });
	assert.equal((await patiently(large.here)).headers['cache-control'], 'public, max-age=10', 'too large is an answer');
	await nothingIsLeft();
});

test('redirects are followed, and a code id leads to the debug id', async () => {
	const f = newFile();
	symsrv.give('/elsewhere', { body: f.text, gzip: true });
	breakpad.give(f.there, redirect('/sym/once'));
	breakpad.give('/sym/once', redirect(`${symsrv.url}/elsewhere`, 307));
	assert.equal((await patiently(f.here)).text, f.text);
	const pdb = id(next++).slice(0, 32) + '1a'.toUpperCase();
	const text = symText('code.pdb', pdb);
	breakpad.give('/sym/code.dll/5F84C1B2ABC000/code.sym', redirect(`/sym/code.pdb/${pdb}/code.sym`));
	breakpad.give(`/sym/code.pdb/${pdb}/code.sym`, { body: text });
	for (let i = 0; i < 2; i++) {
		const sent = await patiently('/code.dll/5f84c1b2abc000/code.sym');
		assert.equal(sent.status, 302);
		assert.equal(sent.headers.location, `/code.pdb/${pdb}/code.sym`);
	}
	assert.equal((await get(server, `/code.pdb/${pdb}/code.sym`)).text, text);
	assert.equal(breakpad.asked(`/sym/code.pdb/${pdb}/code.sym`), 1);
	// The file says whose code it is of: that has to be so.
	const says = symText('says.pdb', id(next++), 10, 'INFO CODE_ID 5F84C1B2ABC000 says.dll\n');
	breakpad.give('/sym/says.dll/5F84C1B2ABC001/says.sym', { body: says });
	breakpad.give('/sym/says.dll/5F84C1B2ABC000/says.sym', { body: says });
	const wrong = await patiently('/says.dll/5F84C1B2ABC001/says.sym');
	assert.deepEqual([wrong.status, wrong.headers['cache-control']], [404, 'no-store']);
	assert.equal((await patiently('/says.dll/5F84C1B2ABC000/says.sym')).status, 302);
});

test('a symsrv is asked in its own case', async () => {
	const f = newFile();
	symsrv.give(`/sys.pdb/${f.key}/sys.pd_`, { body: 'MSCF pdb' });
	symsrv.give('/sys.exe/5F84C1B2abc000/sys.ex_', { body: 'MSCF exe' });
	assert.equal((await patiently(`/sys.pdb/${f.key}/sys.pd_`)).text, 'MSCF pdb');
	assert.equal((await patiently('/sys.exe/5f84c1b2abc000/sys.ex_')).text, 'MSCF exe');
	assert.equal(breakpad.asked(`/sym/sys.pdb/${f.key}/sys.pd_`), 1, 'in the order of the configuration');
});

test('200 who ask at once, in two processes: one fetch', async () => {
	const f = newFile();
	const slow = held(f.text);
	breakpad.give(f.there, slow.route);
	const all = Promise.all(Array.from({ length: 200 }, () => patiently(f.here)));
	await slow.begun;
	slow.go();
	for (const answer of await all) assert.equal(answer.text, f.text);
	assert.equal(breakpad.asked(f.there), 1);
});

test('a slow upstream: a clear answer after a while, and what is here is served meanwhile', async () => {
	const local = newFile();
	assert.equal((await uploadFiles(server, token, { [local.here.slice(1)]: local.text })).status, 201);
	const f = newFile();
	const slow = held(f.text);
	breakpad.give(f.there, slow.route);
	const waiting = Array.from({ length: 20 }, () => get(server, f.here));
	await slow.begun;
	for (let i = 0; i < 50; i++) assert.equal((await get(server, local.here)).text, local.text);
	for (const late of await Promise.all(waiting)) {
		assert.equal(late.status, 503);
		assert.ok(Number(late.headers['retry-after']) >= 1);
		assert.equal(late.headers['cache-control'], 'no-store');
		assert.match(late.text, /is being fetched/);
	}
	// A client that goes does not end the fetch.
	const gone = http.get(`${server.symbolsUrl}${f.here}`);
	gone.on('error', () => {});
	await sleep(50);
	gone.destroy();
	slow.go();
	assert.equal((await patiently(f.here)).text, f.text);
	assert.equal(breakpad.asked(f.there), 1);
});

test('more files come at once than can be written: each is kept, and nobody is told to come later', async () => {
	const crowd = await startPlimsoll({ conf: { symbols: { upstream: `breakpad ${breakpad.url}/sym`, upstream_private: 'yes', upstream_parallel: 128 } } });
	try {
		const files = Array.from({ length: 120 }, () => newFile());
		for (const f of files) breakpad.give(f.there, { body: f.text });
		const pids = (await processes(crowd, 'files')).map((p) => p.pid);
		const signal = (name) => pids.forEach((pid) => process.kill(pid, name));
		const refused = async () => /^plimsoll_rpc_refused_total\{[^}]*role="courier"[^}]*to="files"[^}]*\} [1-9]/m.test(await (await fetch(`${crowd.adminUrl}/metrics`)).text());
		signal('SIGSTOP');
		// Some at a time: all at once would be a peak in the web process.
		const answers = Promise.all(files.map((f, i) => sleep(3 * i).then(() => get(crowd, f.here))));
		await until('more calls than there may be', refused).finally(() => signal('SIGCONT'));
		(await answers).forEach((answer, i) => assert.deepEqual([answer.status, answer.text], [200, files[i].text]));
	} finally {
		await crowd.stop();
	}
});

test('symbolication uses upstreams', async () => {
	const f = newFile('app.so');
	breakpad.give(f.there, { body: f.text, gzip: true });
	const body = Buffer.from(JSON.stringify({ memoryMap: [['app.so', f.key], ['none.so', id(next++)]], stacks: [[[0, 0x1010], [1, 1]]] }));
	const answer = await until('symbols', async () => {
		const { json } = await ask(server, 'POST', '/symbolicate/v5', { body });
		return json.results[0].found_modules[`app.so/${f.key}`] && json.results[0];
	}, SECONDS);
	assert.equal(answer.stacks[0][0].function, 'function_of_app_so');
	assert.equal(answer.stacks[0][0].line, 42);
	assert.equal(breakpad.asked(f.there), 1);
});

test('debuggers: what a debuginfod has of a build, and a symsrv', async () => {
	const buildId = createHash('sha1').update('upstream').digest('hex');
	const b = build(buildId);
	debuginfod.give(`/buildid/${buildId}/debuginfo`, { body: b.debug });
	debuginfod.give(`/buildid/${buildId}/executable`, { body: b.stripped, gzip: true });
	debuginfod.give(`/buildid/${buildId}/source/usr/src/a%20b/main.c`, { body: 'int main;\n' });
	for (let i = 0; i < 2; i++) {
		assert.ok((await patiently(`/buildid/${buildId}/debuginfo`)).body.equals(b.debug));
		assert.ok((await patiently(`/buildid/${buildId.toUpperCase()}/executable`)).body.equals(b.stripped));
		assert.equal((await patiently(`/buildid/${buildId}/source/usr/./src/a%20b//main.c`)).text, 'int main;\n');
		assert.ok((await get(server, `/buildid/${buildId}/section/.text`)).body.equals(b.code));
	}
	assert.deepEqual(debuginfod.requests.filter((r) => r.url.includes(buildId)).length, 3);
	const { headers } = debuginfod.last(`/buildid/${buildId}/debuginfo`);
	assert.equal(headers['x-forwarded-for'], 'unknown');
	assert.ok((await get(server, `/_.debug/elf-buildid-sym-${buildId}/_.debug`)).body.equals(b.debug));
	// Nobody's, another build's, and a page.
	const none = createHash('sha1').update('none').digest('hex');
	const miss = await patiently(`/buildid/${none}/debuginfo`);
	assert.equal(miss.status, 404);
	assert.equal(miss.headers['cache-control'], 'public, max-age=10');
	for (const [n, body] of [b.debug, b.stripped, Buffer.from('<html>'), Buffer.alloc(0)].entries()) {
		const other = createHash('sha1').update(`other ${n}`).digest('hex');
		debuginfod.give(`/buildid/${other}/debuginfo`, { body });
		const answer = await patiently(`/buildid/${other}/debuginfo`);
		assert.equal(answer.status, 404);
		assert.equal(answer.headers['cache-control'], 'no-store');
	}
	const fromSymsrv = createHash('sha1').update('symsrv').digest('hex');
	const s = build(fromSymsrv);
	symsrv.give(`/_.debug/elf-buildid-sym-${fromSymsrv}/_.debug`, { body: s.debug });
	assert.ok((await patiently(`/buildid/${fromSymsrv}/debuginfo`)).body.equals(s.debug));
	assert.equal(debuginfod.asked(`/buildid/${fromSymsrv}/debuginfo`), 0);
	await nothingIsLeft();
});

test('sections: of a build that is not here the section alone is fetched', async () => {
	const buildId = createHash('sha1').update('sections').digest('hex');
	const there = `/buildid/${buildId}/section/`;
	debuginfod.give(`${there}.debug_str`, { body: 'names\0of\0things' });
	debuginfod.give(`${there}.gdb_index`, { status: 503, body: 'busy' });
	for (let i = 0; i < 2; i++) {
		const answer = await patiently(`${there}.debug_str`);
		assert.deepEqual([answer.status, answer.text, answer.headers['x-debuginfod-size']], [200, 'names\0of\0things', '15']);
	}
	assert.equal(debuginfod.asked(`${there}.debug_str`), 1);
	const none = await patiently(`${there}.none`);
	assert.deepEqual([none.status, none.headers['cache-control']], [404, 'public, max-age=10']);
	assert.deepEqual((await patiently(`${there}.none`)).status, 404);
	assert.equal(debuginfod.asked(`${there}.none`), 1);
	const busy = await patiently(`${there}.gdb_index`);
	assert.deepEqual([busy.status, busy.headers['cache-control']], [404, 'no-store']);
	assert.equal((await patiently(`${there}a%2Fb`)).status, 404, 'no name of a section');
	assert.equal(debuginfod.requests.filter((r) => r.url.includes(buildId) && !r.url.startsWith(there)).length, 0, 'nobody asked for the whole file');
	// Once the debug file is here, nobody else is asked, and what it has goes first.
	const b = build(buildId);
	assert.equal((await uploadFiles(server, token, { [`buildid/${buildId}/debuginfo`]: b.debug })).status, 201);
	assert.ok((await get(server, `${there}.debug_str`)).body.equals(b.info));
	const asked = debuginfod.requests.length;
	assert.equal((await get(server, `${there}.not_there`)).status, 404);
	assert.equal(debuginfod.requests.length, asked);
});

test('an upload makes a fetched file its own', async () => {
	const f = newFile();
	breakpad.give(f.there, { body: f.text });
	await patiently(f.here);
	const up = await uploadFiles(server, token, { [f.here.slice(1)]: f.text });
	assert.deepEqual(up.json.upload.skipped_keys, []);
	const again = await uploadFiles(server, token, { [f.here.slice(1)]: f.text });
	assert.deepEqual(again.json.upload.skipped_keys, [f.here.slice(1)]);
	const gc = await runCommand(['symbols', 'gc', '--dry-run', '-c', server.confPath]);
	assert.match(gc.stdout, /^would remove 0 files/m);
});

test('numbers', async () => {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	for (const name of ['fetched_seconds_count', 'missing_seconds_count', 'failed_total', 'bytes_total', 'later_total']) {
		const match = new RegExp(`^plimsoll_symbols_upstream_${name}\\S* (\\d+)`, 'm').exec(text);
		assert.ok(match && Number(match[1]) > 0, name);
	}
});

test('loops end: two that ask each other, one that is sent to itself, and addresses within', async () => {
	const ports = [];
	for (let i = 0; i < 2; i++) ports.push({ web: await freePort(), admin: await freePort(), symbols: await freePort() });
	const back = await startUpstream();
	const of = (n) => ({ ports: ports[n], conf: { web: { instances: 1 }, symbols: { upstream: `breakpad http://127.0.0.1:${ports[1 - n].symbols}${n ? `, breakpad ${back.url}` : ''}`, upstream_private: n ? 'yes' : 'no', upstream_wait: '10s' } } });
	const [a, b] = await Promise.all([startPlimsoll(of(0)), startPlimsoll(of(1))]);
	try {
		const f = newFile();
		// b asks a, which may not ask addresses within; then the third, which sends it on to itself.
		back.give(f.here, (req, res) => {
			http.get(`${b.symbolsUrl}${f.here}`, { headers: { via: req.headers.via }, agent: false }, (answer) => {
				res.writeHead(answer.statusCode, { 'content-length': 0, 'cache-control': answer.headers['cache-control'] });
				answer.resume();
				res.end();
			});
		});
		const begun = Date.now();
		const answer = await get(b, f.here);
		assert.equal(answer.status, 404);
		assert.equal(answer.headers['cache-control'], 'no-store');
		assert.ok(Date.now() - begun < 9000, 'nobody waited for himself');
		assert.equal(back.asked(f.here), 1);
		// One that fails again and again rests.
		for (let i = 0; i < 4; i++) assert.equal((await get(a, newFile().here)).status, 404);
		await until('the log', () => /upstream_failed.*not an address of the public internet/.test(a.stderr()) && /upstream_rests/.test(a.stderr()), SECONDS);
		// What the other one has comes from there.
		const there = newFile();
		assert.equal((await uploadFiles(a, makeToken(a), { [there.here.slice(1)]: there.text })).status, 201);
		const fetched = await until('the file of the other', async () => {
			const got = await get(b, there.here);
			return got.status === 200 && got;
		}, SECONDS);
		assert.equal(fetched.text, there.text);
		assert.equal(back.asked(there.here), 0);
		// Too many hops.
		const via = Array.from({ length: 8 }, (_, i) => `1.1 p${i}`).join(', ');
		const g = newFile();
		assert.equal((await get(b, g.here, { via })).status, 404);
		assert.equal((await get(b, g.here, { 'x-forwarded-for': ',,,,,,,,' })).status, 404);
		assert.equal(back.asked(g.here), 0);
	} finally {
		await Promise.all([a.stop(), b.stop(), back.stop()]);
	}
});
