// Encryption and login at the mail server: STARTTLS and implicit TLS with an authority of our own, AUTH, secrets
// in files, and what people read when a server will not do what the configuration asks for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { testCertificate } from '../harness/certificates.mjs';
import { confText, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { stage, waitForRow, waitForState } from './lib/mail.mjs';

const TO = 'somebody@example.com';
const PASS = 'geheim \u00fc "=';
const auth = { user: 'plimsoll@example.org', pass: PASS };
const certificate = testCertificate();
const folder = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-mail-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const secretFile = path.join(folder, 'secret');
writeFileSync(secretFile, `${PASS}\r\nanother line\n`);

// Runs fn with a sink, a server that is to use it, and a mail under way.
async function withMail(sinkOptions, mail, fn, env) {
	const sink = await startSink({ certificate, ...sinkOptions });
	const server = await startPlimsoll({ env, conf: { web: { instances: 1 }, mail: { smtp: sink.url, timeout: '5s', ...mail } } });
	try {
		await stage(server, TO);
		await fn(sink, server);
	} finally {
		await server.stop();
		await sink.stop();
	}
}

async function arrives(sink, server, login) {
	const [mail] = await sink.waitFor(1);
	assert.equal(mail.secure, true);
	assert.equal(mail.login, login);
	await waitForState(server, TO, ['sent']);
	assert.doesNotMatch(server.stderr(), /geheim|Z2VoZWlt/);
}

const ca_file = certificate.certificate;
const login = { user: auth.user, password: PASS };

describe('at the mail server', { concurrency: 3 }, () => {
	test('STARTTLS and AUTH, the certificate from an authority of our own', () =>
		withMail({ tls: 'starttls', auth }, { tls: 'required', ca_file, ...login }, (sink, server) => arrives(sink, server, auth.user)));

	test('implicit TLS, AUTH LOGIN, the password in a file', () =>
		withMail({ tls: 'implicit', auth, mechanisms: 'CRAM-MD5 LOGIN' }, { ca_file, user: auth.user, password_file: secretFile },
			(sink, server) => arrives(sink, server, auth.user)));

	test('the password as a credential of systemd', () => {
		const credentials = path.join(folder, 'credentials');
		mkdirSync(credentials);
		writeFileSync(path.join(credentials, 'mail-password'), PASS);
		return withMail({ tls: 'starttls', auth }, { tls: 'required', ca_file, user: auth.user, password_file: 'mail-password' },
			(sink, server) => arrives(sink, server, auth.user), { CREDENTIALS_DIRECTORY: credentials });
	});

	test('on this machine TLS is used when offered, whoever signed the certificate', () =>
		withMail({ tls: 'starttls' }, {}, (sink, server) => arrives(sink, server, 'nobody')));

	test('no STARTTLS where it is required: nothing is sent, and the reason stands in the outbox', () =>
		withMail({}, { tls: 'required' }, async (sink, server) => {
			const row = await waitForRow(server, TO, (r) => r.error);
			assert.match(row.error, /does not offer STARTTLS, and \[mail\] tls = required/);
			assert.equal(row.state, 'queued');
			assert.equal(sink.count, 0);
		}));

	test('a certificate that nobody we trust has signed', () =>
		withMail({ tls: 'implicit' }, {}, async (sink, server) => {
			const row = await waitForRow(server, TO, (r) => r.error);
			assert.match(row.error, /certificate is not trusted; see \[mail\] ca_file: .*certificate/);
			assert.equal(sink.count, 0);
		}));

	test('a wrong password delays the mail and does not destroy it', () =>
		withMail({ tls: 'starttls', auth }, { tls: 'required', ca_file, user: auth.user, password: 'wrong' }, async (sink, server) => {
			const row = await waitForRow(server, TO, (r) => r.error);
			assert.match(row.error, /refuses the login: 535 5\.7\.8 wrong user or password/);
			assert.equal(row.state, 'queued');
			sink.options.auth = { ...auth, pass: 'wrong' };
			await waitForState(server, TO, ['sent']);
		}));

	test('a server that ends idle connections delays no mail', () =>
		withMail({ idleMs: 1000 }, { connections: 1 }, async (sink, server) => {
			await waitForState(server, TO, ['sent']);
			await new Promise((resolve) => setTimeout(resolve, 1500));
			await stage(server, 'next@example.com');
			const row = await waitForState(server, 'next@example.com', ['sent']);
			assert.equal(row.tries, 1);
			assert.equal(sink.connections, 2);
		}));
});

// plimsoll check with a [mail] section: { status, text }.
function check(mail) {
	const file = path.join(folder, 'check.ini');
	writeFileSync(file, confText({ plimsoll: { data_dir: path.join(folder, 'data') }, mail }));
	const r = spawnSync(plimsollBin(), ['check', '-c', file], { encoding: 'utf8' });
	return { status: r.status, text: r.stdout + r.stderr };
}

test('plimsoll check refuses what cannot work', () => {
	const far = { smtp: 'smtp://mail.example.org:587', from: 'a@example.org' };
	const text = path.join(folder, 'no-certificate');
	writeFileSync(text, 'nothing');
	for (const [mail, wanted] of [
		[{ smtp: 'mail.example.org' }, /\[mail\] smtp: must be smtp:\/\//],
		[{ ...far, user: 'a' }, /\[mail\] user: needs a password/],
		[{ ...far, password: 'a' }, /of no use without user/],
		[{ ...far, ...login, password_file: secretFile }, /only one of them/],
		[{ ...far, smtp: 'smtps://mail.example.org', tls: 'off' }, /smtps:\/\/ is encrypted from its first byte/],
		[{ ...far, ...login, tls: 'opportunistic' }, /the password could be read on its way/],
		[{ ...far, tls: 'off', ca_file }, /ca_file: is of no use with tls = off/],
		[{ ...far, ca_file: '/nowhere/ca.pem' }, /ca_file: cannot read \/nowhere\/ca\.pem: No such file/],
		[{ ...far, ca_file: text }, /holds no certificate in PEM form/],
		[{ ...far, user: 'a', password_file: '/nowhere/secret' }, /password_file: cannot read \/nowhere\/secret/],
		[{ ...far, user: 'a', password_file: '/dev/null' }, /there is no password in \/dev\/null/],
		[{ ...far, bounce_domain: 'user@example.org' }, /bounce_domain: must be a domain/],
		[{ ...far, tls: 'sometimes' }, /tls/],
	]) {
		const { status, text: said } = check(mail);
		assert.equal(status, 3, `${JSON.stringify(mail)}: ${said}`);
		assert.match(said, wanted);
		assert.doesNotMatch(said, /geheim/);
	}
	for (const [mail, wanted] of [
		[{ ...far, ...login, ca_file }, /the configuration is good/],
		[{ smtp: 'smtp://[::1]:25', ...login, tls: 'off' }, /refuse such a sender/],
		[{ ...far, tls: 'opportunistic' }, /links in mails could be read on their way to mail\.example\.org/],
		[{ ...far, user: 'a', password_file: 'mail-password' }, /is a credential of systemd/],
	]) {
		const { status, text: said } = check(mail);
		assert.equal(status, 0, said);
		assert.match(said, wanted);
	}
});

test('the password is not shown', () => {
	const file = path.join(folder, 'config.ini');
	writeFileSync(file, confText({ mail: { smtp: 'smtps://mail.example.org', ...login } }));
	const shown = spawnSync(plimsollBin(), ['config', '-c', file], { encoding: 'utf8' });
	assert.match(shown.stdout, /password = \(hidden\)/);
	assert.doesNotMatch(shown.stdout + shown.stderr, /geheim/);
});
