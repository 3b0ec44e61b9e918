// plimsoll identity verify and cost: assertions checked without a server, in words; what bcrypt costs.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { askCertificate, assertion, bundle, damaged, MINUTE, newKey, signed } from '../harness/assertion.mjs';
import { signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const SITE = 'https://site.example';
const EMAIL = 'offline@example.org';
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-tool-'));
const userKey = newKey();
const idpKey = newKey();
let server;
let certificate;

before(async () => {
	server = await startPlimsoll({ dir });
	const client = await signUp(server, EMAIL, 'correct horse');
	certificate = (await askCertificate(client, EMAIL, userKey)).text;
	await server.stop(); // nothing of what follows needs it
});
after(() => rmSync(dir, { recursive: true, force: true }));

const identity = (words, input) => runCommand(['identity', ...words, '-c', server.confPath], { input });
function write(name, text) {
	const file = path.join(dir, name);
	writeFileSync(file, text);
	return file;
}
const good = (aud = SITE, times) => bundle([certificate], assertion(userKey, aud, times));
const foreign = (more = {}) =>
	bundle([signed({ 'public-key': userKey.publicKey, principal: { email: 'x@idp.example' }, iat: Date.now() - MINUTE, exp: Date.now() + MINUTE, iss: 'idp.example', ...more }, idpKey)], assertion(userKey, SITE));

async function isGood(words, input, ...patterns) {
	const end = await identity(['verify', ...words], input);
	assert.equal(end.code, 0, end.stdout + end.stderr);
	for (const pattern of patterns) assert.match(end.stdout, pattern);
}
async function isNotGood(words, input, reason) {
	const end = await identity(['verify', ...words], input);
	assert.equal(end.code, 1, end.stdout);
	assert.equal(end.stderr, '');
	assert.equal(end.stdout.split('\n')[0], `not good: ${reason}`);
	assert.ok(end.stdout.split('\n')[1].length > 20, 'and what that means');
}

test('with the keys of this server: from a file, from standard input, whatever site', async () => {
	const file = write('bundle', `\n${good()}\n`);
	await isGood(['--audience', SITE, file], '', /^good: offline@example\.org\n/, /site: https:\/\/site\.example\n/, /issuer: 127\.0\.0\.1, by this server's keys\n/, /good until: .* GMT \(for another 1\d\d s\)/);
	await isGood(['-'], good(), /^good: offline/);
	await isGood([], good('http://any.example'), /site: http:\/\/any\.example/);
});

test('every reason, in words', async () => {
	await isNotGood(['--audience', 'https://other.example'], good(), 'audience mismatch: domain mismatch');
	await isNotGood([], good(SITE, { exp: Date.now() - MINUTE }), 'assertion has expired');
	await isNotGood([], good(SITE, { iat: Date.now() + MINUTE }), 'assertion issued later than verification date');
	await isNotGood([], assertion(userKey, SITE), 'no certificates provided');
	await isNotGood([], 'x~y', 'malformed signature');
	await isNotGood([], bundle([damaged(certificate)], assertion(userKey, SITE)), 'bad signature in chain');
	await isNotGood([], bundle([certificate], damaged(assertion(userKey, SITE))), 'invalid signature');
	await isNotGood([], foreign(), "can't get public key for idp.example: its key was not given");
});

test('at another time', async () => {
	const old = good(SITE, { exp: Date.now() - MINUTE });
	const then = Date.now() - 90_000;
	const second = signed({ 'public-key': userKey.publicKey, principal: { email: 'x@idp.example' }, iat: then - 1000, exp: then + MINUTE, iss: 'idp.example' }, idpKey);
	const keyFile = write('key.json', JSON.stringify(idpKey.publicKey));
	const text = bundle([second], assertion(userKey, SITE, { exp: then + MINUTE }));
	await isNotGood([], old, 'assertion has expired');
	await isNotGood(['--key', keyFile], text, 'assertion has expired');
	for (const at of [String(then), String(Math.floor(then / 1000)), new Date(then).toISOString().replace(/\.\d+Z/, 'Z')]) await isGood(['--key', keyFile, '--at', at], text, /^good: x@idp\.example/);
	const end = await identity(['verify', '--at', 'yesterday'], text);
	assert.equal(end.code, 1);
	assert.match(end.stderr, /--at yesterday: must be like 2026-05-31T12:00:00Z/);
});

test('with the key of another issuer: a bare key, a support document, one of several', async () => {
	const bare = write('bare.json', JSON.stringify(idpKey.publicKey));
	const support = write('support.json', JSON.stringify({ 'public-key': newKey(1024).publicKey, keys: [idpKey.publicKey], authentication: '/a', provisioning: '/p' }));
	for (const file of [bare, support]) {
		await isGood(['--key', file], foreign(), /^good: x@idp\.example\n/, /issuer: idp\.example, by .*\.json\n/);
		await isGood(['--key', file, '--issuer', 'idp.example'], foreign());
		await isNotGood(['--key', file, '--issuer', 'else.example'], foreign(), "can't get public key for idp.example: its key was not given");
	}
	await isGood(['--key', bare], foreign({ principal: { email: 'y@elsewhere.example' } }), /not checked, because it takes the network: whether idp\.example may speak for addresses of elsewhere\.example/);
	for (const [name, text] of [['none.json', '{}'], ['text.json', 'x']]) {
		const end = await identity(['verify', '--key', write(name, text)], foreign());
		assert.equal(end.code, 1);
		assert.match(end.stderr, /is no public key and no support document/);
	}
	const missing = await identity(['verify', '--key', path.join(dir, 'missing')], foreign());
	assert.match(missing.stderr, /missing: No such file/);
});

test('where there are no keys none are made', async () => {
	const empty = path.join(dir, 'empty');
	const end = await identity(['verify', '--set', `plimsoll.data_dir=${empty}`], good());
	assert.equal(end.code, 1);
	assert.match(end.stderr, /has no keys to check with: give the issuer's with --key FILE/);
});

test('cost: a row for each, twice the time for one more, and what it assumes', async () => {
	const end = await identity(['cost', '--set', 'accounts.bcrypt_cost=10', '--set', 'accounts.bcrypt_cost_stretched=6']);
	assert.equal(end.code, 0, end.stderr);
	const rows = [...end.stdout.matchAll(/^ +(\d+)([s* ]) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$/gm)].map((m) => ({ cost: Number(m[1]), mark: m[2], ms: Number(m[3]), rate: Number(m[4]), published: Number(m[5]) }));
	assert.deepEqual(rows.map((r) => r.cost), [6, 8, 9, 10, 11, 12, 13, 14], end.stdout);
	assert.deepEqual(rows.filter((r) => r.mark !== ' ').map((r) => [r.cost, r.mark]), [[6, 's'], [10, '*']]);
	const [first, last] = [rows.find((r) => r.cost === 8), rows.find((r) => r.cost === 14)];
	assert.ok(last.ms / first.ms > 40 && last.ms / first.ms < 100, `64 times: ${last.ms / first.ms}`);
	assert.ok(Math.abs(last.published - (7.12 * last.ms) / 1000) < 0.05, JSON.stringify(last));
	assert.match(end.stdout, /= 7\.12 as published, 4\.70 corrected/);
});

test('wrong words', async () => {
	for (const words of [[], ['key'], ['key', 'x'], ['key', 'retire'], ['cost', 'x'], ['verify', 'a', 'b'], ['nothing']]) {
		const end = await identity(words);
		assert.equal(end.code, 2, words.join(' '));
		assert.match(end.stderr, /plimsoll identity key list/);
	}
});
