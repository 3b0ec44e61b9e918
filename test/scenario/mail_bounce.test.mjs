// Mails that come back: each has a return path of its own, a report of its mail server or a provider's webhook
// marks the address, people are told, the operator sees it, and a mail that arrives after all ends it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test, { after, before } from 'node:test';
import { Client } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { partsOf, startSink } from '../harness/smtp_sink.mjs';
import { outbox, waitForState } from './lib/mail.mjs';

const PASS = 'correct horse';
const SITE = 'https://shop.example';
const CAME_BACK = /mail to that address came back/;
let sink;
let server;
before(async () => {
	sink = await startSink();
	server = await startPlimsoll({
		conf: {
			web: { instances: 1 },
			identity: { min_mail_interval: '0s' },
			mail: { smtp: sink.url, from: 'Sign-in <id@id.example>', bounce_domain: 'bounces.id.example' },
		},
	});
});
after(async () => {
	await server?.stop();
	await sink?.stop();
});

// plimsoll COMMAND VERB WORD...; resolves to { code, stdout, stderr }.
function run(words, input = '', conf = server.confPath) {
	const child = spawn(plimsollBin(), [...words, '-c', conf], { stdio: 'pipe' });
	const out = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, ...out })));
}

// The n-th mail to an address that the sink has taken.
const mailTo = (email, n = 1) => until(`mail ${n} to ${email}`, () => sink.mails.filter((m) => m.to[0] === email)[n - 1]);
const tokenOf = (mail) => /token=([A-Za-z0-9]{48})/.exec(mail.headers['x-browserid-verificationurl'])[1];
const stage = (client, email) => client.post('/wsapi/stage_user', { email, pass: PASS, site: SITE });
const stageReset = (email) => new Client(server.url).post('/wsapi/stage_reset', { email, site: SITE });

async function signUp(email) {
	const client = new Client(server.url);
	assert.equal((await stage(client, email)).json.success, true);
	const mail = await mailTo(email);
	const done = await client.post('/wsapi/complete_user_creation', { token: tokenOf(mail) });
	assert.equal(done.json.success, true, done.text);
	return mail;
}

// A report as Postfix writes it.
const report = (to, { action = 'failed', status = '5.1.1', words = '550 5.1.1 no such mailbox' } = {}) => `Return-Path: <>
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: ${to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4D2F21.1700000000/mx.example.com"

--4D2F21.1700000000/mx.example.com
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.com.

--4D2F21.1700000000/mx.example.com
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Thu, 26 Nov 2026 08:00:00 +0000 (UTC)

Final-Recipient: rfc822; somebody@example.com
Action: ${action}
Status: ${status}
Diagnostic-Code: smtp; ${words}

--4D2F21.1700000000/mx.example.com--
`;

function webhook(body, type = 'application/json') {
	return fetch(`${server.adminUrl}/mail/bounce`, {
		method: 'POST',
		headers: { 'content-type': type },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
}

test('a report marks the address; people are told; the operator sees it and can forget it', async () => {
	const email = 'Gone@example.com';
	const first = await signUp(email);
	assert.match(first.from, /^bounce\+[a-z2-7]{16}@bounces\.id\.example$/);
	assert.match(first.headers.from, /^Sign-in <id@id\.example>$/);

	// The first mail was answered: what comes back for it now says nothing any more.
	let end = await run(['mail', 'bounce'], report(first.from));
	assert.deepEqual([end.code, end.stderr], [0, '']);
	assert.match(end.stdout, /nothing to do: that address has been answered since/);

	assert.equal((await stageReset(email)).json.success, true);
	const second = await mailTo(email, 2);
	assert.notEqual(second.from, first.from);
	end = await run(['mail', 'bounce', second.from.toUpperCase()], report('postmaster@id.example'));
	assert.deepEqual([end.code, end.stderr], [0, '']);
	assert.match(end.stdout, /^5\.1\.1 550 5\.1\.1 no such mailbox: the address gets no more mails/);

	const refused = await stageReset(email);
	assert.equal(refused.status, 200);
	assert.equal(refused.json.success, false);
	assert.match(refused.json.reason, CAME_BACK);
	const shown = (await run(['user', 'show', email])).stdout;
	assert.match(shown, /address: Gone@example\.com, verified.*\n {2}mail came back: .* GMT: 5\.1\.1 550 5\.1\.1 no such mailbox; no more mails for 24 hours/);
	await until('the gauge', async () => /^plimsoll_mail_bounced_addresses\{[^}]*\} 1$/m.test(await (await fetch(`${server.adminUrl}/metrics`)).text()));

	assert.equal((await run(['mail', 'forget', email])).code, 0);
	assert.equal((await stageReset(email)).json.success, true);
	await mailTo(email, 3);
});

test('a mail that is answered after all ends it', async () => {
	const email = 'full@example.com';
	await signUp(email);
	await stageReset(email);
	const mail = await mailTo(email, 2);
	await run(['mail', 'bounce'], report(mail.from, { status: '5.2.2', words: '552 5.2.2 mailbox full' }));
	assert.match((await stageReset(email)).json.reason, CAME_BACK);
	const done = await new Client(server.url).post('/wsapi/complete_reset', { token: tokenOf(mail), pass: 'another horse' });
	assert.equal(done.json.success, true, done.text);
	assert.equal((await stageReset(email)).json.success, true);
});

test('what may pass is counted and shown, and holds no mail back', async () => {
	const email = 'late@example.com';
	await signUp(email);
	await stageReset(email);
	const mail = await mailTo(email, 2);
	for (const more of [{ action: 'delayed', status: '4.4.1', words: 'connection timed out' }, { status: '5.7.1', words: '550 5.7.1 looks like spam' }]) {
		assert.match((await run(['mail', 'bounce'], report(mail.from, more))).stdout, /counted/);
	}
	assert.match((await run(['user', 'show', email])).stdout, /late or came back for a while: 2 times, last: 5\.7\.1 550 5\.7\.1 looks like spam/);
	assert.equal((await stageReset(email)).json.success, true);
});

test('what is no report, or not ours, changes nothing and is no failure of the pipe', async () => {
	const email = 'away@example.com';
	await signUp(email);
	await stageReset(email);
	const { from } = await mailTo(email, 2);
	for (const [text, wanted] of [
		[`To: ${from}\nSubject: I am away\n\nBack on Monday.\nAction: failed\nStatus: 5.1.1\n`, /nothing to do: no delivery report/],
		[report(from, { action: 'relayed', status: '2.0.0' }), /nothing to do: a report, but of no failure/],
		[report('bounces@id.example'), /nothing to do: not to a return path of this server/],
		[report(`bounce+${'a'.repeat(16)}@bounces.id.example`), /nothing to do: that address has been answered/],
		['', /nothing to do/],
	]) {
		const end = await run(['mail', 'bounce'], text);
		assert.equal(end.code, 0, end.stderr);
		assert.match(end.stdout, wanted);
	}
	assert.equal((await stageReset(email)).json.success, true);
	assert.equal((await run(['mail', 'bounce', '--set', 'plimsoll.data_dir=/nowhere/data'], report(from))).code, 75, 'try again later');
});

test('a webhook: by return path, by address, or the report itself', async () => {
	for (const [i, body] of [
		(mail) => [{ return_path: mail.from, status: '5.1.1', diagnostic: 'no such user' }],
		(mail) => [{ address: mail.to[0].toUpperCase(), status: '5.1.10' }],
		(mail) => [report(mail.from), 'message/rfc822'],
	].entries()) {
		const email = `hook${i}@example.com`;
		await stage(new Client(server.url), email);
		const answer = await webhook(...body(await mailTo(email)));
		assert.deepEqual([answer.status, await answer.json()], [200, { effect: 'marked' }]);
		assert.match((await stage(new Client(server.url), email)).json.reason, CAME_BACK);
	}
	for (const [body, type, status] of [
		[{ address: 'hook0@example.com', status: '5.1.1' }, 'text/plain', 415],
		[{ address: 'hook0@example.com' }, 'application/json', 400],
		['{', 'application/json', 400],
		[`{"address":"${'a'.repeat(300)}","status":"5.1.1"}`, 'application/json', 400],
		['{"address":"a@b","status":"5.1.1"}'.padEnd(20000), 'application/json', 400],
	]) {
		assert.equal((await webhook(body, type)).status, status);
	}
	const unknown = await webhook({ address: 'never@example.com', status: '5.1.1' });
	assert.deepEqual(await unknown.json(), { effect: 'unknown' });
	const ignored = await webhook('Subject: hello\n\n', 'message/rfc822');
	assert.deepEqual(await ignored.json(), { effect: 'ignored' });
});

test('a mailbox that the mail server refuses at once is marked, too', async () => {
	const email = 'refused@example.com';
	sink.mode = 'refuse';
	await stage(new Client(server.url), email);
	await waitForState(server, email, ['failed']);
	sink.mode = 'accept';
	assert.match((await stage(new Client(server.url), email)).json.reason, CAME_BACK);
});

test('plimsoll mail test says what becomes of a mail', async () => {
	const email = 'operator@example.com';
	const end = await run(['mail', 'test', email]);
	assert.deepEqual([end.code, end.stdout], [0, 'the mail server has taken it\n'], end.stderr);
	const mail = await mailTo(email);
	assert.match(mail.headers.subject, /127\.0\.0\.1: Test of mail/);
	assert.match(partsOf(mail).text, /see whether mail arrives/);
	sink.mode = 'refuse';
	const refused = await run(['mail', 'test', email]);
	sink.mode = 'accept';
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /550 no such mailbox/);
	assert.equal((await run(['mail', 'test', 'nobody'])).code, 1);
	assert.ok((await outbox(server)).length > 0);
});
