// The shipped models of sync and symbols against stand-ins that check what arrives, and their rates as golden
// texts. (Those of persona and couples have a real server: lab_persona, lab_couples.)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { SyncStandIn } from '../harness/sync_stand_in.mjs';
import { ROOT, byName, lab, load, scratch, standIn } from './lib/lab.mjs';

for (const [model, preset] of [['sync', 'seed-004'], ['sync', 'loadtest'], ['sync', 'seed-004-stored'], ['symbols', 'seed-002'], ['couples', 'seed-003'], ['couples', 'couples-day'], ['couples', 'sign-up-storm'], ['couples', 'reconnect-storm']]) {
	test(`the rates of ${model}, preset ${preset}, are derived, and the contradictions of its source named`, async () => {
		const end = await lab(['model', 'rates', `models/${model}.lua`, '--preset', preset, '--users', '1M']);
		assert.equal(end.code, 0, end.stderr);
		assert.equal(end.stdout, readFileSync(path.join(ROOT, `test/golden/${model}-${preset}.txt`), 'utf8'));
		assert.doesNotMatch(end.stdout, /DIFFERS/);
	});
}

const clean = (json) => {
	assert.deepEqual(json.failures, []);
	for (const a of json.activities) assert.equal(a.done, a.begun, a.name);
};
const sum = (a, pattern) => a.steps.filter((s) => pattern.test(s.name)).reduce((n, s) => n + s.done, 0);

// sync.md 1.12: what Firefox sends.
const FIRST = [
	'GET /info/collections', 'GET /info/configuration', 'GET /storage/meta/global', 'DELETE /storage', 'PUT /storage/meta/global', 'PUT /storage/crypto/keys',
	'GET /info/collections', 'GET /storage/crypto/keys', 'GET /info/collections?v=1.155.0', 'GET /info/configuration',
	...['clients', 'prefs', 'passwords', 'tabs', 'bookmarks', 'addons', 'forms', 'history'].flatMap((name) => [`DELETE /storage/${name}`, ...(name === 'forms' ? [] : [`POST /storage/${name}?batch=true&commit=true`])]),
	'PUT /storage/meta/global',
];
const NOTHING = ['GET /info/collections', 'GET /info/configuration', 'GET /storage/clients?full=1&limit=1000', 'POST /storage/tabs?batch=true&commit=true'];

// Cuts a log of later syncs into sequences; what does not fit is returned.
function laterSyncs(log) {
	const seen = { nothing: 0, changed: 0, fetched: 0 };
	for (let at = 0; at < log.length; ) {
		const fetches = /^GET \/storage\/bookmarks\?newer=[\d.]+&full=1&sort=oldest&limit=1000$/.test(log[at + 3]);
		const want = fetches ? [...NOTHING.slice(0, 3), log[at + 3], NOTHING[3]] : NOTHING;
		const got = log.slice(at, at + want.length);
		if (JSON.stringify(got) !== JSON.stringify(want)) return log.slice(at);
		at += want.length;
		const changed = log[at] === 'POST /storage/bookmarks?batch=true&commit=true';
		at += changed ? 1 : 0;
		seen[changed ? 'changed' : fetches ? 'fetched' : 'nothing']++;
	}
	return seen;
}

test('sync: what browsers send, signed, in their order', async (t) => {
	const server = new SyncStandIn();
	const url = await standIn(t, server.request);
	const { json, stderr } = await load('models/sync.lua', url, ['--warm', '8', '--users', '60k', '--for', '2s']);
	assert.ok(json, stderr);
	clean(json);
	assert.deepEqual(server.faults, []);
	for (const name of ['no_change', 'one_change', 'token']) assert.ok(byName(json, name).done > 0, name);
	const ofUser = (n) => server.logs.filter((log) => log[0] === `${n}@loadtest.domain`).map((log) => log.slice(1));
	const seen = { nothing: 0, changed: 0, fetched: 0 };
	for (let n = 0; n < 8; n++) {
		const logs = ofUser(n);
		assert.deepEqual(logs[0].slice(0, 26), FIRST, `first sync of ${n}`);
		const join = logs[1].slice(0, 16);
		assert.deepEqual(join.slice(0, 4), ['GET /info/collections', 'GET /info/configuration', 'GET /storage/meta/global', 'GET /storage/crypto/keys']);
		assert.equal(join.filter((line) => /^GET \/storage\/\w+\?full=1&limit=1000/.test(line)).length, 8);
		for (const rest of [logs[0].slice(26), logs[1].slice(16), ...logs.slice(2)]) {
			const found = laterSyncs(rest);
			assert.ok(!Array.isArray(found), `not a sync: ${found}`);
			for (const kind of Object.keys(seen)) seen[kind] += found[kind];
		}
	}
	assert.equal(seen.changed, byName(json, 'one_change').done);
	assert.equal(seen.nothing + seen.fetched, byName(json, 'no_change').done);
	assert.ok(seen.fetched > 0, 'what one device changed the other one fetches');
});

test("sync: Mozilla's load tests, both generations", async (t) => {
	const server = new SyncStandIn();
	const url = await standIn(t, server.request);
	const runs = [];
	for (const preset of ['loadtest', 'seed-004']) {
		const { json, stderr } = await load('models/sync.lua', url, ['--preset', preset, '--users', '20k', '--for', '2s', '--seed', '3']);
		assert.ok(json, stderr);
		clean(json);
		runs.push(json.activities.find((a) => a.begun > 0));
	}
	assert.deepEqual(server.faults, []);
	const [now, then] = runs;
	assert.equal(now.name, 'iteration');
	assert.equal(then.name, 'iteration_1_1');
	// Some 130 iterations: means of 0.53 and 0.56 requests, each with a deviation of 0.09.
	for (const a of runs) {
		assert.ok(a.done > 100, `${a.name}: ${a.done}`);
		assert.equal(sum(a, /^info_collections$/), a.done);
		assert.ok(Math.abs(sum(a, /^get_collection$/) / a.done - 0.53) < 0.45, `gets ${sum(a, /^get_collection$/)} of ${a.done}`);
		assert.ok(Math.abs(sum(a, /^post_collection$/) / a.done - 0.56) < 0.45, `posts ${sum(a, /^post_collection$/)} of ${a.done}`);
		assert.ok(Math.abs(sum(a, /^meta_global$/) / a.done - 0.6) < 0.2, 'meta/global');
	}
	assert.ok(server.basic.length > then.done);
});

test('symbols: uploads are archives that unzip, what was uploaded is found, the rest is not', async (t) => {
	const files = new Map();
	const faults = [];
	let archives = 0;
	const upload = (req, body, res) => {
		const [, boundary] = /^multipart\/form-data; boundary=(.+)$/.exec(req.headers['content-type']);
		const text = body.toString('latin1');
		const from = text.indexOf('\r\n\r\n') + 4;
		const dir = path.join(scratch, `archive${archives++}`);
		mkdirSync(dir);
		writeFileSync(`${dir}.zip`, body.subarray(from, text.lastIndexOf(`\r\n--${boundary}--`)));
		// unzip -t checks heads and sums of all members.
		const listed = execFileSync('python3', ['-c', 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))', `${dir}.zip`], { encoding: 'utf8' });
		for (const name of listed.trim().split('\n')) files.set(`/${name}`, true);
		if (req.headers['auth-token'] !== '0123456789abcdef0123456789abcdef') faults.push('Auth-Token');
		res.writeHead(201).end('{"upload":{"skipped_keys":[]}}');
	};
	const symbolicate = (body, res) => {
		const { jobs } = JSON.parse(body);
		const { memoryMap, stacks } = jobs[0];
		if (!memoryMap.every(([name, id]) => name && /^[0-9A-F]+$/.test(id))) faults.push('memoryMap');
		if (!stacks[0].every(([index, offset]) => index >= 0 && index < memoryMap.length && Number.isInteger(offset))) faults.push('stacks');
		res.end(JSON.stringify({ results: [{ stacks: [], found_modules: {} }] }));
	};
	const url = await standIn(t, (req, res) => {
		const chunks = [];
		req.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
			const body = Buffer.concat(chunks);
			if (req.url === '/upload/') return upload(req, body, res);
			if (req.url === '/symbolicate/v5') return symbolicate(body, res);
			if (!/^\/[^/]+\/[0-9A-F]{12,33}\/[^/]+$/.test(req.url)) faults.push(req.url);
			return files.has(req.url) ? res.writeHead(302, { Location: '/x' }).end() : res.writeHead(404).end('Symbol Not Found');
		});
	});
	const { json, stderr } = await load('models/symbols.lua', url, ['--warm', '3', '--users', '200k', '--for', '2s']);
	assert.ok(json, stderr);
	clean(json);
	assert.deepEqual(faults, []);
	assert.ok(files.size > 50, `${files.size} files`);
	assert.ok(byName(json, 'download_hit').done > 0 && byName(json, 'download_miss').done > byName(json, 'download_hit').done && byName(json, 'symbolicate').done > 0);
});
