// Symbolication by raw requests: documented answers, indexes that are built once, found again, mended and
// thrown out, and uploads that are seen at once (symbols_real.test.mjs has real modules).
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { processes, until } from '../harness/roles.mjs';
import { SlowSymbols } from '../harness/slow_symbols.mjs';
import { ask, makeToken, uploadFiles } from '../harness/symbols_client.mjs';

let server;
let token;

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-test-'));
const conf = { web: { instances: 2 }, symbols: { symbolicate_max_body: '1M', symbolicate_max_frames: 20000 } };

before(async () => {
	server = await startPlimsoll({ dir, conf });
	token = makeToken(server);
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

// Ends the server, does something to its files, starts it again.
async function restart(meanwhile = () => {}) {
	await server.stop();
	meanwhile();
	server = await startPlimsoll({ dir, conf, ports: server.ports });
}

// Ids that nobody else in this file uses.
let last = 0;
const newId = () => (++last).toString(16).toUpperCase().padStart(32, 'A') + '0';

// A module like a compiler's, different for each id.
function makeSym(name, id, functions = 50) {
	const lines = [`MODULE Linux x86_64 ${id} ${name}`, 'FILE 0 src/a.cc', 'FILE 7 src/b c.h', 'INLINE_ORIGIN 3 ns::inner<int, 3>', 'INLINE_ORIGIN 4 ns::middle'];
	for (let i = 0; i < functions; i++) {
		const at = 0x1000 + i * 0x40;
		const h = (n) => n.toString(16);
		lines.push(`FUNC ${h(at)} 38 0 ${name}::function_${i}(char const*)`, `INLINE 0 ${i + 5} 0 4 ${h(at + 8)} 10`, `INLINE 1 ${i + 6} 7 3 ${h(at + 8)} 4 ${h(at + 16)} 4`);
		lines.push(`${h(at)} 8 ${i + 1} 0`, `${h(at + 8)} 10 ${i + 2} 7`, `${h(at + 24)} 20 0 0`);
	}
	lines.push(`PUBLIC ${(0x1000 + functions * 0x40).toString(16)} 0 _end_of_${name}`, '');
	return lines.join('\n');
}

async function put(name, id, text = makeSym(name, id)) {
	const answer = await uploadFiles(server, token, { [`${name}/${id}/${name}.sym`]: text });
	assert.equal(answer.status, 201, answer.text);
	return text;
}

const post = (version, body, headers) => ask(server, 'POST', `/symbolicate/${version}`, { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), headers });
const job = (modules, ...stacks) => ({ memoryMap: modules, stacks });

// The frames that the slow resolver would answer for one module.
const wanted = (slow, name, offsets) => offsets.map((at, frame) => ({ frame, module: slow.codeFile ?? name, module_offset: `0x${at.toString(16)}`, ...slow.find(at) }));

const indexes = () =>
	readdirSync(path.join(server.dataDir, 'blobs/index/blobs'), { recursive: true, withFileTypes: true })
		.filter((e) => e.isFile() && e.name.endsWith('.ix1'))
		.map((e) => path.join(e.parentPath ?? e.path, e.name));

test('a stack comes back with functions, files, lines and inlined calls', async () => {
	const id = newId();
	const slow = new SlowSymbols(await put('libzoo.so', id));
	const offsets = [0x1000, 0x1007, 0x1008, 0x100c, 0x1010, 0x1018, 0x1038, 0x1048, 0x1c00, 0x1c80, 0x2000];
	const answer = await post('v5', { jobs: [job([['libzoo.so', id]], offsets.map((at) => [0, at]))] }, { 'content-type': 'text/plain;charset=UTF-8' });
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.headers['content-type'], 'application/json');
	assert.equal(answer.headers['access-control-allow-origin'], '*');
	assert.ok(answer.headers['access-control-expose-headers']);
	assert.deepEqual(answer.json, { results: [{ stacks: [wanted(slow, 'libzoo.so', offsets)], found_modules: { [`libzoo.so/${id}`]: true } }] });
	const v4 = await post('v4', { version: 4, ...job([['libzoo.so', id], ['other', newId()]], [[0, 0x1008], [1, 5], [-1, 7]]) });
	assert.deepEqual(v4.json, { symbolicatedStacks: [['libzoo.so::function_0(char const*) (in libzoo.so)', '0x5 (in other)', '0x7 (in <unknown>)']], knownModules: [true, false] });
});

test('ids are found in any case, the null id and others are not looked for', async () => {
	const id = newId();
	await put('case.so', id);
	const nobody = '0'.repeat(33);
	const answer = await post('v5', job([['case.so', id.toLowerCase()], ['case.so', nobody], ['case.so', '12345'], ['', id], ['case.so', id]], [[0, 0x1000], [1, 1], [2, 1], [3, 1]]));
	assert.deepEqual(answer.json.results[0].found_modules, { [`case.so/${id.toLowerCase()}`]: true, [`case.so/${nobody}`]: false, 'case.so/12345': false, [`/${id}`]: null, [`case.so/${id}`]: null });
	assert.equal(answer.json.results[0].stacks[0][0].function, 'case.so::function_0(char const*)');
});

test('a file that is of another module, or no .sym, is not used', async () => {
	const id = newId();
	const other = newId();
	await put('mixed.so', id, makeSym('mixed.so', other));
	await put('text.so', other, 'no symbols in here\n');
	for (let i = 0; i < 2; i++) {
		const answer = await post('v5', job([['mixed.so', id], ['text.so', other]], [[0, 0x1000], [1, 1]]));
		assert.equal(answer.status, 200, answer.text);
		assert.deepEqual(answer.json.results[0].found_modules, { [`mixed.so/${id}`]: false, [`text.so/${other}`]: false });
	}
});

test('a module that was missing is there with the first request after its upload', async () => {
	const id = newId();
	const body = job([['late.so', id]], [[0, 0x1000]]);
	for (let i = 0; i < 4; i++) assert.equal((await post('v5', body)).json.results[0].found_modules[`late.so/${id}`], false);
	await put('late.so', id);
	for (let i = 0; i < 4; i++) assert.equal((await post('v5', body)).json.results[0].found_modules[`late.so/${id}`], true);
});

test('errors have the documented status and text', async () => {
	for (const [body, title] of [
		['', 'Payload is not valid JSON'],
		['{', 'Payload is not valid JSON'],
		[job([], [[0, 1]]), "job 0 has invalid stacks: stack 0 frame 0 has a module_index that isn't in modules"],
		[job([], [[-1, 1.5]]), 'job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset'],
		['{"stacks":[[[-1,1.0]]],"memoryMap":[]}', 'job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset'],
		[job([['a/b', '1']], []), 'job 0 has invalid modules: module index 0 has an invalid debug_filename'],
		[{ jobs: Array(11).fill(job([], [])) }, 'please limit number of jobs in a single request to <= 10'],
		[job([], Array(20001).fill([-1, 1])), 'please limit number of frames in a single request to <= 20000'],
	]) {
		for (const version of ['v4', 'v5']) {
			if (body.jobs && version === 'v4') continue;
			const answer = await post(version, body);
			assert.equal(answer.status, 400, `${version} ${answer.text}`);
			assert.deepEqual(answer.json, { title });
		}
	}
	const large = await post('v5', ' '.repeat(1 << 20) + '1');
	assert.equal(large.status, 413);
	assert.equal(typeof large.json.title, 'string');
	const wrong = await ask(server, 'GET', '/symbolicate/v5');
	assert.equal(wrong.status, 405);
	assert.match(wrong.headers.allow, /POST/);
	const options = await ask(server, 'OPTIONS', '/symbolicate/v5', { headers: { origin: 'https://profiler.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a, x-b' } });
	assert.deepEqual([options.status, options.headers['access-control-allow-origin'], options.headers['access-control-allow-headers']], [200, '*', 'x-a, x-b']);
	assert.match(options.headers['access-control-allow-methods'], /POST/);
});

test('the Debug header adds where the time went', async () => {
	const id = newId();
	await put('debug.so', id);
	const { json } = await post('v5', job([['debug.so', id], ['nobody', newId()]], [[0, 0x1000], [1, 1]]), { debug: 'anything' });
	const key = `debug.so/${id}`;
	assert.equal(typeof json.debug.time, 'number');
	assert.deepEqual(json.debug.modules.stacks_per_module[key], 1);
	assert.deepEqual(Object.keys(json.debug.parse_sym.time_per_module), [key]);
	for (const part of ['cache_lookups', 'downloads', 'parse_sym', 'save_symcache', 'modules']) assert.ok(json.debug[part], part);
	const warm = await post('v5', job([['debug.so', id]], [[0, 0x1000]]), { debug: '1' });
	assert.equal(warm.json.debug.cache_lookups.count, 1);
});

test('however many wait for a module, its index is built once', async () => {
	const id = newId();
	const slow = new SlowSymbols(await put('wide.so', id, makeSym('wide.so', id, 3000)));
	const before = indexes().length;
	const answers = await Promise.all(Array.from({ length: 12 }, () => post('v5', job([['wide.so', id]], [[0, 0x1048]]))));
	for (const answer of answers) assert.deepEqual(answer.json.results[0].stacks[0], wanted(slow, 'wide.so', [0x1048]));
	assert.equal(indexes().length, before + 1);
	assert.equal(readdirSync(path.join(server.dataDir, 'blobs/index/blobs/new')).length, 0);
});

test('a build that is killed is done by somebody else, or by the next request', async () => {
	const id = newId();
	const slow = new SlowSymbols(makeSym('killed.so', id, 10));
	await put('killed.so', id, makeSym('killed.so', id, 25000));
	const body = job([['killed.so', id]], [[0, 0x1048]]);
	const before = indexes().length;
	const drafts = () => readdirSync(path.join(server.dataDir, 'blobs/index/blobs/new')).length;
	const answers = Array.from({ length: 6 }, () => post('v5', body));
	await until('a build has begun', () => drafts() > 1 || indexes().length > before);
	for (const row of await processes(server, 'files')) process.kill(row.pid, 'SIGKILL');
	for (const answer of await Promise.all(answers)) assert.ok([200, 503].includes(answer.status), answer.text);
	await until('the module is symbolicated', async () => (await post('v5', body)).status === 200);
	const answer = await post('v5', body);
	assert.deepEqual(answer.json.results[0], { stacks: [wanted(slow, 'killed.so', [0x1048])], found_modules: { [`killed.so/${id}`]: true } });
	assert.equal(indexes().length, before + 1);
});

test('indexes that are damaged are built anew', async () => {
	const ids = Array.from({ length: 3 }, newId);
	const offsets = [0x1048, 0x5048, 0x9048, 0x20008];
	const ask3 = () => Promise.all(ids.map((id) => post('v5', job([['hurt.so', id]], offsets.map((at) => [0, at])))));
	const files = [];
	for (const id of ids) {
		const slow = new SlowSymbols(await put('hurt.so', id, makeSym('hurt.so', id, 2100)));
		const before = new Set(indexes());
		const good = await post('v5', job([['hurt.so', id]], offsets.map((at) => [0, at])));
		assert.deepEqual(good.json.results[0].stacks[0], wanted(slow, 'hurt.so', offsets));
		files.push(indexes().find((f) => !before.has(f)));
	}
	const good = await ask3();
	const whole = files.map((f) => readFileSync(f));
	await restart(() => {
		truncateSync(files[0], 100);
		writeFileSync(files[1], '');
		writeFileSync(files[2], Buffer.from(whole[2].map((b, i) => (i > 200 && i < whole[2].length - 100 ? b ^ 1 : b))));
	});
	const mended = await ask3();
	for (const [i, answer] of mended.entries()) {
		assert.equal(answer.status, 200, answer.text);
		assert.deepEqual(answer.json, good[i].json);
		assert.ok(readFileSync(files[i]).equals(whole[i]), 'as it was before');
	}
});

test('indexes survive a restart, and are not built again', async () => {
	const id = newId();
	await put('stays.so', id);
	const before = new Set(indexes());
	await post('v5', job([['stays.so', id]], [[0, 0x1000]]));
	const file = indexes().find((f) => !before.has(f));
	const { mtimeMs, ino } = statSync(file);
	await restart();
	const { json } = await post('v5', job([['stays.so', id]], [[0, 0x1000]]), { debug: '1' });
	assert.equal(json.results[0].found_modules[`stays.so/${id}`], true);
	assert.deepEqual(json.debug.parse_sym.time_per_module, {});
	assert.deepEqual([statSync(file).mtimeMs, statSync(file).ino], [mtimeMs, ino]);
});

test('the indexes that nobody has used for longest make room', async () => {
	const other = await startPlimsoll({ conf: { symbols: { index_cache: '256k' } } });
	const was = [server, token];
	server = other;
	token = makeToken(other);
	try {
		const ids = Array.from({ length: 6 }, newId);
		for (const [i, id] of ids.entries()) {
			await put('room.so', id, makeSym('room.so', id, 2500));
			const { json } = await post('v5', job([['room.so', id]], [[0, 0x1000]]));
			assert.equal(json.results[0].found_modules[`room.so/${id}`], true);
			const total = indexes().reduce((sum, f) => sum + statSync(f).size, 0);
			assert.ok(total <= 1 << 18 || indexes().length === 1, `${i}: ${total}`);
			for (const f of indexes()) utimesSync(f, i, i);
		}
		assert.ok(indexes().length >= 1 && indexes().length < 6);
	} finally {
		[server, token] = was;
		await other.stop();
	}
});

test('the command symbolicates a file, and a module of the store', async () => {
	const id = newId();
	const text = await put('cli.so', id);
	const file = path.join(dir, 'cli.so.sym');
	writeFileSync(file, text);
	const inner = '0x1008  ns::inner<int, 3> at src/b c.h:2 (inlined)\n0x1008  ns::middle at src/b c.h:6 (inlined)\n0x1008  cli.so::function_0(char const*) at src/a.cc:5 +0x8\n';
	const run = (args, input) => spawnSync(plimsollBin(), ['symbols', 'symbolicate', ...args, '-c', server.confPath], { encoding: 'utf8', input });
	for (const module of [file, `cli.so/${id}`]) {
		assert.equal(run([module, '0x1008', '99']).stdout, `${inner}0x99  ?\n`);
		assert.equal(run([module], '1008 0x1c80\n').stdout, `${inner}0x1c80  _end_of_cli.so +0x0\n`);
		const wrong = run([module, 'xyz']);
		assert.deepEqual([wrong.status, wrong.stdout], [1, '']);
		assert.match(wrong.stderr, /"xyz" is no offset/);
	}
	const nobody = run([`nobody/${id}`, '1']);
	assert.equal(nobody.status, 1);
	assert.match(nobody.stderr, /has no symbols here/);
});

test('the commands of the manual work', async () => {
	const id = newId();
	const file = path.join(dir, 'manual.so.sym');
	writeFileSync(file, await put('manual.so', id));
	const text = readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), '../../doc/SYMBOLS.md'), 'utf8');
	const section = text.slice(text.indexOf('## Symbolication'), text.indexOf('## What is missing'));
	const commands = [...section.matchAll(/```\n(.*?)```/gs)].flatMap((m) => m[1].trim().split('\n'));
	assert.equal(commands.length, 3);
	for (const command of commands) {
		const own = command.replaceAll('http://127.0.0.1:8002', server.symbolsUrl).replaceAll('DEBUG_FILE', 'manual.so').replaceAll('DEBUG_ID', id).replaceAll('FILE.sym', file).replace(/^plimsoll symbols/, `${plimsollBin()} symbols -c ${server.confPath}`);
		const done = spawnSync('bash', ['-c', own], { encoding: 'utf8' });
		assert.equal(done.status, 0, `${own}\n${done.stderr}`);
		assert.match(done.stdout, /manual\.so::function_0\(char const\*\)/, own);
	}
});

test('what was counted shows', async () => {
	await until('metrics of symbolication', async () => {
		const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
		return /symbols_symbolicated_frames_total\S* [1-9]/.test(text) && /symbols_index_opened_total\S* [1-9]/.test(text);
	});
});
