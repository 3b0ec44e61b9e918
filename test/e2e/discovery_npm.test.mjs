// A provider of another domain whose keys and certificates are made by npm's jwcrypto, RSA and DSA: our
// server finds it over the network and believes it, exactly as npm's browserid-local-verify does.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Domains } from '../harness/domains.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import * as browserid from './lib/browserid.mjs';

const SITE = 'https://site.example';
const KINDS = [
	['RS', 2048, 'rs256.example'],
	['DS', 128, 'ds128.example'],
	['DS', 256, 'ds256.example'],
];

const sites = { 'delegated.example': { authority: 'ds256.example' } };
const domains = new Domains(sites);
const providers = {};
let server;
let user;

before(async () => {
	for (const [algorithm, size, domain] of KINDS) {
		const keys = await browserid.newKeys(algorithm, size);
		providers[domain] = keys;
		sites[domain] = { 'public-key': JSON.parse(keys.publicKey.serialize()), authentication: '/in', provisioning: '/prov' };
	}
	user = await browserid.newKeys('DS', 128);
	await domains.start();
	const hosts = Object.keys(sites).map((name) => `${name}=127.0.0.1:${domains.port}`);
	server = await startPlimsoll({ conf: { identity: { primaries: 'yes', test_doors: 'yes', provider_private: 'yes', provider_ca: domains.ca, provider_hosts: hosts } } });
});
after(async () => {
	await server?.stop();
	await domains.stop();
});

async function bundleBy(issuer, email) {
	const certificate = await browserid.makeCertificate(user.publicKey, email, issuer, providers[issuer].secretKey);
	return browserid.bundle([certificate], await browserid.makeAssertion(user.secretKey, SITE));
}

const document = (domain) => Promise.resolve({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(sites[domain]) });

for (const [, , issuer] of KINDS) {
	for (const domain of issuer === 'ds256.example' ? [issuer, 'delegated.example'] : [issuer]) {
		test(`${issuer} for an address of ${domain}: ours and browserid-local-verify agree`, async () => {
			const assertion = await bundleBy(issuer, `somebody@${domain}`);
			const { status, json } = await browserid.verifyRemotely(server, { assertion, audience: SITE });
			assert.equal(status, 200);
			assert.deepEqual([json.status, json.email, json.issuer], ['okay', `somebody@${domain}`, issuer], JSON.stringify(json));
			const local = await browserid.verifyLocally(document, assertion, SITE);
			assert.deepEqual([local.error, local.email, local.issuer], [undefined, `somebody@${domain}`, issuer]);
		});
	}
}

test('neither lets it speak for another domain', async () => {
	const assertion = await bundleBy('rs256.example', 'somebody@ds256.example');
	const { json } = await browserid.verifyRemotely(server, { assertion, audience: SITE });
	assert.deepEqual(json, { status: 'failure', reason: "issuer 'rs256.example' may not speak for emails from 'ds256.example'" });
	const local = await browserid.verifyLocally(document, assertion, SITE);
	assert.match(local.error, /ds256\.example|rs256\.example/);
});
