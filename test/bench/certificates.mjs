// Certificates at saturation beside OpenSSL signing alone, in one run. Each request is of a session
// and a user key of its own set, so that nothing can be remembered between them.
//   node test/bench/certificates.mjs [seconds = 6]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { newKey } from '../harness/assertion.mjs';
import { signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { load, report, rolePids, writeWrkScript, wrk } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 6);
const SESSIONS = 16;
const KEYS = 8;

// Signatures per second of one core, by OpenSSL itself.
function rawPerSecond() {
	const { stdout } = spawnSync('openssl', ['speed', '-seconds', '2', 'rsa2048'], { encoding: 'utf8' });
	return Number(stdout.trim().split('\n').at(-1).trim().split(/\s+/).at(-2));
}

function requestsOf(client, email, keys) {
	const headers = { 'Content-Type': 'application/json', Cookie: client.session.join('=') };
	return keys.map(({ publicKey }) => ({
		method: 'POST',
		path: '/wsapi/cert_key',
		headers,
		body: JSON.stringify({ email, pubkey: JSON.stringify(publicKey), ephemeral: false, csrf: client.csrf }),
	}));
}

const before = rawPerSecond();
const server = await startPlimsoll({ conf: { http: { access_log: 'no' } } });
const roles = await rolePids(server);
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-certificates-'));
const keys = Array.from({ length: KEYS }, () => newKey());
const requests = [];
for (let i = 0; i < SESSIONS; i++) {
	const email = `certificate${i}@example.com`;
	const client = await signUp(server, email, 'correct horse');
	await client.context(); // the token of the session as it is now
	requests.push(...requestsOf(client, email, keys));
}
const script = writeWrkScript(path.join(dir, 'cert_key.lua'), requests, { expected: 'eyJ' });
const r = await wrk(server.url, Object.values(roles).flat(), { seconds, connections: 32, script });
const raw = (before + rawPerSecond()) / 2;
const perCpu = 1e6 / r.cpuUsPerRequest;
report(`certificates at saturation (load ${load()})`, [
	['certificates/s, p99', r.perSecond.toFixed(0), `${r.p99ms.toFixed(1)} ms, ${r.errors} errors`],
	['server CPU per certificate, all roles', `${r.cpuUsPerRequest.toFixed(0)} us`],
	['OpenSSL alone, signatures per CPU second', raw.toFixed(0)],
	['of OpenSSL, per CPU second', (perCpu / raw).toFixed(2), '(goal 0.5)'],
]);
await server.stop();
rmSync(dir, { recursive: true, force: true });
