// plimsoll identity key: a new key takes its turn without a lost request, an old one is taken until its
// certificates have expired or its operator ends it. Time passes by the door test_set_time_offset.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { askCertificate, assertion, bundle, MINUTE, newKey, payloadOf } from '../harness/assertion.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';

const SITE = 'https://site.example';
const EMAIL = 'rotate@example.org';
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-keys-'));
const userKey = newKey();
let server;
let client;
let shifted = 0;

// Always at the same address: the session is for it.
const start = () => startPlimsoll({ dir, ports: server?.ports, conf: { identity: { test_doors: 'yes' } } });
before(async () => {
	server = await start();
	client = await signUp(server, EMAIL, 'correct horse');
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

async function key(...words) {
	const end = await runCommand(['identity', 'key', ...words, '-c', server.confPath]);
	assert.deepEqual([end.code, end.stderr], [0, ''], words.join(' '));
	return end.stdout;
}
async function keyFails(words, pattern) {
	const end = await runCommand(['identity', 'key', ...words, '-c', server.confPath]);
	assert.equal(end.code, 1, end.stdout);
	assert.match(end.stderr, pattern);
}
const ids = async () => (await key('list')).split('\n').filter(Boolean).map((line) => line.slice(0, 8));
const document = async () => (await new Client(server.url).request('GET', '/.well-known/browserid')).json;
const created = async () => (await new Client(server.url).context()).json.domain_key_creation_time;
async function pass(ms) {
	shifted += ms;
	const answer = await new Client(server.url).post('/wsapi/test_set_time_offset', { ms: shifted });
	assert.deepEqual(answer.json, { success: true }, answer.text);
}
const now = () => Date.now() + shifted;
const certify = async () => (await askCertificate(client, EMAIL, userKey)).text;
const fresh = (cert) => bundle([cert], assertion(userKey, SITE, { exp: now() + 2 * MINUTE }));
async function verdict(cert, path_ = '/verify') {
	const { json } = await new Client(server.url).request('POST', path_, { body: JSON.stringify({ assertion: fresh(cert), audience: SITE }) });
	return json.status === 'okay' ? 'okay' : json.reason;
}
// The keys that web publishes. A reload takes its time, and each web process its own: many answers
// in a row, each on a connection of its own, are of both.
const published = (n) =>
	until(`${n} keys published`, async () => {
		for (let i = 0; i < 24; i++) if (((await document()).keys?.length ?? 1) !== n) return false;
		return true;
	});

test('a rotation under requests: no call fails, the new key is published before it signs', async () => {
	const [first] = await ids();
	const before_ = await document();
	assert.equal(before_.keys, undefined);
	const old = await certify();
	const createdBefore = await created();

	let stop = false;
	const seen = { certificates: 0, verified: 0 };
	const worker = async () => {
		const own = await new Client(server.url);
		await own.login(EMAIL, 'correct horse');
		while (!stop) {
			const answer = await askCertificate(own, EMAIL, userKey);
			assert.equal(answer.status, 200, answer.text);
			seen.certificates++;
			assert.equal(await verdict(answer.text), 'okay');
			assert.equal(await verdict(old), 'okay');
			seen.verified += 2;
		}
	};
	const workers = [worker(), worker(), worker()];
	const text = await key('new');
	assert.match(text, /is published now and signs from/);
	await published(2);
	const between = await document();
	assert.deepEqual(between['public-key'], before_['public-key'], 'it does not sign yet');
	assert.deepEqual(between.keys[0], before_['public-key']);
	assert.equal(await created(), createdBefore);
	await keyFails(['new'], /a new key waits for its turn already/);
	await pass(20_000);
	const after_ = await document();
	assert.notDeepEqual(after_['public-key'], before_['public-key']);
	assert.deepEqual(after_.keys.map((k) => k.n).sort(), between.keys.map((k) => k.n).sort());
	assert.ok((await created()) > createdBefore, 'browsers ask for new certificates');
	await until('the old key retired', () => readdirSync(path.join(server.dataDir, 'keys')).includes('identity.retired'));
	for (const goal = seen.verified + 60; seen.verified < goal; ) await new Promise((resolve) => setTimeout(resolve, 20));
	stop = true;
	await Promise.all(workers);
	assert.ok(seen.certificates > 10, JSON.stringify(seen));

	assert.equal(await verdict(old), 'okay', 'certificates of the old key run on');
	assert.equal(await verdict(await certify(), '/v2'), 'okay');
	const list = await key('list');
	assert.match(list, new RegExp(`signs since.*\\n${first}  retired .* its certificates are taken until`));
	const files = readdirSync(path.join(server.dataDir, 'keys')).sort();
	assert.deepEqual(files.filter((name) => name.startsWith('identity')), ['identity.key', 'identity.retired']);
	const retired = readFileSync(path.join(server.dataDir, 'keys', 'identity.retired'), 'utf8');
	assert.deepEqual(JSON.parse(retired)['public-key'], before_['public-key']);
	assert.doesNotMatch(retired, /PRIVATE/, 'the private half is gone');
});

test('a restart knows the same keys', async () => {
	const before_ = await document();
	const cert = await certify();
	await server.stop();
	shifted = 0;
	server = await start();
	await pass(20_000);
	assert.deepEqual(await document(), before_);
	assert.equal(await verdict(cert), 'okay');
});

test('retire: at once, and never the only key that can sign', async () => {
	const [current, old] = await ids();
	await keyFails(['retire', current], /no other key waits/);
	await keyFails(['retire', 'ffffffff'], /there is no key ffffffff/);
	assert.match(await key('retire', old), /is gone/);
	await published(1);
});

test('a retired key is taken until its certificates have expired, and is forgotten then', async () => {
	const cert = await certify();
	await key('new');
	await published(2);
	await pass(30_000);
	assert.equal(await verdict(cert), 'okay');
	await pass(25 * 60 * MINUTE);
	assert.equal(await verdict(cert), 'bad signature in chain');
	assert.equal((await document()).keys, undefined);
});

test('without a server the next start has the new key', async () => {
	await server.stop();
	shifted = 0;
	const text = await key('new');
	assert.match(text, /^[0-9a-f]{8}  signs from/);
	assert.doesNotMatch(text, /process/);
	const [first] = await ids();
	assert.equal(first, text.slice(0, 8));
	server = await start();
	assert.equal((await ids())[0], first);
	assert.equal(await verdict(await certify()), 'okay');
});

test('the key that signs is stolen: another is made, and the stolen one ended at once', async () => {
	const [current] = await ids();
	const stolen = await certify();
	const n = (await document()).keys?.length ?? 1;
	await key('new');
	await published(n + 1);
	await key('retire', current);
	await published(n);
	assert.equal(await verdict(stolen), 'bad signature in chain');
	assert.ok((await created()) > payloadOf(stolen).iat, 'browsers ask for new certificates');
	assert.equal(await verdict(await certify()), 'okay');
	assert.match(await key('list'), /^[0-9a-f]{8}  signs since/);
});
