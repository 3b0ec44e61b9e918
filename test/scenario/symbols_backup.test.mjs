// Files of symbols in backups: no row without its file, made while others upload, shared with an earlier one,
// killed in the middle; and what check says of files that are lost or damaged.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../harness/command.mjs';
import { confText, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';

const CUTS = 3;
const contentOf = (n) => `MODULE Linux x86_64 A${n} m${n}\n${`line ${n}\n`.repeat(300)}`;
const filesOf = (n) => ({ [`m${n}/A${n}/m${n}.sym`]: contentOf(n), [`m${n}/A${n}/m${n}.dbg.gz`]: Buffer.alloc(20_000, `${n} `), 'same/AB/same.dbg.gz': 'the same' });
const filesIn = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => path.join(f.parentPath ?? f.path, f.name));
const blobsIn = (folder) => filesIn(path.join(folder, 'blobs')).filter((file) => /\/[0-9a-f]{64}(\.gz)?$/.test(file)).sort();

async function withServer(run) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-symbols-backup-'));
	const server = await startPlimsoll({ dir, conf: { web: { instances: 1 } } });
	const command = (...words) => runCommand([...words, '-c', server.confPath]);
	const good = async (...words) => {
		const result = await command(...words);
		assert.equal(result.code, 0, `${words}: ${result.stderr}`);
		return result;
	};
	try {
		await run({ dir, server, command, good, key: makeToken(server) });
	} finally {
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
}

// A data folder beside the server's, for a restore.
function elsewhere(dir, name) {
	const conf = path.join(dir, `${name}.ini`);
	writeFileSync(conf, confText({ plimsoll: { data_dir: path.join(dir, name) } }));
	return { conf, data: path.join(dir, name) };
}

async function holds(server, done) {
	for (const n of done) {
		for (const [name, data] of Object.entries(filesOf(n))) assert.ok((await get(server, `/${name}`)).body.equals(Buffer.from(data)), name);
	}
}

test('a backup while others upload has every file of its rows; another place serves them', async () => {
	await withServer(async ({ dir, server, good, key }) => {
		const done = [];
		let going = true;
		const line = (async () => {
			for (let n = 0; going; n++) {
				assert.equal((await uploadFiles(server, key, filesOf(n))).status, 201);
				done.push(n);
			}
		})();
		const [first, second] = ['one', 'two'].map((name) => path.join(dir, name));
		await until('uploads', () => done.length >= 5);
		const told = await good('backup', first);
		assert.match(told.stdout, /\d+ files of symbols, \d+ bytes: \d+ copied, 0 shared/);
		const before = [...done];
		const shared = await good('backup', second, '--previous', first);
		going = false;
		await line;
		assert.match(shared.stdout, / [1-9]\d* shared with the earlier backup/);
		for (const file of blobsIn(first)) assert.equal(statSync(file).ino, statSync(file.replace(first, second)).ino);
		assert.ok(blobsIn(second).length >= before.length * 2);
		assert.equal(JSON.parse(readFileSync(path.join(second, 'manifest.json'))).blobs, blobsIn(second).length);
		assert.match((await good('check', '--data', second)).stdout, /files of symbols, \d+ bytes, all read through/);
		assert.ok((await good('backup', path.join(dir, 'bare'), '--without-blobs')).stdout);
		assert.equal(existsSync(path.join(dir, 'bare/blobs')), false);

		const other = elsewhere(dir, 'other');
		const restored = await runCommand(['restore', second, '-c', other.conf]);
		assert.equal(restored.code, 0, restored.stderr);
		assert.match(restored.stdout, /(\d+) files of symbols: \1 copied, 0 were there/);
		assert.deepEqual(blobsIn(other.data).map((f) => path.basename(f)), blobsIn(second).map((f) => path.basename(f)));
		const again = await runCommand(['restore', second, '--force', '-c', other.conf]);
		assert.match(again.stdout, /files of symbols: 0 copied, (\d+) were there/);
		const bare = await runCommand(['restore', path.join(dir, 'bare'), '--force', '-c', other.conf]);
		assert.match(bare.stdout, /without the files of symbols: those of the data folder stay/);
		await runCommand(['restore', second, '--force', '-c', other.conf]);
		const place = path.join(dir, 'place');
		cpSync(other.data, path.join(place, 'data'), { recursive: true });
		const served = await startPlimsoll({ dir: place });
		try {
			await holds(served, before);
		} finally {
			await served.stop();
		}
	});
});

test('files that are lost or damaged are told of; a backup has the others; removing waits', async () => {
	await withServer(async ({ dir, server, command, good, key }) => {
		for (let n = 0; n < 3; n++) await uploadFiles(server, key, filesOf(n));
		assert.match((await good('check', 'symbols')).stdout, /^7 files of symbols, \d+ bytes\n$/);
		const plain = blobsIn(server.dataDir).filter((file) => !file.endsWith('.gz') && statSync(file).size === 20_000);
		const bytes = readFileSync(plain[0]);
		bytes[100] ^= 1;
		writeFileSync(plain[0], bytes);
		await good('check', 'symbols');
		const damaged = await command('check', 'symbols', 'contents');
		assert.equal(damaged.code, 1);
		assert.match(damaged.stderr, /m\d\/A\d\/m\d\.dbg\.gz: its content blobs\/.* is damaged\n1 of 7 files of symbols are not there or damaged/);
		rmSync(plain[1]);
		assert.match((await command('check', 'symbols')).stderr, /is not there/);
		assert.equal((await command('check', '--data')).code, 1);
		const backup = path.join(dir, 'backup');
		const made = await good('backup', backup);
		assert.match(made.stderr, /is damaged[^]*2 files of symbols were lost before/);
		assert.equal(blobsIn(backup).length, 5);
		assert.equal((await command('check', '--data', backup)).code, 1, 'it says so of the backup, too');
		// An upload of the same brings back what is not there.
		await uploadFiles(server, key, filesOf(1));
		await uploadFiles(server, key, filesOf(2));
		await uploadFiles(server, key, filesOf(0));
		assert.match((await command('check', 'symbols')).stdout, /^7 files/);
		assert.equal((await command('check', 'symbols', 'everything')).code, 2);

		const hold = async (flag, words, why) => {
			const holder = spawn('flock', [flag, path.join(server.dataDir, 'blobs'), 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
			await new Promise((resolve) => holder.stdout.once('data', resolve));
			const refused = await command(...words);
			holder.stdin.end();
			await new Promise((resolve) => holder.once('close', resolve));
			assert.equal(refused.code, 1);
			assert.match(refused.stderr, why);
		};
		await hold('-s', ['symbols', 'gc'], /a backup of these files is being made/);
		await hold('-x', ['backup', path.join(dir, 'later')], /files are being removed: try again/);
		await good('symbols', 'gc');
	});
});

test('killed in the middle: no half backup, no half restore without a word; a repeat finishes', async () => {
	await withServer(async ({ dir, server, good, key }) => {
		for (let n = 0; n < 10; n++) await uploadFiles(server, key, Object.assign({}, ...[0, 100, 200, 300].map((more) => filesOf(n + more))));
		const kill = async (words, ms) => {
			const child = spawn(plimsollBin(), words, { stdio: 'ignore' });
			const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
			await sleep(ms);
			child.kill('SIGKILL');
			return ended;
		};
		const begun = Date.now();
		const whole = path.join(dir, 'whole');
		await good('backup', whole);
		const took = Date.now() - begun;
		for (let i = 0; i < CUTS; i++) {
			const target = path.join(dir, `cut${i}`);
			const code = await kill(['backup', target, '-c', server.confPath], (took * (i + 1)) / (CUTS + 1));
			assert.equal(existsSync(target), code === 0 || existsSync(path.join(target, 'manifest.json')));
			if (existsSync(target)) await good('check', '--data', target);
		}
		const other = elsewhere(dir, 'other');
		for (let i = 0; i < CUTS; i++) {
			await kill(['restore', whole, '--force', '-c', other.conf], (took * (i + 1)) / (CUTS + 1));
			const there = existsSync(path.join(other.data, 'db/plimsoll.db')) && !existsSync(path.join(other.data, 'RESTORING'));
			if (there) assert.equal((await runCommand(['check', '--data', '-c', other.conf])).code, 0);
		}
		const restored = await runCommand(['restore', whole, '--force', '-c', other.conf]);
		assert.equal(restored.code, 0, restored.stderr);
		assert.equal((await runCommand(['check', 'symbols', 'contents', '-c', other.conf])).code, 0);
		assert.equal(blobsIn(other.data).length, blobsIn(whole).length);
	});
});
