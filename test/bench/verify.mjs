// Verifications per server CPU second beside OpenSSL doing the same public-key operations alone, in
// one run. Every request carries another assertion: nothing can be remembered between them.
//   node test/bench/verify.mjs [seconds per run = 6]
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { signUp } from '../harness/client.mjs';
import { askCertificate, bundle, makeAssertion, newKeys } from '../e2e/lib/browserid.mjs';
import { load, report, rolePids, writeWrkScript, wrk } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 6);
const AUDIENCE = 'http://site.example';

// Microseconds of one verification, by OpenSSL itself.
function opensslUs(name) {
	const { stdout } = spawnSync('openssl', ['speed', '-seconds', '2', name], { encoding: 'utf8' });
	const fields = stdout.trim().split('\n').at(-1).trim().split(/\s+/);
	return 1e6 / Number(fields.at(-1));
}

// The same for DSA with the 256-bit subgroup that DS256 has: `openssl speed dsa2048` uses 160 bits.
function dsa256Us() {
	const { publicKey, privateKey } = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
	const message = Buffer.from('the same message every time');
	const signature = sign('sha256', message, privateKey);
	const end = performance.now() + 2000;
	let n = 0;
	const began = performance.now();
	while (performance.now() < end) {
		if (!verify('sha256', message, publicKey, signature)) throw new Error('dsa');
		n++;
	}
	return ((performance.now() - began) * 1000) / n;
}

const server = await startPlimsoll({ conf: { http: { access_log: 'no' } } });
const roles = await rolePids(server);
const pids = [...roles.web, ...roles.compute, ...roles.store, ...roles.signer];
const email = 'verify@example.com';
const client = await signUp(server, email, 'correct horse');
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-verify-'));

function script(name, assertions) {
	const headers = { 'Content-Type': 'application/json' };
	const body = (assertion) => JSON.stringify({ audience: AUDIENCE, assertion });
	const requests = assertions.map((a) => ({ method: 'POST', path: '/verify', headers, body: body(a) }));
	return writeWrkScript(path.join(dir, `${name}.lua`), requests, { expected: '"okay"' });
}

async function measure(label, algorithm, keysize, count, opensslSum, goal) {
	const { publicKey, secretKey } = await newKeys(algorithm, keysize);
	const certificate = (await askCertificate(client, email, publicKey)).text;
	const assertions = [];
	for (let i = 0; i < count; i++) {
		const expiresAt = new Date(Date.now() + 100000 + i);
		assertions.push(bundle([certificate], await makeAssertion(secretKey, AUDIENCE, { expiresAt })));
	}
	const r = await wrk(server.url, pids, { seconds, connections: 32, script: script(label, assertions) });
	const perCpu = 1e6 / r.cpuUsPerRequest;
	return [
		[`${label}: verifies/s, p99`, r.perSecond.toFixed(0), `${r.p99ms.toFixed(2)} ms, ${r.errors} errors`],
		[`${label}: server CPU per verify`, `${r.cpuUsPerRequest.toFixed(1)} us`, `OpenSSL's two operations: ${opensslSum.toFixed(1)} us`],
		[`${label}: of OpenSSL, per CPU second`, ((perCpu * opensslSum) / 1e6).toFixed(2), `(goal ${goal})`],
	];
}

const rsa = opensslUs('rsa2048');
const dsa = dsa256Us();
const rows = [
	...(await measure('RS256 user key', 'RS', 2048, 200, 2 * rsa, 0.4)),
	...(await measure('DS256 user key', 'DS', 256, 60, rsa + dsa, 0.8)),
];
report(`/verify with distinct assertions (load ${load()})`, rows);
await server.stop();
rmSync(dir, { recursive: true, force: true });
