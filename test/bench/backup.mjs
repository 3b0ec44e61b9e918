// What a running backup does to people who sign up: stage_user from 8 lines at once on a database of
// 400,000 accounts, seconds without and with `plimsoll backup` by turns, in one run.
//   node test/bench/backup.mjs
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../harness/client.mjs';
import { releaseBin } from '../harness/nth.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const ROUNDS = 3;
const CALM_MS = 3000;
const LINES = 8;
const ACCOUNTS = 400_000;

const fill = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); c = db.cursor()
for i in range(${ACCOUNTS}):
  c.execute("INSERT INTO account (password_hash, kdf, kdf_salt, created_ms, password_reset_ms, failed_logins, failed_last_ms, deleted_ms) VALUES (?,'onepw-2',?,1,1,0,0,0)", ("$2b$04$" + "x" * 53, "%032x" % i))
  c.execute("INSERT INTO email VALUES (?,?,?,'secondary',1,1)", ("p%d@example.net" % i, c.lastrowid, "p%d@example.net" % i))
db.commit(); db.execute("PRAGMA wal_checkpoint(TRUNCATE)")`;

const bin = releaseBin();
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-bench-'));
const conf = { identity: { min_mail_interval: '0s' } };
const first = await startPlimsoll({ dir, bin, conf });
await first.stop();
const file = path.join(dir, 'data/db/plimsoll.db');
execFileSync('python3', ['-c', fill, file]);
const server = await startPlimsoll({ dir, bin, conf, ports: first.ports });
console.log(`database of ${(statSync(file).size / 1048576).toFixed(0)} MiB`);

const took = [];
let going = true;
let n = 0;
const lines = Array.from({ length: LINES }, async () => {
	const client = new Client(server.url);
	while (going) {
		const begun = performance.now();
		const answer = await client.stage(`bench${n++}@example.org`, 'correct horse');
		if (answer.status === 200) took.push(performance.now() - begun);
	}
});

async function phase(name, fn) {
	took.length = 0;
	const begun = performance.now();
	await fn();
	const s = (performance.now() - begun) / 1000;
	const sorted = [...took].sort((a, b) => a - b);
	const at = (share) => sorted[Math.floor(sorted.length * share)].toFixed(1);
	console.log(`${name} ${s.toFixed(1)} s  ${(sorted.length / s).toFixed(0)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`);
}

const backup = (i) =>
	new Promise((resolve, reject) =>
		spawn(bin, ['backup', path.join(dir, `backup${i}`), '-c', server.confPath], { stdio: 'ignore' }).once('close', (code) => (code === 0 ? resolve() : reject(new Error(`backup ended with ${code}`)))),
	);

for (let i = 0; i < ROUNDS; i++) {
	await phase('calm  ', () => sleep(CALM_MS));
	await phase('backup', () => backup(i));
}
going = false;
await Promise.all(lines);
await server.stop();
rmSync(dir, { recursive: true, force: true });
