// Mail from the outbox to a real SMTP conversation: durable, once, on one connection, and patient
// with servers that are down, busy or refuse.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { Client } from '../harness/client.mjs';
import { changeData } from '../harness/data.mjs';
import { pidOf, until } from '../harness/roles.mjs';
import { partsOf, startSink } from '../harness/smtp_sink.mjs';
import { outbox, stage, waitForRow, waitForState } from './lib/mail.mjs';

const conf = (sink) => ({
	mail: { smtp: sink.url, from: 'Plimsoll <id@example.org>', connections: 1, timeout: '2s' },
});

test('a sign-up mail goes out once, with the link, over one connection', async () => {
	const sink = await startSink();
	const server = await startPlimsoll({ conf: conf(sink) });
	try {
		for (let i = 0; i < 5; i++) await stage(server, `one${i}@example.com`);
		const mails = await sink.waitFor(5);
		assert.equal(sink.connections, 1);
		assert.deepEqual(mails.map((m) => m.to[0]).sort(), [0, 1, 2, 3, 4].map((i) => `one${i}@example.com`));
		const { headers } = mails[0];
		assert.match(headers['x-browserid-verificationurl'], /\/verify_email_address\?token=[A-Za-z0-9]{48}$/);
		assert.equal(headers['x-browserid-relyingparty'], 'http://site.example');
		assert.match(headers.subject, /^site\.example: /);
		const row = await waitForState(server, 'one0@example.com', ['sent']);
		assert.equal(row.text, '', 'the body with its token is gone once the mail is sent');
	} finally {
		await server.stop();
		await sink.stop();
	}
});

test('a server that is down, then busy, then well: the mail goes out later, once', async () => {
	let sink = await startSink();
	const { port } = sink;
	await sink.stop();
	const server = await startPlimsoll({ conf: conf(sink) });
	try {
		await stage(server, 'later@example.com');
		const row = await waitForState(server, 'later@example.com', ['queued']);
		assert.equal(row.state, 'queued');
		sink = await startSink({ port, mode: 'busy' });
		for (let i = 0; i < 150 && sink.rcpts === 0; i++) await new Promise((r) => setTimeout(r, 100));
		assert.ok(sink.rcpts > 0, 'it was tried again');
		sink.mode = 'accept';
		await sink.waitFor(1, 40);
		await waitForState(server, 'later@example.com', ['sent']);
		assert.equal(sink.mails.length, 1);
	} finally {
		await server.stop();
		await sink.stop();
	}
});

test('a recipient refused for good is failed with the reason, others go on', async () => {
	const sink = await startSink({ mode: 'refuse' });
	const server = await startPlimsoll({ conf: conf(sink) });
	try {
		await stage(server, 'nobody@example.com');
		const row = await waitForState(server, 'nobody@example.com', ['failed']);
		assert.match(row.error, /550 no such mailbox/);
		sink.mode = 'accept';
		await stage(server, 'somebody@example.com');
		await waitForState(server, 'somebody@example.com', ['sent']);
	} finally {
		await server.stop();
		await sink.stop();
	}
});

test('killing the courier again and again loses no mail, and one that goes out twice is the same mail', async () => {
	const [COUNT, KILLS, CONNECTIONS] = [40, 3, 6];
	const sink = await startSink({ delayMs: 20 });
	// A mail that was under way comes again when its lease runs out, which the time limit of a mail makes longer; but on a
	// busy machine a short one would be what sends mails twice.
	const server = await startPlimsoll({ conf: { ...conf(sink), mail: { ...conf(sink).mail, connections: CONNECTIONS, timeout: '10s' } } });
	try {
		await Promise.all(Array.from({ length: COUNT }, (_, i) => stage(server, `kept${i}@example.com`)));
		const killed = [];
		for (let kills = 0; kills < KILLS; kills++) {
			const taken = sink.count;
			const pid = await until('another courier', async () => {
				const now = await pidOf(server, 'courier');
				return now && !killed.includes(now) && now;
			});
			killed.push(pid);
			await until('a mail on its way', () => sink.count > taken || sink.count >= COUNT, 60);
			process.kill(pid, 'SIGKILL');
		}
		for (let i = 0; i < COUNT; i++) await waitForState(server, `kept${i}@example.com`, ['sent'], 60);
	} finally {
		await server.stop();
		await sink.stop();
	}
	const links = new Map(); // by Message-ID
	for (const { headers } of sink.mails) {
		const link = headers['x-browserid-verificationurl'];
		assert.equal(links.get(headers['message-id']) ?? link, link);
		links.set(headers['message-id'], link);
	}
	assert.equal(links.size, COUNT);
	assert.equal(new Set(links.values()).size, COUNT);
	const late = server.stderr().match(/event=mail_delayed/g)?.length ?? 0; // whose answer did not come in time
	assert.ok(sink.count <= COUNT + KILLS * CONNECTIONS + late, `${sink.count} mails, ${late} of them late`);
});

describe('a mail whose last answer is long in coming', { concurrency: 4 }, () => {
	test('a server that falls silent over one mail holds up no other, and is given up in time', async () => {
		const sink = await startSink({ mode: 'silent' });
		const server = await startPlimsoll({ conf: { ...conf(sink), mail: { ...conf(sink).mail, connections: 2, timeout: '10s' } } });
		try {
			await stage(server, 'silent@example.com');
			await until('the text at the server', () => sink.silenced > 0, 60);
			sink.mode = 'accept';
			for (let i = 0; i < 4; i++) await stage(server, `other${i}@example.com`);
			for (let i = 0; i < 4; i++) assert.equal((await waitForState(server, `other${i}@example.com`, ['sent'])).tries, 1);
			const row = await waitForRow(server, 'silent@example.com', (r) => r.error, 60);
			assert.equal(row.tries, 1, 'the lease had not run out');
			assert.match(row.error, /time/i);
			assert.equal(sink.silenced, 1);
		} finally {
			await server.stop();
			await sink.stop();
		}
	});

	test('a server that does not answer the farewell delays neither the reason of a refusal nor a stop', async () => {
		const sink = await startSink({ mode: 'refuse', farewell: false });
		const server = await startPlimsoll({ conf: { ...conf(sink), mail: { ...conf(sink).mail, timeout: '60s' } } });
		try {
			await stage(server, 'refused@example.com');
			assert.match((await waitForState(server, 'refused@example.com', ['failed'])).error, /550 no such mailbox/);
			sink.mode = 'accept';
			await stage(server, 'taken@example.com');
			await waitForState(server, 'taken@example.com', ['sent']);
			await server.stop(); // with a connection to say farewell on
			assert.doesNotMatch(server.stderr(), /drain_overdue/);
		} finally {
			await server.stop();
			await sink.stop();
		}
	});

	test('SIGTERM: a mail on its way is finished, and not sent again by the next server', async () => {
		const sink = await startSink({ mode: 'slow' });
		const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-mail-'));
		let server = await startPlimsoll({ dir, conf: conf(sink) });
		try {
			await stage(server, 'last@example.com');
			await until('the text at the server', () => sink.count > 0, 60);
			const { ports } = server;
			await server.stop();
			server = await startPlimsoll({ dir, ports, conf: conf(sink) });
			const row = (await outbox(server)).find((m) => m.to === 'last@example.com');
			assert.equal(row.state, 'sent');
			assert.equal(row.tries, 1);
			assert.equal(sink.count, 1);
		} finally {
			await server.stop();
			await sink.stop();
			rmSync(dir, { recursive: true, force: true });
		}
	});

	test('SIGTERM: a mail whose last answer does not come is cut, and stays in the outbox', async () => {
		const sink = await startSink({ mode: 'silent' });
		const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-mail-'));
		const patient = { ...conf(sink), mail: { ...conf(sink).mail, timeout: '60s' } };
		let server = await startPlimsoll({ dir, conf: patient });
		try {
			await stage(server, 'cut@example.com');
			await until('the text at the server', () => sink.silenced > 0, 60);
			const { ports } = server;
			await server.stop();
			assert.doesNotMatch(server.stderr(), /drain_overdue/, 'nothing had to be killed');
			// As it lies there: where a start takes seconds, the next server has tried again before it is asked.
			assert.match(changeData(server, 'SELECT state, tries, error FROM outbox'), /^0\|1\|the courier had to end before the mail server's last answer/);
			sink.mode = 'accept';
			server = await startPlimsoll({ dir, ports, conf: patient });
			assert.ok((await waitForState(server, 'cut@example.com', ['sent'], 60)).tries >= 2, 'and goes out then');
		} finally {
			await server.stop();
			await sink.stop();
			rmSync(dir, { recursive: true, force: true });
		}
	});
});

test('the content: both parts, the headers, the branding of the site', async () => {
	const sink = await startSink();
	const server = await startPlimsoll({ conf: conf(sink) });
	try {
		const client = new Client(server.url);
		await client.stage('reader@example.com', 'correct horse', { backgroundColor: 'fe0', siteLogo: 'https://site.example/logo.png' });
		const [mail] = await sink.waitFor(1);
		const { headers } = mail;
		const link = headers['x-browserid-verificationurl'];
		const { text, html } = partsOf(mail);
		assert.match(headers['content-type'], /^multipart\/alternative/);
		assert.match(headers.date, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
		assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60000);
		assert.match(headers['message-id'], /^<plimsoll-\d+-\d+@127\.0\.0\.1>$/);
		assert.equal(headers['auto-submitted'], 'auto-generated');
		assert.equal(headers.from, 'Plimsoll <id@example.org>');
		assert.equal(mail.from, 'id@example.org');
		assert.equal(headers.subject, 'site.example: Complete sign-in');
		assert.ok(text.includes(`\r\n${link}\r\n`), text);
		assert.ok(html.includes(`href="${link}"`));
		assert.match(html, /background:#ffee00;color:#000000/);
		assert.match(html, /<img src="https:\/\/site\.example\/logo\.png" alt="site\.example"/);
		assert.match(html, /The link works once, for 24 hours\./);

		const german = new Client(server.url, { headers: { 'accept-language': 'de-AT,de;q=0.9,en;q=0.8' } });
		await german.stage('leser@example.com', 'correct horse');
		const second = (await sink.waitFor(2)).at(-1);
		assert.match(second.headers.subject, /=\?UTF-8\?/i);
		const parts = partsOf(second);
		assert.match(parts.text, /möchte sich mit dieser Adresse bei site\.example anmelden\./);
		assert.match(parts.html, /<html lang="de">[^]*>Adresse bestätigen<[^]*gilt 24 Stunden und nur einmal\./);
	} finally {
		await server.stop();
		await sink.stop();
	}
});
