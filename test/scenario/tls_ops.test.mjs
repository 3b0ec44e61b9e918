// TLS as its operator sees it: where the keys are, renewals under load, a signer that dies, what
// `plimsoll check` says, the redirect, the folder of challenges.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from '../harness/certificates.mjs';
import { confText, plimsollBin } from '../harness/plimsoll.mjs';
import { childrenOf, pidOf, probeFolder, processes, restarted, until } from '../harness/roles.mjs';
import { once } from './lib/raw.mjs';
import { ask, connect, resumes, rows, sessionOf, startTls } from './lib/tls.mjs';

const RELEASE = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const HOSTS = ['localhost', '127.0.0.1'];

// Whether the writable memory of a process holds one of the byte strings.
function memoryHas(pid, needles) {
	const mem = openSync(`/proc/${pid}/mem`, 'r');
	try {
		for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
			const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
			if (!range) continue;
			const [from, to] = [parseInt(range[1], 16), parseInt(range[2], 16)];
			const bytes = Buffer.alloc(Math.min(to - from, 64 << 20));
			try {
				const n = readSync(mem, bytes, 0, bytes.length, from);
				if (needles.some((needle) => bytes.subarray(0, n).includes(needle))) return true;
			} catch {
				// not readable: a guard page
			}
		}
		return false;
	} finally {
		closeSync(mem);
	}
}

test('the private keys, of TLS and of pushes, are in the memory of the signer and of nobody else', async (t) => {
	const pair = makeCertificate(HOSTS);
	const scalar = Buffer.from(createPrivateKey(readFileSync(pair.key)).export({ format: 'jwk' }).d, 'base64url');
	const needles = [scalar, Buffer.from(scalar).reverse(), readFileSync(pair.key).subarray(40, 100)];
	const server = await startTls({ pairs: [pair], bin: RELEASE });
	try {
		for (let i = 0; i < 4; i++) (await connect(server.tlsPort)).destroy();
		const signer = await pidOf(server, 'signer');
		const pushes = readFileSync(path.join(server.dataDir, 'keys/vapid.key')).subarray(0, 32);
		try {
			assert.equal(memoryHas(signer, needles), true, 'the search finds it where it is');
			assert.equal(memoryHas(signer, [pushes]), true, 'that of pushes, too');
			needles.push(pushes, Buffer.from(pushes).reverse());
		} catch (error) {
			if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
			t.skip('only root may read the memory of these processes');
			return;
		}
		for (const pid of [server.pid, ...childrenOf(server.pid).filter((p) => p !== signer)]) {
			assert.equal(memoryHas(pid, needles), false, readFileSync(`/proc/${pid}/comm`, 'latin1'));
		}
	} finally {
		await server.stop();
	}
});

test('the web role cannot read a key file, wherever it lies', () => {
	const dir = probeFolder();
	copyFileSync(makeCertificate(HOSTS).key, path.join(dir, 'keys/probe.key'));
	const out = execFileSync(RELEASE, ['--sandbox-probe', 'web', dir], { encoding: 'utf8' });
	rmSync(dir, { recursive: true, force: true });
	assert.match(out, /^read_key denied$/m);
	assert.match(out, /^read_passwd denied$/m);
});

test('20 renewals under load: no request and no connection is lost, the last certificate is served', async () => {
	const pair = makeCertificate(HOSTS, { name: 'live' });
	const renewals = ['RSA', 'P-256', 'ED25519'].map((kind) => makeCertificate(HOSTS, { kind }));
	const server = await startTls({ pairs: [pair], conf: { log: { level: 'info' }, http: { access_log: 'no' } } });
	const serial = async () => {
		const socket = await connect(server.tlsPort);
		const { serialNumber } = socket.getPeerCertificate();
		socket.destroy();
		return serialNumber;
	};
	try {
		let stopping = false, answered = 0;
		const held = await Promise.all([0, 1, 2, 3].map(() => connect(server.tlsPort)));
		const load = held.map(async (socket) => {
			while (!stopping) {
				assert.equal((await ask(socket)).status, 200); // on one connection all the time
				const fresh = await connect(server.tlsPort);
				assert.equal((await ask(fresh)).status, 200);
				fresh.destroy();
				answered += 2;
			}
		});
		const seen = new Set([await serial()]);
		const taken = () => server.stderr().match(/event=certificates_taken/g)?.length ?? 0;
		for (let i = 1; i <= 20; i++) {
			for (const file of ['certificate', 'key']) {
				copyFileSync(renewals[i % 3][file], `${pair[file]}.new`);
				renameSync(`${pair[file]}.new`, pair[file]);
			}
			process.kill(server.pid, 'SIGHUP');
			await until('the signer has taken them', () => taken() >= i);
		}
		const last = spawnSync('openssl', ['x509', '-in', pair.certificate, '-noout', '-serial'], { encoding: 'utf8' }).stdout.trim().slice(7);
		await until('all processes serve the last one', async () => {
			const now = await Promise.all(Array.from({ length: 8 }, serial));
			now.forEach((s) => seen.add(s));
			return now.every((s) => s === last);
		});
		stopping = true;
		await Promise.all(load);
		held.forEach((socket) => socket.destroy());
		assert.ok(answered > 100, `${answered} answers`);
		assert.deepEqual((await rows(server, 'tls_handshake_failures_total')).signer, 0);
	} finally {
		await server.stop();
	}
});

test('a bad renewal changes nothing and says why, also when the signer is started again', async () => {
	const pair = makeCertificate(HOSTS, { name: 'live' });
	const dir = path.dirname(pair.certificate);
	const server = await startTls({ pairs: [pair] });
	const subject = async () => {
		const socket = await connect(server.tlsPort);
		const { serialNumber } = socket.getPeerCertificate();
		socket.destroy();
		return serialNumber;
	};
	try {
		const before = await subject();
		const other = makeCertificate(HOSTS);
		rmSync(pair.key); // as tools do that write a new file and rename it
		copyFileSync(other.key, pair.key);
		process.kill(server.pid, 'SIGHUP');
		await until('the refusal', () => /certificates_refused reason=".*live\.key does not belong to the first certificate of /.test(server.stderr()));
		assert.equal(await subject(), before);

		rmSync(pair.certificate);
		process.kill(server.pid, 'SIGHUP');
		await until('the second', () => /\[tls\] certificate: cannot open .*live\.pem: No such file/.test(server.stderr()));
		assert.equal(await subject(), before);

		const old = await pidOf(server, 'signer');
		process.kill(old, 'SIGKILL');
		await restarted(server, 'signer', old);
		assert.equal(await until('a handshake', subject), before);
		makeCertificate(HOSTS, { dir, name: 'live' });
		process.kill(server.pid, 'SIGHUP');
		await until('the good one', async () => (await subject()) !== before);
	} finally {
		await server.stop();
	}
});

test('a signer that hangs or dies: handshakes fail in time, resumed ones go on, new ones work when it is back', async () => {
	const server = await startTls({ tls: { handshake_timeout: '1s' } });
	try {
		const session = await sessionOf(server.tlsPort);
		const old = await pidOf(server, 'signer');
		process.kill(old, 'SIGSTOP');
		const began = Date.now();
		const waiting = Array.from({ length: 10 }, () => connect(server.tlsPort).then(() => 'done', () => 'failed'));
		assert.equal(await resumes(server.tlsPort, session), true);
		assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['failed']));
		assert.ok(Date.now() - began < 5000);
		const failed = await rows(server, 'tls_handshake_failures_total');
		assert.equal(failed.timeout + failed.signer, 10, JSON.stringify(failed));

		const rush = Array.from({ length: 30 }, () => connect(server.tlsPort).then((s) => s.destroy(), () => {}));
		process.kill(old, 'SIGKILL');
		await Promise.all(rush);
		await restarted(server, 'signer', old);
		await until('a full handshake', () => connect(server.tlsPort));
		for (let i = 0; i < 20; i++) (await connect(server.tlsPort)).destroy();
		assert.equal(await resumes(server.tlsPort, session), true);
		assert.ok((await processes(server, 'web')).every((p) => p.restarts === 0));
	} finally {
		await server.stop();
	}
});

test('more handshakes than max_handshakes are closed at once, and others still get through', async () => {
	const server = await startTls({ tls: { max_handshakes: 3, handshake_timeout: '5s' }, conf: { web: { instances: 1 } } });
	try {
		const net = await import('node:net');
		const idle = Array.from({ length: 5 }, () => net.connect(server.tlsPort, '127.0.0.1'));
		idle.forEach((socket) => socket.on('error', () => {}));
		await until('two of five are closed', async () => (await rows(server, 'tls_handshake_failures_total')).limit === 2);
		idle.forEach((socket) => socket.destroy());
		await until('places are given back', () => connect(server.tlsPort));
	} finally {
		await server.stop();
	}
});

test('http is sent to https, but not health checks and challenges; cookies are for https only', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-acme-'));
	const server = await startTls({ tls: { http_redirect: 'yes', acme_folder: dir } });
	const plain = (target, method = 'GET') =>
		once(server.ports.web, `${method} ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`, method);
	try {
		const moved = await plain('/some%20where?a=b');
		assert.deepEqual([moved.status, moved.headers.location], [301, `${server.url}/some%20where?a=b`]);
		assert.equal((await plain('/wsapi/x', 'POST')).status, 308);
		assert.equal((await plain('/', 'HEAD')).status, 301);
		assert.equal((await plain('/__heartbeat__')).status, 200);

		writeFileSync(path.join(dir, 'tok-En_1'), 'tok-En_1.thumb');
		writeFileSync(path.join(dir, 'large'), 'x'.repeat(5000));
		writeFileSync(path.join(dir, 'with.dot'), 'no');
		mkdirSync(path.join(dir, 'folder'));
		symlinkSync('/etc/passwd', path.join(dir, 'link'));
		execFileSync('mkfifo', [path.join(dir, 'pipe')]);
		const challenge = (token) => plain(`/.well-known/acme-challenge/${token}`);
		const good = await challenge('tok-En_1');
		assert.deepEqual([good.status, good.body.toString()], [200, 'tok-En_1.thumb']);
		for (const token of ['large', 'with.dot', 'folder', 'link', 'pipe', '..', '..%2ftok-En_1', 'tok-En_1%00', '%2e%2e', 'nothing']) {
			assert.notEqual((await challenge(token)).status, 200, token);
		}
		const secure = await connect(server.tlsPort);
		const overTls = await ask(secure, '/.well-known/acme-challenge/tok-En_1');
		assert.equal(overTls.text, 'tok-En_1.thumb');
		const context = await ask(secure, '/wsapi/session_context');
		assert.match(context.head, /\r\nset-cookie: [^\r]*; ?secure/i);
		secure.destroy();
	} finally {
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('plimsoll check says what is wrong with certificates and keys, in words', () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-check-'));
	const good = makeCertificate(['id.example'], { dir, name: 'good' });
	const other = makeCertificate(['id.example'], { dir, name: 'other' });
	const old = makeCertificate(['id.example'], { dir, name: 'soon', days: 3 });
	const open = makeCertificate(['id.example'], { dir, name: 'open' });
	execFileSync('chmod', ['644', open.key]);
	const locked = path.join(dir, 'locked.key');
	execFileSync('openssl', ['pkcs8', '-topk8', '-in', good.key, '-out', locked, '-passout', 'pass:secret']);
	execFileSync('chmod', ['600', locked]);
	const check = (tls, plimsoll = {}, http = {}) => {
		const file = path.join(dir, 'plimsoll.ini');
		writeFileSync(file, confText({ plimsoll: { public_url: 'https://id.example', ...plimsoll }, identity: { signup: 'closed' }, tls, http }));
		const r = spawnSync(plimsollBin(), ['check', '-c', file], { encoding: 'utf8' });
		return { code: r.status, text: r.stdout + r.stderr };
	};
	const listen = '127.0.0.1:8443';
	const cases = [
		[{ listen, ...good }, 0, /^the configuration is good\n$/],
		[{ listen, certificate: good.certificate, key: other.key }, 3, /other\.key does not belong to the first certificate of .*good\.pem/],
		[{ listen, certificate: good.certificate }, 3, /names 1 and key names 0 files/],
		[{ listen, certificate: path.join(dir, 'none.pem'), key: good.key }, 3, /certificate: cannot open .*none\.pem: No such file/],
		[{ listen, certificate: good.key, key: good.key }, 3, /good\.key holds no certificate/],
		[{ listen, ...open }, 3, /open\.key may be read by others \(mode 644\): chmod 600/],
		[{ listen, certificate: good.certificate, key: locked }, 3, /locked\.key is encrypted/],
		[{ listen, ...old }, 0, /warning: .*soon\.pem expires in [23] days/],
		[{ listen }, 3, /needs certificate and key/],
		[{ ...good }, 3, /not used without \[tls\] listen/],
		[{ listen, ...good, acme_folder: path.join(dir, 'none') }, 3, /acme_folder: .* does not exist; make it/],
	];
	try {
		for (const [keys, code, words] of cases) {
			const r = check(keys);
			assert.equal(r.code, code, r.text);
			assert.match(r.text, words);
		}
		assert.match(check({ listen, ...good }, { public_url: 'https://elsewhere.example' }).text, /no certificate is for elsewhere\.example/);
		assert.match(check({ listen, ...good }, { public_url: 'http://id.example' }).text, /WebCrypto only on https[^]*cookies are not kept to https/);
		assert.match(check({ listen, ...good, http_redirect: 'yes' }, { public_url: 'http://id.example' }).text, /it must be https/);
		const none = check({}, {}, { trusted_proxies: '' });
		assert.match(none.text, /is https, but there is neither \[tls\] listen nor a proxy/);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
});

test('a certificate that is no good stops the start with a line that says why', async () => {
	const pair = makeCertificate(HOSTS);
	await assert.rejects(startTls({ pairs: [{ certificate: pair.certificate, key: makeCertificate(HOSTS).key }] }), (error) => {
		assert.match(error.message, /ended with 3\n[^]*plimsoll: signer: \[tls\] the key .* does not belong/);
		return true;
	});
});
