// More sign-ups than mails go out: those who are let in get their mail soon, the others are told to come later, and who
// needs no mail does not notice.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { startSink } from '../harness/smtp_sink.mjs';

const EMAIL = 'ada@example.org';
const PASS = 'correct horse';
const SECONDS = 16;
const EACH_MS = 100;
const TARGET_S = 30;
const MAIL_S = 1; // at least, of a mail whose four steps take a quarter of a second each

test('no more mails are promised than go out', async () => {
	const sink = await startSink({ delayMs: 250 });
	const mail = { smtp: sink.url, from: 'Plimsoll <id@example.org>', connections: 1, timeout: '30s' };
	let server;
	try {
		server = await startPlimsoll({ conf: { mail, web: { instances: 1 }, accounts: { bcrypt_cost: 4 } } });
		await signUp(server, EMAIL, PASS);
		const answers = [];
		const logins = [];
		const begun = performance.now();
		for (const end = begun + SECONDS * 1000; performance.now() < end; ) {
			const stage = new Client(server.url).stage(`user${answers.length}@example.org`, PASS);
			answers.push(stage);
			if (answers.length % 10 === 0) logins.push(new Client(server.url).login(EMAIL, PASS));
			await sleep(EACH_MS);
		}
		const seconds = (performance.now() - begun) / 1000; // more than SECONDS on a slow machine
		const statuses = (await Promise.all(answers)).map(({ status }) => status);
		const refused = (await Promise.all(answers)).filter(({ status }) => status === 503);
		assert.ok(statuses.every((status) => status === 200 || status === 503), statuses.join());
		// The wait swings between the target and twice as much (core/grace/admit_mail_test.c).
		const admitted = statuses.length - refused.length;
		assert.ok(admitted >= TARGET_S / (2 * MAIL_S) && admitted < (1.3 * (2 * TARGET_S + seconds)) / MAIL_S, `${admitted} of ${statuses.length}`);
		for (const { headers } of refused) assert.ok(Number(headers['retry-after']) >= 1, JSON.stringify(headers));
		for (const { status, json } of await Promise.all(logins)) assert.deepEqual([status, json.success], [200, true]);
		const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
		const counted = Number(metrics.match(/^plimsoll_http_refusals_total{[^}]*why="courier"[^}]*} (\d+)/m)?.[1]);
		assert.equal(counted, refused.length, metrics.match(/^plimsoll_http_refusals_total.*$/gm)?.join());
	} finally {
		await server?.stop();
		await sink.stop();
	}
});
