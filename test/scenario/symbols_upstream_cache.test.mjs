// What is kept of upstream servers has a bound: who has not been asked for in the longest time goes, from the
// disk, too; what was uploaded stays; what is too large for the bound is not fetched.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { changeData } from '../harness/data.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startUpstream } from '../harness/upstream.mjs';

const BOUND = 1 << 20; // the least that may be said
const SIZE = 100_000;
const FILES = 14;
const LONG_AGO = 1000; // seconds since 1970

let server;
let peer;
before(async () => {
	peer = await startUpstream();
	server = await startPlimsoll({ conf: { symbols: { upstream: `breakpad ${peer.url}`, upstream_private: 'yes', upstream_wait: '60s', upstream_cache: '1M' } } });
});
after(async () => {
	await server?.stop();
	await peer?.stop();
});

let next = 0;
const keyOf = (n) => `/lib${n}.so/${n.toString(16).toUpperCase().padStart(32, 'D')}0/lib${n}.so.dbg.gz`;
function give(bytes = randomBytes(SIZE)) {
	const url = keyOf(next++);
	peer.give(url, { body: bytes });
	return { url, bytes };
}

// All blobs on the disk: their size.
function onDisk() {
	const folder = path.join(server.dataDir, 'blobs');
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((e) => e.isFile() && /^[0-9a-f]{64}/.test(e.name) && !(e.parentPath ?? e.path).includes('/index'))
		.map((e) => path.join(e.parentPath ?? e.path, e.name));
}
const bytesOnDisk = () => onDisk().reduce((sum, f) => sum + statSync(f).size, 0);

// What is new stays for a minute: this makes everything older than that. They were asked for in the order in
// which they came, but for one that is asked for all the time.
function makeOld(wanted) {
	for (const f of onDisk()) utimesSync(f, LONG_AGO, LONG_AGO);
	changeData(server, `UPDATE symbols_file SET modified_ms = ${LONG_AGO * 1000}, used_ms = CASE WHEN debug_file = '${wanted}' THEN ${Date.now()} ELSE used_ms END WHERE upstream <> ''`);
}
const rows = () => Number(changeData(server, "SELECT COUNT(*) FROM symbols_file WHERE upstream <> ''"));
const metric = async (name) => Number(new RegExp(`^plimsoll_symbols_upstream_${name}\\S* (\\d+)`, 'm').exec(await (await fetch(`${server.adminUrl}/metrics`)).text())?.[1]);

test('beyond the bound those go that nobody has asked for in the longest time', async () => {
	const uploaded = { name: 'mine.so/ABCDEF/mine.so.dbg.gz', data: randomBytes(SIZE) };
	const shared = give(); // the same content was uploaded as well
	const kept = give();
	assert.equal((await uploadFiles(server, makeToken(server), { [uploaded.name]: uploaded.data, 'shared.so/ABCDEF/shared.so.dbg.gz': shared.bytes })).status, 201);
	const files = [shared, kept, ...Array.from({ length: FILES }, () => give())];
	for (const [i, f] of files.entries()) {
		const answer = await get(server, f.url);
		assert.ok(answer.status === 200 && answer.body.equals(f.bytes), f.url);
		makeOld('lib1.so');
		// Both uploads are there as well, one of them as a blob that is shared.
		assert.ok(bytesOnDisk() <= BOUND + 3 * SIZE, `${i}: ${bytesOnDisk()} bytes`);
	}
	assert.ok(rows() * SIZE <= BOUND + SIZE && rows() * SIZE > BOUND / 2, `${rows()} files: as many as there is room for`);
	const asked = peer.requests.length;
	for (const f of [kept, files.at(-1), files.at(-2)]) assert.ok((await get(server, f.url)).body.equals(f.bytes), f.url);
	assert.equal(peer.requests.length, asked, 'they are here');
	assert.ok((await get(server, `/${uploaded.name}`)).body.equals(uploaded.data));
	assert.ok((await get(server, '/shared.so/ABCDEF/shared.so.dbg.gz')).body.equals(shared.bytes), 'what an upload has, too, is not removed');
	// What went is fetched again, once it is not hot any more: so long it is served without a look at what there is.
	await until('the file that went to be asked for again', async () => {
		assert.ok((await get(server, files[2].url)).body.equals(files[2].bytes));
		return peer.asked(files[2].url) === 2;
	}, 30);
	await until('metrics', async () => (await metric('removed_total')) >= FILES / 4 && (await metric('cached_bytes')) <= BOUND + SIZE && (await metric('cached_bytes')) > 0);
	const check = await runCommand(['check', 'symbols', 'contents', '-c', server.confPath]);
	assert.equal(check.code, 0, check.stdout + check.stderr);
});

test('what came just now is not removed for what comes next: that has to wait', async () => {
	let later;
	for (let i = 0; i < 40 && !later; i++) {
		const f = give();
		const answer = await get(server, f.url);
		if (answer.status === 503) later = { f, answer };
		else assert.ok(answer.body.equals(f.bytes));
	}
	assert.ok(later, 'there is an end to it');
	assert.ok(Number(later.answer.headers['retry-after']) >= 1);
	assert.ok(rows() * SIZE <= BOUND + BOUND / 8 + 2 * SIZE, `${rows()} rows`);
	makeOld();
	await until('room, when the others are older', async () => (await get(server, later.f.url)).body.equals(later.f.bytes));
});

test('a file of more than a quarter of the bound is not fetched', async () => {
	makeOld();
	const f = give(randomBytes(BOUND / 4 + 1));
	assert.equal((await get(server, f.url)).status, 404);
	const g = give(randomBytes(BOUND / 4));
	assert.ok((await get(server, g.url)).body.equals(g.bytes));
});
