// Certificates and keys for tests, made by openssl in a folder that the test's process removes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const KINDS = {
	'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
	'P-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
	ED25519: ['-newkey', 'ed25519'],
	RSA: ['-newkey', 'rsa:2048'],
};

// A self-signed certificate for names ("a.example", "127.0.0.1"): { certificate, key } as paths.
// Options: kind, days, dir and name (of the files, to replace others).
export function makeCertificate(names, { kind = 'P-256', days = 30, dir = folder(), name = names[0] } = {}) {
	const certificate = path.join(dir, `${name}.pem`);
	const key = path.join(dir, `${name}.key`);
	const san = names.map((n) => (/^[\d.]+$/.test(n) ? `IP:${n}` : `DNS:${n}`)).join(',');
	execFileSync('openssl', ['req', '-x509', '-nodes', ...KINDS[kind], '-keyout', key, '-out', certificate,
		'-days', String(days), '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${san}`], { stdio: 'ignore' });
	execFileSync('chmod', ['600', key]);
	return { certificate, key };
}

let shared;
// One for 127.0.0.1 and localhost that a whole test file shares.
export function testCertificate() {
	shared ??= makeCertificate(['localhost', '127.0.0.1']);
	return shared;
}

let made;
function folder() {
	if (!made) {
		made = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-certificates-'));
		process.on('exit', () => rmSync(made, { recursive: true, force: true }));
	}
	return mkdtempSync(path.join(made, 'c-'));
}
