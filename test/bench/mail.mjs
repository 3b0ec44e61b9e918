// Mails per second to a mail server that takes 50 ms for each answer, with kept connections in parallel; and, for
// what a mail costs us, to one that answers at once.
//   node test/bench/mail.mjs [mails = 3000] [connections = 64] [answer in ms = 50]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { cpuUs, load, report, rolePids } from './lib.mjs';

const mails = Number(process.argv[2] ?? 3000);
const connections = Number(process.argv[3] ?? 64);
const answerMs = Number(process.argv[4] ?? 50);
// MAIL, RCPT, DATA and the text itself: libcurl does not pipeline them (decisions/0049).
const COMMANDS = 4;

// So many more mails like the one that a sign-up has left in the outbox.
const FILL = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
row = db.execute("SELECT kind, subject, link, site, body_text, body_html, created_ms, verp FROM outbox LIMIT 1").fetchone()
db.executemany("INSERT INTO outbox (recipient, kind, subject, link, site, body_text, body_html, created_ms, next_try_ms,"
  " tries, lease, state, sent_ms, error, verp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, '', ?)",
  [(f"somebody{i}@example.com", *row) for i in range(int(sys.argv[2]))])
db.commit()
`;

async function drain(delayMs, parallel) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-mail-bench-'));
	const sink = await startSink({ delayMs, hold: true });
	const conf = { mail: { smtp: sink.url, connections: parallel, bounce_domain: 'bounces.example.org' }, log: { level: 'warn' } };
	let server = await startPlimsoll({ dir, conf: { ...conf, mail: {} } });
	await new Client(server.url).stage('first@example.com', 'correct horse');
	await server.stop();
	execFileSync('python3', ['-c', FILL, path.join(server.dataDir, 'db/plimsoll.db'), String(mails)]);
	server = await startPlimsoll({ dir, conf, ports: server.ports });
	try {
		const pids = await rolePids(server);
		const all = [...pids.courier, ...pids.store];
		while (sink.count < mails / 10) await sleep(5);
		const [began, count, cpu, courier] = [performance.now(), sink.count, cpuUs(all), cpuUs(pids.courier)];
		while (sink.count < mails * 0.9) await sleep(5);
		const [seconds, done] = [(performance.now() - began) / 1000, sink.count - count];
		const [used, usedByCourier] = [cpuUs(all) - cpu, cpuUs(pids.courier) - courier];
		await sink.waitFor(mails, 60);
		return { rate: done / seconds, cpu: used / done, courier: usedByCourier / done, connections: sink.connections, count: sink.count };
	} finally {
		await server.stop();
		await sink.stop();
		rmSync(dir, { recursive: true, force: true });
	}
}

const slow = await drain(answerMs, connections);
const fast = await drain(0, 8);
const most = (connections * 1000) / (COMMANDS * answerMs);
const us = (n) => `${n.toFixed(0)} us`;
report(`mail out (${mails} mails, load ${load()})`, [
	[`mails/s, ${answerMs} ms an answer, ${connections} connections`, slow.rate.toFixed(0), `${(slow.rate / most).toFixed(2)} of what ${COMMANDS} answers a mail allow (goal 200)`],
	['processor time for a mail, courier and store', us(slow.cpu), `courier ${us(slow.courier)}`],
	['connections made', slow.connections],
	['mails/s, a server that answers at once, 8 connections', fast.rate.toFixed(0)],
	['processor time for a mail, courier and store', us(fast.cpu), `courier ${us(fast.courier)}`],
	['mails sent twice', slow.count + fast.count - 2 * mails],
]);
