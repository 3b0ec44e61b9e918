// `plimsoll serve verifier` looks providers up over the network, as the whole service does: over TLS,
// through a courier that has no store and no mail, remembered, and at public addresses only.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertion, bundle, MINUTE, newKey, signed } from '../harness/assertion.mjs';
import { Client } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { Domains } from '../harness/domains.mjs';
import { confText, startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf, until } from '../harness/roles.mjs';

const SITE = 'https://site.example';
const FALLBACK = 'login.fallback.example';
const NO_200 = 'non-200 response code to /.well-known/browserid';
const [providerKey, fallbackKey, userKey] = [newKey(), newKey(), newKey()];
const document = (key) => ({ 'public-key': key.publicKey, authentication: '/in', provisioning: '/prov' });
const sites = {
	'good.example': document(providerKey),
	'delegated.example': { authority: 'good.example' },
	[FALLBACK]: document(fallbackKey),
	'missing.example': (req, res) => res.writeHead(404).end(),
	'many.example': (req, res) => setTimeout(() => res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document(providerKey))), 300),
	'slow.example': () => {},
	'fresh.example': document(providerKey),
};
const domains = new Domains(sites);
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-verifier-lookup-'));
let open; // may ask loopback
let guarded; // asks public addresses only, as by default

const config = (more) => ({
	plimsoll: { services: 'verifier' },
	verifier: { fallback: FALLBACK },
	identity: {
		primaries: 'yes', test_doors: 'yes', provider_ca: domains.ca, provider_timeout: '1500ms', ...more,
		provider_hosts: [...Object.keys(sites).map((name) => `${name}=127.0.0.1:${domains.port}`), 'nobody.example=127.0.0.1:1'],
	},
	web: { instances: 1 },
	log: { level: 'info' },
});

before(async () => {
	await domains.start();
	[open, guarded] = await Promise.all([startPlimsoll({ conf: config({ provider_private: 'yes' }) }), startPlimsoll({ conf: config({}) })]);
});
after(async () => {
	await Promise.all([open?.stop(), guarded?.stop()]);
	await domains.stop();
	rmSync(dir, { recursive: true, force: true });
});

const certificate = (email, iss, key) =>
	signed({ 'public-key': userKey.publicKey, principal: { email }, iat: Date.now() - MINUTE, exp: Date.now() + 10 * MINUTE, iss }, key);
const proof = (email, iss, key = providerKey) => bundle([certificate(email, iss, key)], assertion(userKey, SITE));
const post = async (server, where, text) => (await new Client(server.url).request('POST', where, { body: JSON.stringify({ assertion: text, audience: SITE }) })).json;
const why = async (server, text) => (await post(server, '/verify', text)).reason;
const failed = (domain, reason) => `can't get public key for ${domain}: ${domain} is not a browserid primary - ${reason}`;
async function isGood(where, text, email, issuer, server = open) {
	const answer = await post(server, where, text);
	assert.deepEqual([answer.status, answer.email, answer.issuer], ['okay', email, issuer], JSON.stringify(answer));
}

test('a provider is found in the network, asked once, and speaks for its domain and for those that name it', async () => {
	await isGood('/verify', proof('a@good.example', 'good.example'), 'a@good.example', 'good.example');
	await isGood('/v2', proof('b@Good.Example', 'good.example'), 'b@Good.Example', 'good.example');
	await isGood('/', proof('c@good.example', 'good.example'), 'c@good.example', 'good.example');
	assert.deepEqual(domains.asked, ['good.example /.well-known/browserid?domain=good.example']);
	await isGood('/verify', proof('d@delegated.example', 'good.example'), 'd@delegated.example', 'good.example');
	assert.ok(domains.asked.includes('good.example /.well-known/browserid?domain=delegated.example'));
	assert.equal(await why(open, proof('e@good.example', 'good.example', fallbackKey)), 'bad signature in chain');
	assert.equal(await why(open, proof('e@missing.example', 'good.example')), "issuer 'good.example' may not speak for emails from 'missing.example'");
});

test("the fallback's key comes from its document; it speaks for domains without a provider only", async () => {
	await isGood('/v2', proof('a@nobody.example', FALLBACK, fallbackKey), 'a@nobody.example', FALLBACK);
	await isGood('/verify', proof('a@missing.example', FALLBACK, fallbackKey), 'a@missing.example', FALLBACK);
	assert.equal(await why(open, proof('a@good.example', FALLBACK, fallbackKey)), `issuer '${FALLBACK}' may not speak for emails from 'good.example'`);
	assert.equal(domains.count(FALLBACK), 1);
});

test('what is no provider, and why; a slow one holds up nobody', async () => {
	const slow = why(open, proof('a@slow.example', 'slow.example'));
	assert.equal(await why(open, proof('a@missing.example', 'missing.example')), failed('missing.example', NO_200));
	assert.equal(await why(open, proof('a@nobody.example', 'nobody.example')), failed('nobody.example', NO_200));
	const many = Array.from({ length: 8 }, () => isGood('/verify', proof('a@many.example', 'many.example'), 'a@many.example', 'many.example'));
	await Promise.all(many);
	assert.equal(domains.count('many.example'), 1, 'who asks at the same time waits for one answer');
	assert.equal(await slow, failed('slow.example', 'timeout trying to load /.well-known/browserid'));
});

test('an address that is not of the public internet is not asked unless that is allowed', async () => {
	const before = domains.asked.length;
	assert.equal(await why(guarded, proof('a@good.example', 'good.example')), failed('good.example', NO_200));
	assert.equal((await post(guarded, '/v2', proof('a@good.example', 'good.example'))).status, 'failure');
	assert.equal(await why(guarded, proof('a@127.0.0.1', '127.0.0.1')), failed('127.0.0.1', NO_200));
	assert.equal(domains.asked.length, before);
	await until('it is in the log', () => /no_document host=good\.example outcome="not an address of the public internet"/.test(guarded.stderr()));
});

test('no store, and so no mail: the courier fetches and does nothing else', async () => {
	const { processes } = await (await fetch(`${open.adminUrl}/status`)).json();
	assert.deepEqual([...new Set(processes.map((p) => p.role))].sort(), ['admin', 'compute', 'courier', 'web']);
	assert.ok(!existsSync(path.join(open.dataDir, 'db', 'plimsoll.db')));
	const metrics = await (await fetch(`${open.adminUrl}/metrics`)).text();
	assert.ok(Number(metrics.match(/fetch_well_known_success_seconds_count\{role="courier"[^}]*\} (\d+)/)?.[1]) >= 4);
	assert.doesNotMatch(open.stderr(), /store_call_failed|not_recorded|mail_/);
});

test('the courier dies: what is known goes on, and the rest is asked when it is back', async () => {
	process.kill(await pidOf(open, 'courier'), 'SIGKILL');
	await isGood('/verify', proof('a@good.example', 'good.example'), 'a@good.example', 'good.example');
	await until('the courier is back', async () => {
		const answer = await post(open, '/verify', proof('a@fresh.example', 'fresh.example'));
		if (answer?.status !== 'okay') await sleep(50);
		return answer?.status === 'okay';
	});
});

test('a configuration that would ask at other addresses is for tests on this machine', async () => {
	const check = async (plimsoll, identity, pattern) => {
		const file = path.join(dir, 'check.ini');
		writeFileSync(file, confText({ plimsoll: { services: 'verifier', ...plimsoll }, identity }));
		const end = await runCommand(['check', '-c', file]);
		assert.equal(end.code, 3, end.stdout);
		assert.match(end.stderr, pattern);
	};
	await check({}, { provider_hosts: 'x.example=127.0.0.1:1' }, /they need test_doors = yes/);
	await check({ public_url: 'https://verify.example' }, { test_doors: 'yes' }, /test_doors: .* not on this machine/);
	await check({}, { provider_ca: path.join(dir, 'nothing.pem') }, /provider_ca: .*nothing\.pem/);
});
