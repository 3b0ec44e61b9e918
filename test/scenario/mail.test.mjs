// Mail from the outbox to a real SMTP conversation: durable, once, on one connection, and patient
// with servers that are down, busy or refuse.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { outbox, stage, waitForState } from './lib/mail.mjs';

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

test('killing the courier in the middle loses no mail', async () => {
	const sink = await startSink({ mode: 'drop' });
	const server = await startPlimsoll({ conf: conf(sink) });
	try {
		await stage(server, 'kept@example.com');
		const status = await (await fetch(`${server.adminUrl}/status`)).json();
		const courier = status.processes.find((p) => p.role === 'courier');
		process.kill(courier.pid, 'SIGKILL');
		sink.mode = 'accept';
		await stage(server, 'next@example.com');
		await waitForState(server, 'next@example.com', ['sent']);
		const row = (await outbox(server)).find((m) => m.to === 'kept@example.com');
		assert.ok(['queued', 'sent'].includes(row.state), row.state);
	} finally {
		await server.stop();
		await sink.stop();
	}
});
