// Real inputs: 72 modules of Firefox, the keys of half a year of Mozilla's uploads, and the requests that its
// symbolication server had. They are no part of the tree (sample_data.mjs); without them these tests are skipped.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { lines, sampleArchive, sampleKeys, sampleRequests, unzip, without } from '../harness/sample_data.mjs';
import { SlowSymbols } from '../harness/slow_symbols.mjs';
import { ask, get, makeToken, upload, uploadFiles } from '../harness/symbols_client.mjs';

const AT_ONCE = 16;
const KEY_STEP = 120; // of 292,411
const REQUEST_STEP = 6; // of 8,788

let server;
let token;
before(async () => {
	server = await startPlimsoll();
	token = makeToken(server);
});
after(() => server?.stop());

// Runs fn over all of a list, some beside each other.
async function each(list, fn) {
	let next = 0;
	const lane = async () => {
		while (next < list.length) await fn(list[next++]);
	};
	await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

const urlOf = (key) => `/${key.split('/').map(encodeURIComponent).join('/')}`;
const post = (version, body) => ask(server, 'POST', `/symbolicate/${version}`, { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
const wanted = (slow, name, offsets) => offsets.map((at, frame) => ({ frame, module: slow.codeFile ?? name, module_offset: `0x${at.toString(16)}`, ...slow.find(at) }));

let seed = 1;
function random(n) {
	seed = (seed * 48271) % 0x7fffffff;
	return seed % n;
}

test('the modules of Firefox: each file comes back byte for byte, by every door that has it', { skip: without(sampleArchive) }, async () => {
	const files = Object.entries(unzip(sampleArchive));
	assert.equal(files.length, 144);
	for (const again of [false, true]) {
		const answer = await upload(server, token, readFileSync(sampleArchive));
		assert.equal(answer.status, 201, answer.text);
		assert.equal(answer.json.upload.skipped_keys.length, again ? files.length : 0);
	}
	await each(files, async ([key, bytes]) => {
		const [name, id, file] = key.split('/');
		const url = urlOf(key);
		const is = async (path, headers, want, what) => {
			const got = await get(server, path, headers);
			assert.equal(got.status, 200, `${what} ${path}`);
			assert.ok((got.headers['content-encoding'] === 'gzip' ? gunzipSync(got.body) : got.body).equals(want), `${what} ${path}`);
			return got;
		};
		await is(url, {}, bytes, 'plain');
		const packed = await is(url, { 'accept-encoding': 'gzip' }, bytes, 'in gzip form');
		assert.equal(packed.headers['content-encoding'], file.endsWith('.sym') ? 'gzip' : undefined);
		await is(urlOf(`${name}/${id.toLowerCase()}/${file}`), {}, bytes, 'its id in small letters');
		assert.equal((await ask(server, 'HEAD', url)).headers['content-length'], String(bytes.length));
		for (const never of [urlOf(`${name}/${id}/file.ptr`), urlOf(`${name}/${'0'.repeat(33)}/${file}`)]) {
			const answer = await get(server, never);
			assert.deepEqual([answer.status, answer.text], [404, 'Symbol Not Found (and ignored)'], never);
		}
		if (file.endsWith('.sym')) return;
		const { build_id: build } = (await get(server, `/api/syminfo/${encodeURIComponent(name)}/${id}`)).json;
		await is(`/buildid/${build}/debuginfo`, {}, gunzipSync(bytes), 'for debuggers');
	});
});

test('the modules of Firefox: symbolicated as the slow resolver has them, at edges and anywhere', { skip: without(sampleArchive) }, async () => {
	await upload(server, token, readFileSync(sampleArchive));
	const syms = Object.entries(unzip(sampleArchive)).filter(([name]) => name.endsWith('.sym'));
	assert.equal(syms.length, 72);
	const jobs = syms.map(([key, bytes]) => {
		const [name, id] = key.split('/');
		const slow = new SlowSymbols(bytes.toString('utf8'));
		const edges = slow.edges();
		const highest = Math.max(...edges, 1);
		const offsets = Array.from({ length: 40 }, (_, i) => (i % 2 ? Math.max(0, edges[random(edges.length)] - random(2)) : random(highest + 100)));
		return { key, name, id, slow, offsets };
	});
	for (let i = 0; i < jobs.length; i += 10) {
		const some = jobs.slice(i, i + 10);
		const { status, json } = await post('v5', { jobs: some.map(({ name, id, offsets }) => ({ memoryMap: [[name, id]], stacks: [offsets.map((at) => [0, at])] })) });
		assert.equal(status, 200);
		for (const [n, { key, name, id, slow, offsets }] of some.entries()) {
			assert.deepEqual(json.results[n].found_modules, { [`${name}/${id}`]: true });
			assert.deepEqual(json.results[n].stacks[0], wanted(slow, name, offsets), key);
		}
	}
});

// What stands in for the file of a key.
function bodyOf(key) {
	const [name, id, file] = key.split('/');
	return file.endsWith('.sym') ? `MODULE windows x86 ${id} ${name}\nPUBLIC 1000 0 of_${id}\n` : `bytes of ${key}`;
}

test('real keys: what was uploaded is found under its name, in any case where debuggers on Windows ask so', { skip: without(sampleKeys) }, async () => {
	const all = lines(sampleKeys).map((line) => line.split('\t')[0]);
	const keys = all.filter((_, i) => i % KEY_STEP === 0);
	const files = keys.filter((key) => !key.endsWith('.txt'));
	const endings = new Set(files.map((key) => key.slice(key.lastIndexOf('.'))));
	assert.deepEqual([...endings].sort(), ['.bz2', '.dl_', '.ex_', '.gz', '.pd_', '.sym']);
	const answer = await uploadFiles(server, token, Object.fromEntries([...files.map((key) => [key, bodyOf(key)]), ['target.crashreporter-symbols.txt', 'a list']]));
	assert.equal(answer.status, 201, answer.text);
	assert.deepEqual(answer.json.upload.skipped_keys, []);
	await each(files, async (key) => {
		const got = await get(server, urlOf(key));
		assert.deepEqual([got.status, got.text], [200, bodyOf(key)], key);
		const [name, id, file] = key.split('/');
		if (!file.endsWith('_')) return;
		const any = await get(server, urlOf(`${name.toUpperCase()}/${id.toLowerCase()}/${file.toUpperCase()}`));
		assert.deepEqual([any.status, any.text], [200, bodyOf(key)], `${key} in capitals`);
		const whole = await get(server, urlOf(`${name}/${id}/${file.replace(/_$/, { d: 'b', x: 'e', l: 'l' }[file.at(-2)])}`));
		assert.equal(whole.status, 404, `${key}: the file itself was never sent`);
	});
});

test('real requests: answered in both versions as they have to be, with names where there are symbols', { skip: without(sampleRequests) }, async () => {
	const isFloat = (body) => /\[-?\d+,-?\d+[.e]/.test(body);
	const all = lines(sampleRequests);
	assert.equal(all.filter(isFloat).length, 998);
	const bodies = all.filter((_, i) => i % REQUEST_STEP === 0);
	assert.ok(bodies.some(isFloat));
	// The modules that most of them name: made up, for nobody has the real ones.
	const times = new Map();
	for (const body of bodies) for (const [name, id] of JSON.parse(body).memoryMap) if (id.length === 33) times.set(`${name}/${id}`, (times.get(`${name}/${id}`) ?? 0) + 1);
	const known = new Map([...times].sort((a, b) => b[1] - a[1]).slice(0, 60).map(([key]) => {
		const [name, id] = key.split('/');
		const functions = Array.from({ length: 300 }, (_, i) => `FUNC ${(0x1000 + i * 0x30000).toString(16)} 20000 0 f${i}_of_${id}\n${(0x1000 + i * 0x30000).toString(16)} 20000 ${i + 1} 0\n`);
		return [key, `MODULE windows x86 ${id} ${name}\nFILE 0 c:\\src\\${name}.cpp\n${functions.join('')}`];
	}));
	const fileOf = (key) => `${key}/${key.split('/')[0].replace(/\.pdb$/, '')}.sym`;
	const stored = await uploadFiles(server, token, Object.fromEntries([...known].map(([key, text]) => [fileOf(key), text])));
	assert.equal(stored.status, 201, stored.text);
	const slow = new Map([...known].map(([key, text]) => [key, new SlowSymbols(text)]));
	let named = 0;
	await each(bodies, async (body) => {
		const [four, five] = [await post('v4', body), await post('v5', body)];
		if (isFloat(body)) {
			for (const { status, json } of [four, five]) assert.ok(status === 400 && /has an invalid module_offset$/.test(json.title), body);
			return;
		}
		assert.deepEqual([four.status, five.status], [200, 200], body);
		const { memoryMap, stacks } = JSON.parse(body);
		// Numbers beyond 2^53 are not the same to JSON.parse.
		const offsets = [...body.slice(body.indexOf('"stacks"')).matchAll(/\[(-?\d+),(-?\d+)\]/g)].map((m) => BigInt(m[2]));
		assert.equal(four.json.symbolicatedStacks[0].length, stacks[0].length);
		for (const [i, [module]] of stacks[0].entries()) {
			const [name, id] = memoryMap[module] ?? [];
			const found = slow.get(`${name}/${id}`)?.find(Number(offsets[i])) ?? {};
			const frame = five.json.results[0].stacks[0][i];
			const shown = name || '<unknown>';
			const hex = `0x${offsets[i].toString(16)}`;
			assert.deepEqual(frame, { frame: i, module: shown, module_offset: hex, ...found }, body);
			assert.equal(four.json.symbolicatedStacks[0][i], `${found.function ?? hex} (in ${shown})`, body);
			if (found.function) named += 1;
		}
	});
	assert.ok(named > 500, String(named));
});
