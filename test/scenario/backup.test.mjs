// Backup under load, restore, and the copy for staging: what was acknowledged before a backup began is
// in it, a half or damaged one is refused with the reason, and nothing of a person stays in a copy
// without people's data.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { Client, signUp } from '../harness/client.mjs';
import { confText, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const PASS = 'correct horse';
const run = promisify(execFile);

// Runs a command of plimsoll; { code, stdout, stderr }.
function plimsoll(...args) {
	const r = spawnSync(plimsollBin(), args, { encoding: 'utf8' });
	assert.doesNotMatch(r.stderr, /AddressSanitizer|runtime error: /);
	return { code: r.status, stdout: r.stdout, stderr: r.stderr };
}

function refused(result, code, pattern) {
	assert.equal(result.code, code, result.stderr);
	assert.match(result.stderr, pattern);
	assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
}

async function withFolder(fn) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-backup-'));
	try {
		await fn(dir);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}

// A configuration whose data folder is dir/NAME.
function confFor(dir, name) {
	const file = path.join(dir, `${name}.ini`);
	writeFileSync(file, confText({ plimsoll: { data_dir: path.join(dir, name) } }));
	return file;
}

// Every file below dir as one buffer.
function allBytes(dir) {
	const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
	return Buffer.concat(names.map((e) => readFileSync(path.join(e.parentPath ?? e.path, e.name))));
}

const leftovers = (dir) => readdirSync(dir).filter((name) => name.includes('.partial-'));

test('a backup while people sign up holds all that was acknowledged before it; another place serves it', async () => {
	await withFolder(async (dir) => {
		const server = await startPlimsoll({ dir, conf: { identity: { min_mail_interval: '0s' } } });
		const done = [];
		let going = true;
		let before;
		const lines = Array.from({ length: 6 }, async (_, line) => {
			for (let n = 0; going; n++) {
				const email = `person${line}.${n}@example.org`;
				done.push({ email, client: await signUp(server, email, PASS) });
			}
		});
		const targets = [1, 2, 3].map((n) => path.join(dir, `backup${n}`));
		try {
			while (done.length < 12) await new Promise((resolve) => setTimeout(resolve, 20));
			for (const target of targets) {
				before = [...done];
				const { stdout } = await run(plimsollBin(), ['backup', target, '-c', server.confPath]);
				assert.match(stdout, /5 files, .* with the private keys/);
			}
		} finally {
			going = false;
			await Promise.all(lines);
			await server.stop();
		}
		assert.ok(done.length > before.length, 'nobody signed up during the backups');
		assert.deepEqual(leftovers(dir), []);
		const [, , target] = targets;
		assert.equal(statSync(target).mode & 0o777, 0o700);
		const manifest = JSON.parse(readFileSync(path.join(target, 'manifest.json'), 'utf8'));
		assert.deepEqual(manifest.files.map((f) => f.name).sort(), ['db/plimsoll.db', 'keys/MADE', 'keys/identity.key', 'keys/symmetric.key', 'keys/vapid.key']);
		assert.deepEqual(Object.keys(manifest.schemas), ['accounts', 'pairs', 'symbols', 'sync']);
		assert.ok(manifest.schemas.accounts >= 2, 'the number of the last migration');
		for (const f of manifest.files) assert.equal(statSync(path.join(target, f.name)).mode & 0o777, 0o600);
		const files = readdirSync(target, { recursive: true }).sort();
		assert.equal(plimsoll('check', '--data', target, '-c', server.confPath).code, 0);
		assert.deepEqual(readdirSync(target, { recursive: true }).sort(), files, 'checking leaves no file behind');

		// Cookies are named after the public URL, so the same one serves from the new place.
		const elsewhere = path.join(dir, 'elsewhere');
		mkdirSync(elsewhere);
		const conf = path.join(elsewhere, 'plimsoll.ini');
		writeFileSync(conf, confText({ plimsoll: { data_dir: path.join(elsewhere, 'data') } }));
		const restored = plimsoll('restore', target, '-c', conf);
		assert.equal(restored.code, 0, restored.stderr);
		const second = await startPlimsoll({ dir: elsewhere, ports: server.ports });
		try {
			for (const { email, client } of before) {
				assert.equal((await client.context()).json.authenticated, true, `the session of ${email}`);
				assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [email]);
			}
			const login = new Client(second.url);
			assert.equal((await login.login(before[0].email, PASS)).json.success, true);
			await signUp(second, 'later@example.org', PASS);
		} finally {
			await second.stop();
		}
	});
});

test('what cannot be a good backup or restore is refused with the reason, and nothing is changed', async () => {
	await withFolder(async (dir) => {
		const server = await startPlimsoll({ dir });
		const conf = server.confPath;
		const good = path.join(dir, 'good');
		await signUp(server, 'somebody@example.org', PASS);
		assert.equal(plimsoll('backup', good, '-c', conf).code, 0);
		refused(plimsoll('backup', good, '-c', conf), 1, /good is there already/);
		refused(plimsoll('backup', '-c', conf), 2, /say where to/);
		refused(plimsoll('backup', path.join(dir, 'no/such/place'), '-c', conf), 1, /No such file/);
		refused(plimsoll('restore', good, '--force', '-c', conf), 4, /in use by another plimsoll/);
		await server.stop();
		refused(plimsoll('restore', good, '-c', conf), 1, /holds data already; --force/);

		const fresh = confFor(dir, 'fresh');
		const broken = (name, change) => {
			const copy = path.join(dir, name);
			cpSync(good, copy, { recursive: true });
			change(copy);
			return copy;
		};
		const db = (copy) => path.join(copy, 'db/plimsoll.db');
		const flip = (file) => {
			const bytes = readFileSync(file);
			bytes[bytes.length >> 1] ^= 1;
			writeFileSync(file, bytes);
		};
		const edit = (copy, fn) => {
			const file = path.join(copy, 'manifest.json');
			const manifest = JSON.parse(readFileSync(file, 'utf8'));
			fn(manifest);
			writeFileSync(file, JSON.stringify(manifest));
		};
		const cases = [
			[broken('no-manifest', (c) => rmSync(path.join(c, 'manifest.json'))), /not a whole backup/],
			[broken('short', (c) => truncateSync(db(c), 4096)), /has 4096 bytes; the manifest says/],
			[broken('flipped', (c) => flip(db(c))), /db is damaged: its SHA-256/],
			[broken('bad-key', (c) => flip(path.join(c, 'keys/identity.key'))), /identity.key is damaged/],
			[broken('lost-key', (c) => rmSync(path.join(c, 'keys/symmetric.key'))), /symmetric.key: No such file/],
			[broken('cut-manifest', (c) => truncateSync(path.join(c, 'manifest.json'), 100)), /not the manifest/],
			[broken('newer', (c) => edit(c, (m) => (m.schemas.accounts = 99))), /newer than this program/],
			[broken('format', (c) => edit(c, (m) => (m.format = 2))), /has format 2/],
			[broken('outside', (c) => edit(c, (m) => (m.files[1].name = 'keys/../../x'))), /manifest.json is damaged/],
			[path.join(dir, 'nothing'), /not a whole backup/],
		];
		for (const [copy, pattern] of cases) {
			refused(plimsoll('restore', copy, '-c', fresh), 1, pattern);
			if (!/newer/.test(copy)) refused(plimsoll('check', '--data', copy, '-c', fresh), 1, pattern);
			assert.equal(existsSync(path.join(dir, 'fresh/db/plimsoll.db')), false);
		}
		// The old data with its log is replaced as a whole.
		assert.equal(plimsoll('restore', good, '--force', '-c', conf).code, 0);
		assert.equal(plimsoll('check', '--data', '-c', conf).code, 0);
		assert.deepEqual(readdirSync(path.join(dir, 'data/db')), ['plimsoll.db']);

		// A restore that was interrupted is not taken for data.
		writeFileSync(path.join(dir, 'data/RESTORING'), '');
		refused(plimsoll('migrate', '-c', conf), 1, /a restore into .* was interrupted/);
		assert.equal(plimsoll('restore', good, '--force', '-c', conf).code, 0);
		assert.equal(plimsoll('migrate', '-c', conf).code, 0);

		// Without keys those that are there stay; in a new place new ones are made.
		const bare = path.join(dir, 'bare');
		const key = readFileSync(path.join(dir, 'data/keys/identity.key'));
		assert.match(plimsoll('backup', bare, '--without-keys', '-c', conf).stdout, /1 files, .*without keys/);
		assert.equal(plimsoll('restore', bare, '--force', '-c', conf).code, 0);
		assert.deepEqual(readFileSync(path.join(dir, 'data/keys/identity.key')), key);
		assert.equal(plimsoll('restore', bare, '-c', fresh).code, 0);
		assert.deepEqual(readdirSync(path.join(dir, 'fresh/keys')), []);
	});
});

// A small tmpfs where we may mount one; otherwise the test is by a limit on the size of files.
test('no space for a backup: the reason, nothing left behind, the server goes on', async () => {
	await withFolder(async (dir) => {
		const disk = path.join(dir, 'disk');
		mkdirSync(disk);
		let mounted = true;
		try {
			execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', disk], { stdio: 'ignore' });
		} catch {
			mounted = false;
		}
		let server;
		try {
			server = await startPlimsoll({ dir });
			for (let i = 0; i < 20; i++) await signUp(server, `person${i}@example.org`, PASS);
			const full = () =>
				mounted
					? plimsoll('backup', path.join(disk, 'b'), '-c', server.confPath)
					: (({ status, stderr }) => ({ code: status, stderr }))(spawnSync('prlimit', ['--fsize=30000', plimsollBin(), 'backup', path.join(disk, 'b'), '-c', server.confPath], { encoding: 'utf8' }));
			refused(full(), 1, /plimsoll backup: .*(full|No space left|too large).*; no backup was made/);
			assert.deepEqual(readdirSync(disk), []);
			await signUp(server, 'after@example.org', PASS);
		} finally {
			await server?.stop();
			if (mounted) execFileSync('umount', ['-l', disk]);
		}
	});
});

test('a copy for staging holds nothing of a person, in no byte of its files', async () => {
	await withFolder(async (dir) => {
		const server = await startPlimsoll({ dir });
		const people = [];
		for (let i = 0; i < 8; i++) {
			const email = `Private.Person${i}@home${i}.example.net`;
			people.push(email);
			await signUp(server, email, PASS);
		}
		const client = new Client(server.url);
		await client.login(people[0], 'a wrong password');
		await client.stage('waiting.person@home.example.net', PASS);
		const target = path.join(dir, 'backup');
		const sql = (file, text) =>
			execFileSync('python3', ['-c', 'import sqlite3, sys\nfor r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*r)', file, text], { encoding: 'utf8' }).trim().split('\n');
		await server.stop();
		assert.equal(plimsoll('backup', target, '-c', server.confPath).code, 0);
		const hashes = sql(path.join(target, 'db/plimsoll.db'), 'SELECT password_hash FROM account');
		const salts = sql(path.join(target, 'db/plimsoll.db'), "SELECT kdf_salt FROM account WHERE kdf_salt <> ''");
		const secret = [...hashes, ...salts, ...people, ...people.map((p) => p.toLowerCase()), 'waiting.person', 'example.net'].filter(Boolean);
		const original = allBytes(target);
		for (const text of [hashes[0], people[0], 'waiting.person']) assert.ok(original.includes(text), text);

		for (const [name, more, works] of [['nobody', [], false], ['everybody', ['--password', 'staging password'], true]]) {
			const place = path.join(dir, name);
			mkdirSync(place);
			const conf = path.join(place, 'plimsoll.ini');
			writeFileSync(conf, confText({ plimsoll: { data_dir: path.join(place, 'data') } }));
			const restored = plimsoll('restore', target, '--anonymise', ...more, '-c', conf);
			assert.equal(restored.code, 0, restored.stderr);
			const bytes = allBytes(path.join(place, 'data'));
			for (const text of secret) assert.equal(bytes.includes(text), false, `${text} is still there`);
			assert.deepEqual(readdirSync(path.join(place, 'data/keys')), [], 'no key of the original');
			assert.deepEqual(readdirSync(path.join(place, 'data/db')), ['plimsoll.db']);
			assert.equal(plimsoll('check', '--data', '-c', conf).code, 0);
			const copy = await startPlimsoll({ dir: place });
			try {
				const { json, text } = await new Client(copy.url).login('user-3@example.invalid', 'staging password');
				assert.equal(json.success, works, text);
				await signUp(copy, 'tester@example.org', PASS);
			} finally {
				await copy.stop();
			}
			const names = sql(path.join(place, 'data/db/plimsoll.db'), "SELECT address FROM email WHERE address LIKE 'user-%' ORDER BY account_id");
			assert.deepEqual(names, people.map((_, i) => `user-${i + 1}@example.invalid`));
		}
		refused(plimsoll('restore', target, '--password', 'x', '-c', server.confPath), 2, /usage: plimsoll restore/);
	});
});
