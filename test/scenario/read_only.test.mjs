// [store] read_only: what changes data is answered with 503 in words, all else goes on as if nothing
// were; it is switched while the server runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askCertificate, assertion, bundle, newKey } from '../harness/assertion.mjs';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { status, until } from '../harness/roles.mjs';

const PASS = 'correct horse';
const EMAIL = 'somebody@example.org';

async function setReadOnly(server, on) {
	const text = readFileSync(server.confPath, 'utf8').replace(/\n\[store\]\nread_only = \w+\n/, '');
	writeFileSync(server.confPath, `${text}\n[store]\nread_only = ${on ? 'yes' : 'no'}\n`);
	process.kill(server.pid, 'SIGHUP');
	await until('the status to tell', async () => (await status(server)).read_only === on);
	// The roles read it one after the other.
	await until('the store to follow', async () => {
		const answer = await new Client(server.url).stage('probe@example.org', PASS);
		return on ? answer.status === 503 : answer.status === 200;
	});
}

function refused(answer) {
	assert.equal(answer.status, 503, answer.text);
	assert.equal(answer.text, 'Service Unavailable: read-only for maintenance: nothing can be changed now');
	const seconds = Number(answer.headers['retry-after']);
	assert.ok(seconds >= 30 && seconds <= 60, `${seconds}`);
}

const bytesOf = (server) => createHash('sha256').update(readFileSync(path.join(server.dataDir, 'db/plimsoll.db'))).update(readFileSync(path.join(server.dataDir, 'db/plimsoll.db-wal'))).digest('hex');

// Five seconds behind the last change the store brings its log into the database file, which changes bytes and no content.
const CHECKPOINTED_MS = 6000;

async function bytesAtRest(server) {
	for (let last; ; await sleep(CHECKPOINTED_MS)) {
		const bytes = bytesOf(server);
		if (bytes === last) return bytes;
		last = bytes;
	}
}

test('read-only: changes get 503 in words, reads, sign-in and certificates go on, no byte changes', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-read-only-'));
	const server = await startPlimsoll({ dir, conf: { identity: { min_mail_interval: '0s' } } });
	try {
		const client = await signUp(server, EMAIL, PASS);
		const waiting = new Client(server.url);
		await waiting.stage('waiting@example.org', PASS);
		const token = await mailedToken(server, 'waiting@example.org');
		const other = new Client(server.url);
		await other.login(EMAIL, 'wrong before');
		assert.equal((await status(server)).read_only, false);

		await setReadOnly(server, true);
		const before = await bytesAtRest(server);
		refused(await new Client(server.url).stage('new@example.org', PASS));
		refused(await waiting.post('/wsapi/complete_user_creation', { token }));
		assert.equal((await waiting.get(`/wsapi/email_for_token?token=${token}`)).json.success, true, 'the token was not used up');

		for (const target of ['/__heartbeat__', '/__lbheartbeat__', '/', '/include.js', '/.well-known/browserid']) {
			assert.equal((await client.get(target)).status, 200, target);
		}
		assert.equal((await client.context()).json.authenticated, true);
		assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [EMAIL]);
		assert.equal((await other.login(EMAIL, PASS)).json.success, true, 'though a failure before should be cleared');
		const { json } = await new Client(server.url).login(EMAIL, 'wrong password');
		assert.equal(json.reason, `password mismatch for user: ${EMAIL}`);
		const key = newKey();
		const certificate = (await askCertificate(client, EMAIL, key)).text;
		const audience = 'https://site.example';
		const verified = await client.request('POST', '/verify', { body: JSON.stringify({ assertion: bundle([certificate], assertion(key, audience)), audience }) });
		assert.equal(verified.json.status, 'okay', verified.text);
		assert.match(execFileSync(plimsollBin(), ['status', '-c', server.confPath], { encoding: 'utf8' }), /^read-only: /);
		assert.equal(bytesOf(server), before, 'a byte of the database changed');
		execFileSync(plimsollBin(), ['backup', path.join(dir, 'backup'), '-c', server.confPath]);

		await setReadOnly(server, false);
		assert.equal((await waiting.post('/wsapi/complete_user_creation', { token })).json.success, true);
		await signUp(server, 'later@example.org', PASS);
		assert.doesNotMatch(execFileSync(plimsollBin(), ['status', '-c', server.confPath], { encoding: 'utf8' }), /read-only/);
	} finally {
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('a server that starts read-only serves', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-read-only-'));
	try {
		const first = await startPlimsoll({ dir });
		await signUp(first, EMAIL, PASS);
		await first.stop();
		const second = await startPlimsoll({ dir, conf: { store: { read_only: 'yes' } } });
		assert.equal((await new Client(second.url).login(EMAIL, PASS)).json.success, true);
		refused(await new Client(second.url).stage('new@example.org', PASS));
		await second.stop();
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
});
