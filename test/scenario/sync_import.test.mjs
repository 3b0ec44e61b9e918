// plimsoll sync import-from: the databases of syncserver (Python) and syncstorage-rs become stores and users here,
// and clients notice nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { Firefox, printOf, SYNC_SCOPE } from '../harness/firefox.mjs';
import { rustDump, writeDump, writePython } from '../harness/peer_database.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';

const T = 1700000000120; // ms, on the grid
const FXA = 'ab'.repeat(16);
const kB = randomBytes(32);
const odd = 'q\'uote "d" back\\slash\nline é😀 %_';
let server, verifier, dir;

before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-import-'));
	verifier = http.createServer((req, res) => {
		req.resume().on('end', () => res.end(JSON.stringify({ user: FXA, client_id: 'x', scope: [SYNC_SCOPE], generation: T + 5000 })));
	});
	await new Promise((resolve) => verifier.listen(0, '127.0.0.1', resolve));
	server = await startPlimsoll({ conf: { sync: { master_secret: SECRET, oauth_verifier: `http://127.0.0.1:${verifier.address().port}` } } });
});
after(async () => {
	verifier?.close();
	execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
});

const file = (name) => path.join(dir, name);
const importFrom = (name, ...more) => execFileSync(plimsollBin(), ['sync', 'import-from', file(name), ...more, '-c', server.confPath], { encoding: 'utf8' });
const usage = () => execFileSync(plimsollBin(), ['sync', 'usage', '-c', server.confPath], { encoding: 'utf8' });

function refused(name, words) {
	const run = spawnSync(plimsollBin(), ['sync', 'import-from', file(name), '-c', server.confPath], { encoding: 'utf8' });
	assert.equal(run.status, 1, run.stdout);
	assert.match(run.stderr, words);
}

const seconds = Math.floor(Date.now() / 1000);
const python = {
	names: [{ id: 7, name: 'bookmarks' }, { id: 101, name: 'my-own.things' }],
	parts: 3,
	stores: {
		1: {
			7: [T + 500, [{ id: 'bm1', modified: T, payload: odd, sortindex: 140 }, { id: 'bm2', modified: T + 500, payload: '' }]],
			101: [T + 100, [{ id: 'x y', modified: T + 100, payload: 'own', ttl: seconds + 5000 }, { id: 'dead', modified: T + 90, payload: 'D', ttl: seconds - 5 }]],
			5: [T + 700, []],
		},
		5: { 3: [T + 1000, Array.from({ length: 250 }, (_, i) => ({ id: `f${i}`, modified: T + 1000, payload: `${i}` }))] },
	},
	users: [
		{ uid: 5, email: `${FXA}@api.accounts.firefox.com`, generation: T + 5000, client_state: printOf(kB).toString('hex'), created_at: T, keys_changed_at: T },
		{ uid: 1, email: `${FXA}@api.accounts.firefox.com`, generation: T - 5000, client_state: 'aa'.repeat(16), created_at: T - 9000, replaced_at: T },
		{ uid: 9, email: 'somebody@api.accounts.firefox.com', generation: 0, client_state: '', created_at: T, service: 2 },
	],
};

test('syncserver in SQLite: a dry run changes nothing, then all is there as it was', async () => {
	writePython(file('python.db'), python);
	const dry = importFrom('python.db', '--dry-run');
	assert.match(dry, /^would be: stores: 2 taken over with 253 records of \d+ bytes, 0 there already, 0 left alone/);
	assert.match(dry, /^would be: users: 2 taken over, 0 known already$/m);
	assert.match(dry, /^left out: 1 records that have expired, 1 uploads that were not finished$/m);
	assert.match(usage(), /^0 users/m);
	assert.match(importFrom('python.db'), /^stores: 2 taken over with 253 records/);

	const user = new SyncUser(server, 1);
	const collections = await user.get('/info/collections');
	assert.deepEqual(collections.json, { bookmarks: (T + 500) / 1000, keys: (T + 700) / 1000, 'my-own.things': (T + 100) / 1000 });
	assert.equal(collections.headers['x-last-modified'], ((T + 700) / 1000).toFixed(2));
	const records = (await user.get('/storage/bookmarks?full=1&sort=oldest')).json;
	assert.deepEqual(records, [{ id: 'bm1', modified: T / 1000, payload: odd, sortindex: 140 }, { id: 'bm2', modified: (T + 500) / 1000, payload: '' }]);
	assert.deepEqual((await user.get('/storage/my-own.things')).json, ['x y']);
	assert.equal((await user.get('/info/quota')).json[0], (Buffer.byteLength(odd) + 3) / 1024);
	assert.equal((await user.get(`/storage/bookmarks?newer=${((T + 100) / 1000).toFixed(2)}`)).json.length, 1, 'what a client has seen it does not fetch again');
	user.close();
});

test('its users keep their numbers: a browser with the same keys gets the same store', async () => {
	const firefox = new Firefox(server);
	Object.assign(firefox, { kB, keysChangedAt: T });
	const answer = await firefox.token('of Mozillas accounts');
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.json.uid, 5);
	const list = await firefox.storage(answer.json, 'GET', '/storage/forms');
	assert.equal(list.json.length, 250);
	Object.assign(firefox, { kB: randomBytes(32), keysChangedAt: T + 4000 });
	assert.equal((await firefox.token('older password than the keys')).status, 401);
	firefox.close();
});

test('a second time does nothing; what was written here since is left alone', async () => {
	const again = importFrom('python.db');
	assert.match(again, /^stores: 0 taken over with 0 records of 0 bytes, 2 there already, 0 left alone/);
	assert.match(again, /^users: 0 taken over, 2 known already$/m);
	const user = new SyncUser(server, 1);
	await user.put('/storage/tabs/t', { payload: 'new' });
	assert.match(importFrom('python.db'), /^stores: 0 taken over .* 1 there already, 1 left alone/);
	assert.equal((await user.get('/storage/tabs/t')).json.payload, 'new');
	user.close();
});

test('what the other server got after a first try is taken by the next', async () => {
	const later = structuredClone(python);
	later.stores[5][3] = [T + 9000, [{ id: 'only', modified: T + 9000, payload: 'one' }]];
	writePython(file('later.db'), later);
	assert.match(importFrom('later.db'), /^stores: 1 taken over with 1 records/);
	const user = new SyncUser(server, 5);
	assert.deepEqual((await user.get('/storage/forms')).json, ['only']);
	assert.deepEqual((await user.get('/info/collection_counts')).json, { forms: 1 });
	user.close();
});

const rust = {
	names: [{ id: 1, name: 'clients' }, { id: 7, name: 'bookmarks' }, { id: 100, name: 'custom' }],
	bso: [
		{ userid: 70, collection: 7, id: 'a', sortindex: -5, payload: odd, payload_size: 30, modified: T, ttl: T + 2100000000000 },
		{ userid: 70, collection: 1, id: 'c', sortindex: null, payload: '{"a":"b"}', payload_size: 9, modified: T + 10, ttl: Date.now() + 600000 },
		{ userid: 70, collection: 100, id: 'old', sortindex: null, payload: 'x', payload_size: 1, modified: T + 10, ttl: Date.now() - 1000 },
		{ userid: 71, collection: 9, id: 't', sortindex: null, payload: '; -- /* \'', payload_size: 8, modified: T + 20, ttl: T + 2100000000020 },
	],
	sums: [
		{ userid: 70, collection: 0, last_modified: T + 800, total_bytes: 0, count: 0 },
		{ userid: 70, collection: 7, last_modified: T, total_bytes: 30, count: 1 },
		{ userid: 70, collection: 1, last_modified: T + 10, total_bytes: 9, count: 1 },
		{ userid: 71, collection: 9, last_modified: T + 20, total_bytes: 8, count: 1 },
	],
	users: [{ uid: 70, service: 1, email: 'cd@api.accounts.firefox.com', generation: 3, client_state: 'bb'.repeat(16), created_at: T, nodeid: 1, keys_changed_at: 2 }],
};

test('syncstorage-rs as mysqldump writes it', async () => {
	writeDump(file('rust.sql'), rust);
	assert.match(importFrom('rust.sql'), /^stores: 2 taken over with 3 records/);
	const user = new SyncUser(server, 70);
	const collections = await user.get('/info/collections');
	assert.deepEqual(collections.json, { bookmarks: T / 1000, clients: (T + 10) / 1000, custom: (T + 10) / 1000 });
	assert.equal(collections.headers['x-last-modified'], ((T + 800) / 1000).toFixed(2), 'of a deleted collection, too');
	assert.deepEqual((await user.get('/storage/bookmarks/a')).json, { id: 'a', modified: T / 1000, payload: odd, sortindex: -5 });
	const other = new SyncUser(server, 71);
	assert.equal((await other.get('/storage/tabs/t')).json.payload, "; -- /* '");
	const exported = execFileSync(plimsollBin(), ['sync', 'export', '70', '-c', server.confPath], { encoding: 'utf8' });
	const lines = exported.trimEnd().split('\n').map((line) => JSON.parse(line));
	assert.ok(lines.find((l) => l.id === 'c').ttl <= 600);
	assert.equal(lines.find((l) => l.id === 'a').ttl, undefined);
	user.close();
	other.close();
});

test("the shell's dump of a SQLite file, and a token server's file of its own", () => {
	writePython(file('unused.db'), { stores: { 80: { 7: [T, [{ id: 'a', modified: T, payload: odd.replace('\n', ' ') }]] } }, dump: file('shell.sql') });
	assert.match(importFrom('shell.sql'), /^stores: 1 taken over with 1 records/);
	writePython(file('tokens.db'), { users: [{ uid: 80, email: 'ef@x', generation: 1, client_state: '', created_at: T }] });
	const text = importFrom('tokens.db');
	assert.match(text, /^stores: 0 taken over/);
	assert.match(text, /^users: 1 taken over/m);
});

test('half a file is refused, and so is what no store can be; nothing is taken of either', () => {
	const had = usage();
	const whole = readFileSync(file('rust.sql'), 'utf8');
	const fresh = { ...rust, bso: rust.bso.map((r) => ({ ...r, userid: r.userid + 100 })), sums: [], users: [] };
	writeDump(file('end.sql'), { ...fresh, end: '' });
	refused('end.sql', /not whole/);
	writeFileSync(file('half.sql'), whole.slice(0, whole.indexOf('custom') + 3));
	refused('half.sql', /half\.sql:\d+: the file ends/);
	writePython(file('cut.db'), { stores: { 300: { 7: [T, Array.from({ length: 500 }, (_, i) => ({ id: `r${i}`, modified: T, payload: 'p'.repeat(300) }))] } } });
	truncateSync(file('cut.db'), 60000);
	refused('cut.db', /./);
	writeFileSync(file('other.sql'), 'CREATE TABLE bso (a int);\n-- Dump completed\n');
	refused('other.sql', /no column/);
	writeFileSync(file('nothing'), 'hello');
	refused('nothing', /nothing:1: /);
	const bad = (change) => {
		writeFileSync(file('bad.sql'), rustDump({ ...fresh, bso: [fresh.bso[0], { ...fresh.bso[3], ...change }] }));
		return 'bad.sql';
	};
	refused(bad({ id: 'é' }), /uid 171: a record whose id/);
	refused(bad({ collection: 55 }), /uid 171: a collection without a name/);
	refused(bad({ userid: 12345678901 }), /ten digits/);
	refused(bad({ modified: T + 1 }), /a time that cannot be/);
	writeDump(file('taken.sql'), { users: [{ ...rust.users[0], email: 'other@x' }] });
	refused('taken.sql', /uid 70 is the user cd here and other there/);
	assert.equal(usage(), had);
	const missing = spawnSync(plimsollBin(), ['sync', 'import-from', file('none'), '-c', server.confPath], { encoding: 'utf8' });
	assert.equal(missing.status, 1);
	assert.match(missing.stderr, /No such file/);
});

test('nobody new gets the number of a store that was taken over', async () => {
	const firefox = new Firefox(server);
	writePython(file('high.db'), { stores: { 4000: { 7: [T, [{ id: 'a', modified: T, payload: 'x' }]] } } });
	importFrom('high.db');
	Object.assign(firefox, { kB: randomBytes(32), keysChangedAt: T + 4500 });
	verifier.removeAllListeners('request');
	verifier.on('request', (req, res) => req.resume().on('end', () => res.end(JSON.stringify({ user: '12'.repeat(16), client_id: 'x', scope: [SYNC_SCOPE] }))));
	const answer = await firefox.token('somebody new');
	assert.equal(answer.status, 200, answer.text);
	assert.ok(answer.json.uid > 4000, `uid ${answer.json.uid}`);
	firefox.close();
});
