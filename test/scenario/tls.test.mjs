// TLS as clients see it: versions, ciphers, names, protocols, resumption, and what is no TLS.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../harness/certificates.mjs';
import { pidOf, processes, restarted, until } from '../harness/roles.mjs';
import { ask, connect, resumes, rows, sClient, sessionOf, startTls } from './lib/tls.mjs';

let server;
before(async () => {
	server = await startTls({
		pairs: [
			makeCertificate(['localhost', '127.0.0.1']),
			makeCertificate(['localhost', '127.0.0.1'], { kind: 'RSA' }),
			makeCertificate(['ed.example'], { kind: 'ED25519' }),
			makeCertificate(['p384.example', '*.p384.example'], { kind: 'P-384' }),
		],
		tls: { handshake_timeout: '600ms' },
	});
});
after(() => server.stop());

// [arguments of s_client, what it must print]: a pattern of the cipher, or null for a refusal.
const ECDSA = 'ECDSA', RSA = 'RSA';
const OFFERS = [
	[['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256'], /TLS_AES_128_GCM_SHA256/],
	[['-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'], /TLS_AES_256_GCM_SHA384/],
	[['-tls1_3', '-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256'], /TLS_CHACHA20_POLY1305_SHA256/],
	...[ECDSA, RSA].flatMap((kind) =>
		['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((c) => [
			['-tls1_2', '-cipher', `ECDHE-${kind}-${c}`], new RegExp(`ECDHE-${kind}-${c}`),
		]),
	),
	...['X25519', 'P-256', 'P-384'].map((group) => [['-tls1_3', '-groups', group], /TLSv1\.3/]),
	// Old versions, even where the client takes everything.
	[['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], null],
	[['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], null],
	// CBC, no forward secrecy, no authentication, no encryption, finite fields, short groups.
	...['ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA384', 'AES128-SHA', 'AES128-GCM-SHA256',
		'AES256-GCM-SHA384', 'CAMELLIA128-SHA', 'DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-SHA', 'ADH-AES128-GCM-SHA256',
		'AECDH-AES128-SHA', 'NULL-SHA256', 'ECDHE-RSA-NULL-SHA', 'PSK-AES128-GCM-SHA256', 'ARIA128-GCM-SHA256',
		'ECDHE-ECDSA-AES128-CCM'].map((cipher) => [['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`], null]),
	[['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256'], null],
	[['-tls1_3', '-groups', 'P-521'], null],
	[['-tls1_3', '-groups', 'ffdhe2048'], null],
	[['-tls1_2', '-sigalgs', 'RSA+SHA1:ECDSA+SHA1', '-cipher', 'DEFAULT:@SECLEVEL=0'], null],
	[['-tls1_3', '-sigalgs', 'RSA+SHA256'], null],
];

test('versions, ciphers, groups and signatures: those that are offered, and no others', async () => {
	for (const [args, good] of OFFERS) {
		const text = await sClient(server.tlsPort, args);
		const cipher = /^New, (TLSv1\.\d), Cipher is (\S+)|^New, \(NONE\)/m.exec(text);
		const what = `${args.join(' ')}: ${cipher?.[0]}`;
		if (good) assert.match(cipher?.[0] ?? '', good, what);
		else assert.ok(!cipher || cipher[0].includes('(NONE)'), what);
	}
	const failed = await rows(server, 'tls_handshake_failures_total');
	assert.ok(failed.version >= 2, JSON.stringify(failed));
	assert.ok(failed.cipher >= 10, JSON.stringify(failed));
});

test('no compression, no client certificate, no early data, no renegotiation', async () => {
	const text = await sClient(server.tlsPort, ['-tls1_2']);
	assert.match(text, /^No client certificate CA names sent$/m);
	assert.match(text, /^Compression: NONE$/m);
	assert.match(text, /^Secure Renegotiation IS supported$/m);
	const ticket = await sClient(server.tlsPort, ['-tls1_3', '-ign_eof'], 'GET /__lbheartbeat__ HTTP/1.0\r\n\r\n');
	assert.match(ticket, /^\s+Max Early Data: 0$/m);
	assert.doesNotMatch(ticket, /Max Early Data: [1-9]/);
	const socket = await connect(server.tlsPort, { maxVersion: 'TLSv1.2' });
	const refused = await new Promise((resolve) => {
		socket.once('close', () => resolve('closed'));
		if (!socket.renegotiate({}, (error) => resolve(error?.message ?? 'done'))) resolve('not begun');
	});
	assert.notEqual(refused, 'done');
	socket.destroy();
});

test('the name chooses the certificate; whoever has none of ours gets the first', async () => {
	const names = [['ed.example', 'ed.example'], ['x.p384.example', 'p384.example'], ['nowhere.example', 'localhost'], [undefined, 'localhost']];
	for (const [servername, expected] of names) {
		for (const version of ['TLSv1.2', 'TLSv1.3']) {
			const socket = await connect(server.tlsPort, { servername, minVersion: version, maxVersion: version });
			assert.equal(socket.getPeerCertificate().subject.CN, expected, `${servername} ${version}`);
			socket.destroy();
		}
	}
});

test('application protocols: h2 before http/1.1, or none asked for; others end the handshake', async () => {
	for (const [offer, chosen] of [[['http/1.1', 'h2'], 'h2'], [['http/1.1'], 'http/1.1'], [undefined, false]]) {
		const socket = await connect(server.tlsPort, { ALPNProtocols: offer });
		assert.equal(socket.alpnProtocol, chosen);
		// What h2 then speaks is tried in http2_tls.test.mjs.
		if (chosen !== 'h2') assert.equal((await ask(socket)).status, 200);
		socket.destroy();
	}
	await assert.rejects(connect(server.tlsPort, { ALPNProtocols: ['acme-tls/1'] }));
	assert.equal((await rows(server, 'tls_handshake_failures_total')).alpn, 1);
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'].map((v) => ({ minVersion: v, maxVersion: v, servername: 'localhost' }));

test('a session of one process is resumed by all, also after a restart of web and of the signer', async () => {
	const sessions = await Promise.all(VERSIONS.map((v) => sessionOf(server.tlsPort, v)));
	const all = async () => {
		for (const [i, session] of sessions.entries()) assert.equal(await resumes(server.tlsPort, session, VERSIONS[i]), true);
	};
	const before = (await rows(server, 'tls_handshakes_total')).resumed;
	// Held open together, so that they are spread over the processes.
	const held = await Promise.all(Array.from({ length: 12 }, (_, i) => connect(server.tlsPort, { ...VERSIONS[i % 2], session: sessions[i % 2] })));
	assert.deepEqual(held.map((s) => s.isSessionReused()), held.map(() => true));
	await until('both have some', async () => (await processes(server, 'web')).every((p) => p.connections >= 3));
	held.forEach((s) => s.destroy());
	assert.equal((await rows(server, 'tls_handshakes_total')).resumed, before + 12);

	for (const instance of [0, 1]) {
		const old = await pidOf(server, 'web', instance);
		process.kill(old, 'SIGKILL');
		await restarted(server, 'web', old, instance);
	}
	await all();
	const old = await pidOf(server, 'signer');
	process.kill(old, 'SIGKILL');
	await restarted(server, 'signer', old);
	await sleep(1500); // until the web processes have asked the new one for its keys
	await all();
});

// Sends bytes to a port; resolves to what came until the other side closed, and when.
function talk(port, bytes) {
	return new Promise((resolve) => {
		const began = Date.now();
		const socket = net.connect(port, '127.0.0.1', () => bytes && socket.write(bytes));
		let text = '';
		socket.on('data', (piece) => (text += piece.toString('latin1')));
		socket.on('error', () => {});
		socket.on('close', () => resolve({ text, ms: Date.now() - began }));
	});
}

test('HTTP spoken to the TLS port gets a text, TLS spoken to the plain port is closed', async () => {
	const { text } = await talk(server.tlsPort, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
	assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[^]*use https:\/\/ in the address$/);
	assert.equal(Number(/Content-Length: (\d+)/.exec(text)[1]), text.length - text.indexOf('\r\n\r\n') - 4);
	assert.equal((await rows(server, 'tls_handshake_failures_total')).plain_http, 1);
	await assert.rejects(connect(server.ports.web));
	const hello = Buffer.from('160301020001', 'hex').toString('latin1');
	assert.equal((await talk(server.ports.web, hello)).text, '');
});

test('half a handshake is closed after handshake_timeout, rubbish at once', async () => {
	const before = await rows(server, 'tls_handshake_failures_total');
	const halves = ['', '\x16', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'];
	for (const { ms } of await Promise.all(halves.map((half) => talk(server.tlsPort, Buffer.from(half, 'latin1'))))) {
		assert.ok(ms > 400 && ms < 5000, `${ms} ms`);
	}
	const rubbish = await talk(server.tlsPort, Buffer.alloc(300, 0xa5));
	assert.ok(rubbish.ms < 400, `${rubbish.ms} ms`);
	const now = await rows(server, 'tls_handshake_failures_total');
	assert.equal(now.timeout, before.timeout + 3);
});
