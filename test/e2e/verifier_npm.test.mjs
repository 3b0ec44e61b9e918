// The stand-alone verifier and DSA: bundles that npm's jwcrypto makes verify there, by compute, in both
// versions.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import * as browserid from './lib/browserid.mjs';

const SITE = 'https://site.example';
const FALLBACK = 'login.fallback.example';
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-verifier-npm-'));
let verifier;
let fallback;

before(async () => {
	fallback = await browserid.newKeys('RS', 2048);
	const file = path.join(dir, 'fallback.json');
	const document = { 'public-key': JSON.parse(fallback.publicKey.serialize()), authentication: '/in', provisioning: '/prov' };
	writeFileSync(file, JSON.stringify(document));
	writeFileSync(path.join(dir, 'shims'), `${FALLBACK}|https://${FALLBACK}|${file}\n`);
	verifier = await startPlimsoll({
		conf: { plimsoll: { services: 'verifier' }, verifier: { fallback: FALLBACK }, identity: { shimmed_primaries: `@${path.join(dir, 'shims')}` } },
	});
});
after(async () => {
	await verifier?.stop();
	rmSync(dir, { recursive: true, force: true });
});

async function verify(where, assertion) {
	const response = await fetch(`${verifier.url}${where}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ assertion, audience: SITE }),
	});
	return response.json();
}

for (const size of [128, 256]) {
	test(`DS${size} user key, in both versions`, async () => {
		const user = await browserid.newKeys('DS', size);
		const certificate = await browserid.makeCertificate(user.publicKey, 'a@nobody.example', FALLBACK, fallback.secretKey);
		const good = browserid.bundle([certificate], await browserid.makeAssertion(user.secretKey, SITE));
		for (const where of ['/', '/verify', '/v2']) {
			const json = await verify(where, good);
			assert.deepEqual([json.status, json.email, json.issuer], ['okay', 'a@nobody.example', FALLBACK], JSON.stringify(json));
		}
		const other = browserid.bundle([certificate], await browserid.makeAssertion(user.secretKey, 'https://other.example'));
		assert.equal((await verify('/v2', other)).reason, 'audience mismatch: domain mismatch');
	});
}
