// A certificate from an authority: Debian's pebble plays it, lego fetches the certificate through the
// folder of challenges, SIGHUP puts it into service. Skipped where they are not installed.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from '../harness/certificates.mjs';
import { freePort } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { connect, startTls } from './lib/tls.mjs';

const DOMAIN = 'localhost';

function isInstalled(program) {
	try {
		execFileSync('which', [program], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
}

// An authority that checks challenges at httpPort; resolves once it listens.
async function startPebble(dir, httpPort) {
	const own = makeCertificate(['localhost', '127.0.0.1'], { dir, name: 'pebble' });
	const port = await freePort();
	const file = path.join(dir, 'pebble.json');
	writeFileSync(file, JSON.stringify({
		pebble: {
			listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${await freePort()}`,
			certificate: own.certificate, privateKey: own.key, httpPort, tlsPort: await freePort(), ocspResponderURL: '',
		},
	}));
	const child = spawn('pebble', ['-config', file], { stdio: 'ignore', env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' } });
	process.on('exit', () => child.kill('SIGKILL'));
	await until('pebble', () => connect(port).then((s) => (s.destroy(), true)));
	return { directory: `https://127.0.0.1:${port}/dir`, ca: own.certificate, stop: () => new Promise((done) => (child.once('close', done), child.kill('SIGTERM'))) };
}

function lego(dir, pebble, webroot, command) {
	return new Promise((resolve, reject) => {
		const args = ['--server', pebble.directory, '--email', 'operator@example.com', '--domains', DOMAIN, '--path', path.join(dir, 'lego'),
			'--key-type', 'ec256', '--http', '--http.webroot', webroot, '--accept-tos', command];
		execFile('lego', args, { env: { ...process.env, LEGO_CA_CERTIFICATES: pebble.ca }, timeout: 60000 }, (error, stdout, stderr) =>
			error ? reject(new Error(`lego: ${stdout}${stderr}`)) : resolve(stdout + stderr),
		);
	});
}

test('lego fetches a certificate from pebble through acme_folder, and SIGHUP puts it into service', { skip: !isInstalled('pebble') || !isInstalled('lego') }, async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-acme-'));
	const folder = path.join(dir, 'www/.well-known/acme-challenge');
	mkdirSync(folder, { recursive: true });
	const first = makeCertificate([DOMAIN, '127.0.0.1'], { dir, name: 'first' }); // until there is a real one
	const conf = path.join(dir, 'lego/certificates');
	mkdirSync(conf, { recursive: true });
	const files = { certificate: path.join(conf, `${DOMAIN}.crt`), key: path.join(conf, `${DOMAIN}.key`) };
	execFileSync('cp', [first.certificate, files.certificate]);
	execFileSync('cp', ['-p', first.key, files.key]);
	const server = await startTls({ pairs: [files], tls: { http_redirect: 'yes', acme_folder: folder } });
	const pebble = await startPebble(dir, server.ports.web);
	const issuer = async () => {
		const socket = await connect(server.tlsPort, { servername: DOMAIN });
		const { CN } = socket.getPeerCertificate().issuer;
		socket.destroy();
		return CN;
	};
	try {
		assert.equal(await issuer(), DOMAIN);
		await lego(dir, pebble, path.join(dir, 'www'), 'run');
		process.kill(server.pid, 'SIGHUP');
		await until('the certificate of the authority', async () => /^Pebble Intermediate/.test(await issuer()));
	} finally {
		await pebble.stop();
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});
