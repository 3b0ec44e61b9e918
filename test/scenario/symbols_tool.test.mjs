// plimsoll symbols: tokens, and removing by age, by last use, by number of builds, of try builds.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { runCommand } from '../harness/command.mjs';
import { until } from '../harness/roles.mjs';
import { ask, get, makeToken, upload, uploadFiles } from '../harness/symbols_client.mjs';
import { zip } from '../harness/zip.mjs';

async function withServer(conf, run) {
	const server = await startPlimsoll({ conf });
	const tool = async (...words) => {
		const result = await runCommand(['symbols', ...words, '-c', server.confPath]);
		assert.equal(result.code, 0, result.stderr);
		return result.stdout;
	};
	const fails = async (words, text) => {
		const result = await runCommand(['symbols', ...words, '-c', server.confPath]);
		assert.notEqual(result.code, 0);
		assert.match(result.stderr, text);
	};
	try {
		await run(server, tool, fails);
	} finally {
		await server.stop();
	}
}

test('tokens: made, listed, extended, blocked, revoked', async () => {
	await withServer({}, async (server, tool, fails) => {
		const key = (await tool('token', 'add', 'a@example.com', 'upload_symbols,view_all_uploads', '10')).trim();
		assert.match(key, /^[0-9a-f]{32}$/);
		const list = await tool('token', 'list');
		const [, id, start, end] = /^ *(\d+) {2}([0-9a-f]{6})\.\.\. {2}(\d{4}-\d\d-\d\d) {2}live {6}a@example\.com {2}upload_symbols,view_all_uploads$/m.exec(list);
		assert.equal(start, key.slice(0, 6));
		assert.ok(!list.includes(key), 'the key itself is nowhere');
		const answer = async () => (await upload(server, key, zip([]))).json?.error;
		assert.equal(await answer(), undefined);
		await tool('token', 'extend', id, '5');
		assert.ok((await tool('token', 'list')).includes(new Date(Date.parse(end) + 5 * 86400000).toISOString().slice(0, 10)));
		await tool('token', 'block', 'a@example.com');
		assert.equal(await answer(), 'API Token matched but user not active');
		await tool('token', 'unblock', 'a@example.com');
		assert.equal(await answer(), undefined);
		await tool('token', 'revoke', id);
		assert.equal(await answer(), 'API Token not matched');
		await fails(['token', 'add', 'a@example.com', 'fly'], /there is no permission "fly"/);
		await fails(['token', 'add', 'a@example.com', 'upload_symbols,upload_try_symbols'], /either to the regular storage or to that of try builds/);
		await fails(['token', 'add', 'nobody', 'upload_symbols'], /no e-mail address/);
		await fails(['token', 'revoke', '77'], /no token 77/);
		await fails(['token', 'block', 'x@example.com'], /has no tokens/);
		await fails(['token', 'fly'], /list; add EMAIL/);
		await fails(['gc', '--keep', 'all'], /"all" is no number of builds/);
	});
});

const count = (text) => /^(?:would remove|removed) (\d+) files \((\d+) bytes\), (\d+) blobs/.exec(text).slice(1).map(Number);
const blobsOf = (server) => readdirSync(path.join(server.dataDir, 'blobs'), { recursive: true }).filter((name) => /\/[0-9a-f]{64}/.test(name)).map((name) => path.join(server.dataDir, 'blobs', name));
const makeOld = (server) => {
	for (const file of blobsOf(server)) utimesSync(file, new Date(0), new Date(0));
};

test('gc keeps the newest builds of each module, and nothing that is used is lost', async () => {
	await withServer({}, async (server, tool) => {
		const key = makeToken(server);
		for (let i = 1; i <= 4; i++) await uploadFiles(server, key, { [`one/A${i}/one.sym`]: `one ${i}`, [`one/A${i}/one.dbg.gz`]: `debug ${i}`, 'two/B1/two.sym': 'one 1' });
		assert.equal(blobsOf(server).length, 8, 'equal contents lie there once');
		makeOld(server);
		assert.deepEqual(count(await tool('gc', '--keep', '2', '--dry-run')), [4, 24, 0]);
		for (let i = 1; i <= 4; i++) assert.equal((await get(server, `/one/A${i}/one.sym`)).status, 200);
		// "one 1" is two's as well.
		assert.deepEqual(count(await tool('gc', '--keep', '2')), [4, 24, 3]);
		const there = [];
		for (let i = 1; i <= 4; i++) there.push((await get(server, `/one/A${i}/one.sym`)).status);
		assert.deepEqual(there, [404, 404, 200, 200]);
		assert.equal((await get(server, '/two/B1/two.sym')).text, 'one 1');
		assert.deepEqual(count(await tool('gc', '--keep', '2')), [0, 0, 0]);
	});
});

test('gc removes nothing that is new (symbols_gc_test has what is old)', async () => {
	await withServer({}, async (server, tool) => {
		const key = makeToken(server);
		const tryKey = makeToken(server, 'try@example.com', 'upload_try_symbols');
		await uploadFiles(server, key, { 'old/A1/old.sym': 'old' });
		await uploadFiles(server, tryKey, { 'try/A1/try.sym': 'try' });
		assert.deepEqual(count(await tool('gc')), [0, 0, 0]);
		assert.deepEqual(count(await tool('gc', '--older-than', '1', '--unused-for', '1', '--try-older-than', '1')), [0, 0, 0]);
		assert.equal((await get(server, '/old/A1/old.sym')).text, 'old');
	});
});

test('downloads = redirect: sent on to where the bytes are', async () => {
	const conf = { symbols: { downloads: 'redirect', public_url: 'http://symbols.test:81' } };
	await withServer(conf, async (server) => {
		const name = 'r x.pdb/ABC1/r x.sym';
		await uploadFiles(server, makeToken(server), { [name]: 'text' });
		const url = `/${encodeURI(name)}`;
		const answer = await get(server, url);
		assert.equal(answer.status, 302);
		assert.equal(answer.headers.location, 'http://symbols.test:81/__stored__/r%20x.pdb/ABC1/r%20x.sym?');
		const head = await ask(server, 'HEAD', url);
		assert.equal(head.status, 200);
		assert.equal(head.headers.location, answer.headers.location);
		const { pathname, search } = new URL(answer.headers.location);
		assert.equal((await get(server, pathname + search)).text, 'text');
		await until('the answer of the next process', async () => (await get(server, `/r%20x.pdb/ABC2/r%20x.sym`)).status === 404);
	});
});
