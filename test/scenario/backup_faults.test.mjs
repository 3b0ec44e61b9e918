// Backup and restore on a disk that loses power or fails at the Nth change of a file (the commands of
// the release build with core/store/fault_disk.h preloaded). There is never half a backup under its
// name, and never data of which only a part was put back without a word.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { signUp } from '../harness/client.mjs';
import { releaseBin } from '../harness/nth.mjs';
import { confText, startPlimsoll } from '../harness/plimsoll.mjs';

const LIBRARY = fileURLToPath(new URL('../../build/test/test/fault/fault_command.so', import.meta.url));
const POINTS = Number(process.env.FAULT_POINTS ?? 4); // per command and kind
const KINDS = { write: 1, short: 2, sync: 3, any: 4 };
const EIO = 5;
const ENOSPC = 28;

function plimsoll(args, env = {}) {
	const r = spawnSync(releaseBin(), args, { encoding: 'utf8', env: { ...process.env, ...env } });
	return { code: r.status, signal: r.signal, stdout: r.stdout, stderr: r.stderr };
}

// Runs a command on the fault disk below root; plan as fault_command.c reads it.
function faulty(root, args, plan) {
	const count = path.join(path.dirname(root), 'count');
	rmSync(count, { force: true });
	const { seed = 1, cut = 0, keep = 0, kind = 0, at = 0, n = 0, error = 0 } = plan;
	const r = plimsoll(args, { LD_PRELOAD: LIBRARY, FAULT_ROOT: root, FAULT_PLAN: [seed, cut, keep, kind, at, n, error].join(' '), FAULT_COUNT: count });
	rmSync(`${root}.stash`, { recursive: true, force: true });
	return { ...r, calls: existsSync(count) ? Number(readFileSync(count, 'utf8')) : 0 };
}

const spread = (count) => Array.from({ length: Math.min(POINTS, count) }, (_, i) => 1 + Math.floor((i * count) / Math.min(POINTS, count)));

const accountsIn = (file) => {
	const script = 'import sqlite3, sys\nfor r in sqlite3.connect(sys.argv[1]).execute("SELECT address FROM email"): print(*r)';
	return spawnSync('python3', ['-c', script, file], { encoding: 'utf8' }).stdout.trim();
};

// Two data folders with one person each, "old" and "new".
async function withData(fn) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-backup-faults-'));
	try {
		for (const name of ['old', 'new']) {
			mkdirSync(path.join(dir, name));
			const server = await startPlimsoll({ dir: path.join(dir, name), bin: releaseBin() });
			await signUp(server, `${name}@example.org`, 'correct horse');
			await server.stop();
		}
		await fn(dir);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}

function confFor(dir, dataDir) {
	const file = path.join(dir, 'plimsoll.ini');
	writeFileSync(file, confText({ plimsoll: { data_dir: dataDir } }));
	return file;
}

test('a backup cut or failing anywhere is whole or not there', async (t) => {
	await withData(async (dir) => {
		const disk = path.join(dir, 'disk');
		const target = path.join(disk, 'backup');
		const conf = confFor(dir, path.join(dir, 'old/data'));
		const fresh = () => {
			rmSync(disk, { recursive: true, force: true });
			mkdirSync(disk);
		};
		const args = ['backup', target, '-c', conf];
		fresh();
		const whole = faulty(disk, args, {});
		assert.equal(whole.code, 0, whole.stderr);
		assert.ok(whole.calls > 20, `${whole.calls}`);
		let there = 0;
		for (const keep of [0, 1]) {
			// Before the last call all is done but to make the name last.
			for (const [i, cut] of [...spread(whole.calls), ...Array(keep ? 6 : 1).fill(whole.calls)].entries()) {
				fresh();
				const r = faulty(disk, args, { seed: 7 * i + 1, cut, keep });
				assert.equal(r.signal, 'SIGKILL', r.stderr);
				if (!existsSync(target)) continue;
				there++;
				const check = plimsoll(['check', '--data', target, '-c', conf]);
				assert.equal(check.code, 0, `cut at ${cut} of ${whole.calls}: ${check.stderr}`);
			}
		}
		t.diagnostic(`${whole.calls} calls, ${there} backups were there after a cut`);
		assert.ok(there > 0, 'no cut came late enough to prove anything of a whole one');
		for (const [name, kind] of Object.entries(KINDS)) {
			for (const at of spread(whole.calls)) {
				for (const error of at % 2 === 0 ? [EIO] : [ENOSPC]) {
					fresh();
					const r = faulty(disk, args, { kind, at, n: 1, error });
					if (r.code === 0) {
						assert.equal(plimsoll(['check', '--data', target, '-c', conf]).code, 0, `${name} ${at}`);
						continue; // there are fewer calls of that kind, or it could be done another way
					}
					assert.equal(r.code, 1, `${name} ${at}: ${r.signal} ${r.stderr}`);
					assert.match(r.stderr, /^plimsoll backup: .*; no backup was made$/m);
				}
			}
		}
	});
});

test('a restore cut anywhere leaves the old data, the new data, or a word that it must be repeated', async (t) => {
	await withData(async (dir) => {
		const backup = path.join(dir, 'backup');
		assert.equal(plimsoll(['backup', backup, '-c', confFor(dir, path.join(dir, 'new/data'))]).code, 0);
		const disk = path.join(dir, 'disk');
		const data = path.join(disk, 'data');
		const conf = confFor(dir, data);
		const keys = Object.fromEntries(['old', 'new'].map((name) => [`${name}@example.org`, readFileSync(path.join(dir, name, 'data/keys/identity.key'))]));
		const fresh = () => {
			rmSync(disk, { recursive: true, force: true });
			mkdirSync(disk);
			cpSync(path.join(dir, 'old/data'), data, { recursive: true });
		};
		const args = ['restore', backup, '--force', '-c', conf];
		const isWhole = (expected) => {
			assert.equal(plimsoll(['check', '--data', '-c', conf]).code, 0);
			const who = accountsIn(path.join(data, 'db/plimsoll.db'));
			if (expected) assert.equal(who, expected);
			assert.deepEqual(readFileSync(path.join(data, 'keys/identity.key')), keys[who], `the key does not belong to the data of ${who}`);
			return who;
		};
		fresh();
		const whole = faulty(disk, args, {});
		assert.equal(whole.code, 0, whole.stderr);
		isWhole('new@example.org');
		const seen = {};
		for (const keep of [0, 1]) {
			for (const cut of [...spread(whole.calls), whole.calls]) {
				fresh();
				const r = faulty(disk, args, { seed: cut, cut, keep });
				assert.equal(r.signal, 'SIGKILL', r.stderr);
				const start = plimsoll(['migrate', '-c', conf]);
				let what;
				if (start.code === 0) {
					what = isWhole();
				} else {
					assert.match(start.stderr, /a restore into .* was interrupted/);
					what = 'interrupted';
				}
				seen[what] = (seen[what] ?? 0) + 1;
				assert.equal(plimsoll(args).code, 0);
				isWhole('new@example.org');
				assert.deepEqual(readdirSync(path.join(data, 'db')), ['plimsoll.db']);
			}
		}
		t.diagnostic(`${whole.calls} calls; after a cut: ${JSON.stringify(seen)}`);
		assert.ok(seen['old@example.org'] > 0 && seen.interrupted > 0, JSON.stringify(seen));
	});
});
