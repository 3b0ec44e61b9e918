// The command line as a person meets it: words, exit codes, one clear line for each mistake, and
// what refuses to start. Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration, 4 in use.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { confText, freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { status, until } from '../harness/roles.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE_BIN = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const RUN_SECONDS = 30;

const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-cli-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

let counter = 0;
function newFolder() {
	const dir = path.join(scratch, String(++counter));
	mkdirSync(dir);
	return dir;
}

function write(text, name = 'plimsoll.ini') {
	const file = path.join(newFolder(), name);
	writeFileSync(file, text);
	return file;
}

// Runs a command to its end: { code, stdout, stderr, lines } where lines are those of stderr.
function run(args, { bin = plimsollBin(), cwd = scratch } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(bin, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
		const timer = setTimeout(() => child.kill('SIGKILL'), RUN_SECONDS * 1000);
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('error', reject);
		child.once('close', (code, signal) => {
			clearTimeout(timer);
			resolve({ code, signal, stdout, stderr, lines: stderr.split('\n').filter(Boolean) });
		});
	});
}

// A command that fails with that code and says why in one line.
async function fails(args, code, line, options) {
	const end = await run(args, options);
	assert.equal(end.code, code, `${args.join(' ')}: ${end.signal ?? ''} ${end.stderr}`);
	assert.equal(end.lines.length, 1, end.stderr);
	assert.match(end.lines[0], line);
	assert.equal(end.stdout, '');
	return end;
}

async function serveArgs(dataDir, more = {}) {
	const [web, admin] = [await freePort(), await freePort()];
	const sections = {
		plimsoll: { data_dir: dataDir, public_url: `http://127.0.0.1:${web}` },
		web: { listen: `127.0.0.1:${web}`, instances: 1 },
		admin: { listen: `127.0.0.1:${admin}` },
		symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' },
		...more,
	};
	return ['serve', '-c', write(confText(sections))];
}

async function withServer(options, fn) {
	const server = await startPlimsoll(options);
	try {
		await fn(server);
	} finally {
		await server.stop();
	}
}

// ---- words ----

test('help names every command and the exit codes', async () => {
	for (const args of [['help'], ['--help'], ['-h'], ['serve', '--help'], ['check', '-h']]) {
		const end = await run(args);
		assert.equal(end.code, 0, args.join(' '));
		for (const word of ['serve', 'check', 'config', 'migrate', 'status', 'version', 'help', '--set', 'exit codes']) {
			assert.ok(end.stdout.includes(word), `${args.join(' ')}: ${word}`);
		}
		assert.equal(end.stderr, '');
	}
	const bare = await run([]);
	assert.equal(bare.code, 2);
	assert.match(bare.stderr, /usage: plimsoll COMMAND/);
});

test('version', async () => {
	const end = await run(['version']);
	assert.equal(end.code, 0);
	assert.match(end.stdout, /^plimsoll \d+\.\d+\.\d+\n$/);
});

test('words that are not understood: exit 2 and one line', async () => {
	await fails(['sreve'], 2, /there is no command "sreve".*plimsoll help/);
	await fails(['version', '--nope'], 2, /"--nope" is not understood.*plimsoll help/);
	await fails(['serve', '-x'], 2, /"-x" is not understood/);
	await fails(['serve', 'sink'], 2, /there is no service "sink"; there are: identity/);
	await fails(['serve', 'accounts'], 2, /there is no service "accounts"/);
	await fails(['serve', 'identity', 'more'], 2, /"more" is not understood/);
	await fails(['version', 'more'], 2, /"more" is not understood/);
	await fails(['check', '-c'], 2, /-c needs a value/);
	await fails(['check', '--set'], 2, /--set needs a value/);
});

// ---- configuration ----

test('an unknown key is named with file, line and the nearest known one', async () => {
	const file = write('# first line\n[web]\nlistn = 127.0.0.1:8000\n');
	for (const command of ['check', 'config', 'serve', 'status', 'migrate', 'version']) {
		const end = await fails([command, '-c', file], 3, /:3: \[web\] listn: unknown key; did you mean \[web\] listen\?$/);
		assert.ok(end.lines[0].startsWith(`${file}:3: `));
	}
	await fails(['check', '-c', write('[acounts]\nbcrypt_cost = 4\n')], 3, /:2: \[acounts\] bcrypt_cost: unknown section; did you mean \[accounts\] bcrypt_cost\?$/);
	await fails(['check', '-c', write('[web]\nqqqqqqqqqqqqqqqqqqqq = 1\n')], 3, /:2: \[web\] q+: unknown key; `plimsoll config` lists the known keys$/);
	await fails(['check', '--set', 'web.instanses=2'], 3, /^command line: \[web\] instanses: unknown key; did you mean \[web\] instances\?$/);
});

test('a value out of bounds: what was wrong and what is allowed', async () => {
	const rows = [
		['[accounts]\nbcrypt_cost = 3\n', /:2: \[accounts\] bcrypt_cost: "3" is wrong; allowed is a whole number from 4 to \d+$/],
		['[accounts]\nbcrypt_cost = 100\n', /:2: \[accounts\] bcrypt_cost: "100" is wrong/],
		['[accounts]\nbcrypt_cost = ten\n', /"ten" is wrong; allowed is a whole number from 4 to \d+/],
		['[accounts]\nbcrypt_cost =\n', /:2: \[accounts\] bcrypt_cost: /],
		['[identity]\nsignup = maybe\n', /:2: \[identity\] signup: "maybe" is wrong; allowed is .*open.*closed/],
		['[identity]\ntoken_lifetime = 5\n', /:2: \[identity\] token_lifetime: "5" is wrong; allowed is /],
		['[identity]\ntoken_lifetime = 1s\n', /:2: \[identity\] token_lifetime: "1s" is wrong; allowed is /],
		['[web]\nlisten = 127.0.0.1:70000\n', /:2: \[web\] listen: "127\.0\.0\.1:70000" is wrong/],
		['[plimsoll]\npublic_url = id.example\n', /:2: \[plimsoll\] public_url: "id\.example" is wrong/],
		['[plimsoll]\npublic_url = https://id.example/path\n', /:2: \[plimsoll\] public_url: /],
		['[http]\naccess_log = perhaps\n', /:2: \[http\] access_log: "perhaps" is wrong/],
	];
	for (const [text, line] of rows) await fails(['check', '-c', write(text)], 3, line);
});

test('every problem of a file is told at once', async () => {
	const file = write('[web]\nlistn = x\ninstances = many\nnonsense\n[web\n[mail]\nsmtp = http://x\n');
	const end = await run(['check', '-c', file]);
	assert.equal(end.code, 3);
	assert.deepEqual(end.lines.map((l) => Number(/:(\d+): /.exec(l)?.[1])), [2, 3, 4, 5], end.stderr);
	await fails(['check', '-c', path.join(scratch, 'none.ini')], 3, /none\.ini: cannot be read: No such file/);
	await fails(['check', '--set', 'web.listen'], 3, /--set web\.listen: must look like section\.key=value/);
});

test('config prints everything in effect and where it came from', async () => {
	const file = write('[web]\ninstances = 3\n\n[mail]\npassword = hunter2hunter2\nfrom = Site <login@example.org>\n');
	const end = await run(['config', '-c', file, '--set', 'accounts.bcrypt_cost=11', '--set', 'web.drain=3s', '--set', 'web.drain=4s']);
	assert.equal(end.code, 0, end.stderr);
	const lines = end.stdout.split('\n');
	const has = (line) => assert.ok(lines.includes(line), `${line}\n${end.stdout}`);
	has('[web]');
	has(`instances = 3  # ${file}:2`);
	has('listen = 127.0.0.1:8000  # default');
	has(`password = (hidden)  # ${file}:5`);
	has(`from = Site <login@example.org>  # ${file}:6`);
	has('bcrypt_cost = 11  # command line');
	has('drain = 4s  # command line');
	assert.doesNotMatch(end.stdout, /hunter2/);
	// What it prints is a configuration again, and says the same.
	const again = await run(['config', '-c', write(end.stdout.replace(/ {2}#.*$/gm, '').replace('(hidden)', 'x'))]);
	assert.equal(again.code, 0, again.stderr);
	const values = (text) => text.replace(/ {2}#.*$/gm, '');
	assert.equal(values(again.stdout), values(end.stdout));
});

test('config --reference: every key, and doc/CONFIGURATION.md is that page', async () => {
	const end = await run(['config', '--reference']);
	assert.equal(end.code, 0);
	const effective = (await run(['config'])).stdout;
	const keys = [...effective.matchAll(/^([\w.]+) = /gm)].map((m) => m[1]);
	assert.ok(keys.length > 30);
	for (const key of keys) assert.ok(end.stdout.includes(`| \`${key}\` |`), key);
	assert.equal((end.stdout.match(/^\| `/gm) ?? []).length, keys.length);
	const page = path.join(ROOT, 'doc/CONFIGURATION.md');
	const isThatPage = !existsSync(page) || readFileSync(page, 'utf8') === end.stdout;
	assert.ok(isThatPage, 'run: plimsoll config --reference > doc/CONFIGURATION.md');
});

test('check: good configurations', async () => {
	const good = [
		[],
		['--set', 'plimsoll.public_url=http://localhost:8000'],
		['--set', 'plimsoll.public_url=http://[::1]:8000'],
		['--set', 'plimsoll.public_url=https://id.example', '--set', 'mail.smtp=smtp://mx.example:25'],
		['--set', 'plimsoll.public_url=https://id.example', '--set', 'identity.signup=closed'],
	];
	for (const args of good) {
		const end = await run(['check', ...args]);
		assert.equal(end.code, 0, `${args} ${end.stderr}`);
		assert.match(end.stdout, /the configuration is good\n$/);
		assert.doesNotMatch(end.stdout, /WebCrypto/, args.join(' '));
	}
});

test('check: an address of others without mail is refused, one without https is warned of', async () => {
	const url = 'plimsoll.public_url=https://id.example';
	for (const command of ['check', 'serve']) {
		await fails([command, '--set', url], 3, /public_url https:\/\/id\.example is not on this machine.*\[mail\] smtp.*\[identity\] signup = invite or closed/);
	}
	const plain = await run(['check', '--set', 'plimsoll.public_url=http://id.example', '--set', 'identity.signup=closed']);
	assert.equal(plain.code, 0);
	assert.match(plain.stdout, /warning: \[plimsoll\] public_url http:\/\/id\.example: .*WebCrypto only on https/);
	await fails(['check', '--set', 'mail.smtp=http://mx.example'], 3, /\[mail\] smtp: must be smtp:\/\/host\[:port\] or smtps:/);
	await fails(['check', '--set', 'mail.from=nobody'], 3, /\[mail\] from: must be an address/);
	await fails(['check', '--set', 'http.trusted_proxies=somewhere'], 3, /trusted_proxies/);
	await fails(['check', '--set', 'plimsoll.services=identity,sink'], 3, /\[plimsoll\] services: there is no service "sink"/);
	await fails(['check', '--set', 'log.level=loud'], 3, /loud/);
});

// ---- the database ----

test('migrate on a fresh folder, twice; check --data agrees', async () => {
	const dir = path.join(newFolder(), 'var');
	const set = ['--set', `plimsoll.data_dir=${dir}`];
	await fails(['check', '--data', ...set], 1, /plimsoll\.db/);
	for (let i = 0; i < 2; i++) {
		const end = await run(['migrate', ...set]);
		assert.equal(end.code, 0, end.stderr);
		assert.match(end.stdout, /^accounts: at version \d+\n/);
	}
	assert.equal(statSync(dir).mode & 0o777, 0o700);
	assert.equal(statSync(path.join(dir, 'db/plimsoll.db')).mode & 0o777, 0o600);
	const audit = await run(['check', '--data', ...set]);
	assert.equal(audit.code, 0, audit.stderr);
	assert.match(audit.stdout, /the configuration and the data are good/);
	await withServer({ conf: { plimsoll: { data_dir: dir } } }, (server) => signUp(server, 'a@example.org', 'correct horse'));
});

test('a database of another program, and a folder that cannot be', async () => {
	const dir = path.join(newFolder(), 'var');
	mkdirSync(path.join(dir, 'db'), { recursive: true });
	writeFileSync(path.join(dir, 'db/plimsoll.db'), 'this is no database at all, but some text that is long enough to be one\n'.repeat(20));
	await fails(['migrate', '--set', `plimsoll.data_dir=${dir}`], 1, /plimsoll\.db/);
	await fails(await serveArgs(dir), 1, /^plimsoll: store: .*plimsoll\.db/);
	const file = write('not a folder', 'var');
	await fails(['migrate', '--set', `plimsoll.data_dir=${file}`], 1, /is not a folder/);
	await fails(await serveArgs(path.join(file, 'below')), 1, /cannot make the folder/);
});

// ---- a running server ----

test('status, migrate and a second server while one runs', async () => {
	await withServer({ bin: RELEASE_BIN, conf: { compute: { instances: 1 } } }, async (server) => {
		await until('all nine processes', async () => {
			const rows = (await status(server)).processes;
			return rows.length === 9 && rows.every((p) => p.state === 'serving');
		});
		const end = await run(['status', '-c', server.confPath], { bin: RELEASE_BIN });
		assert.equal(end.code, 0, end.stderr);
		const [head, ...rows] = end.stdout.trimEnd().split('\n').map((l) => l.trim().split(/ {2,}| (?=\S)/));
		assert.deepEqual(head.slice(0, 6), ['role', 'no', 'pid', 'state', 'restarts', 'sandbox']);
		const seen = {};
		for (const [role, , pid, state, restarts, sandbox] of rows) {
			seen[role] = (seen[role] ?? 0) + 1;
			assert.equal(state, 'serving', end.stdout);
			assert.equal(restarts, '0', end.stdout);
			assert.equal(sandbox, 'closed', end.stdout);
			assert.ok(Number(pid) > 1);
		}
		assert.deepEqual(Object.keys(seen).sort(), ['admin', 'compute', 'courier', 'files', 'media', 'signer', 'store', 'web']);
		assert.equal(seen.web, 2);
		const json = JSON.parse((await run(['status', '--json', '-c', server.confPath])).stdout);
		assert.equal(json.processes.length, rows.length);

		await fails(['migrate', '-c', server.confPath], 4, new RegExp(`data directory .* is in use by another plimsoll \\(process ${server.pid}\\)`));
		const second = await serveArgs(server.dataDir);
		await fails(second, 4, new RegExp(`^plimsoll: the data directory .* in use by another plimsoll \\(process ${server.pid}\\)$`));
		const audit = await run(['check', '--data', '-c', server.confPath]);
		assert.equal(audit.code, 0, audit.stderr);

		for (const [section, url] of [['web', server.url], ['admin', server.adminUrl]]) {
			const args = await serveArgs(path.join(newFolder(), 'var'));
			const listen = `${section}.listen=${new URL(url).host}`;
			await fails([...args, '--set', listen], 4, new RegExp(`^plimsoll: \\[${section}\\] listen = ${new URL(url).host}: `));
		}
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 200, 'the first one goes on');
	});
});

test('status where nothing runs', async () => {
	const port = await freePort();
	await fails(['status', '--set', `admin.listen=127.0.0.1:${port}`], 1, new RegExp(`nobody answers at 127\\.0\\.0\\.1:${port}: is .plimsoll serve. running`));
	const other = net.createServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 404 Not Found\r\n\r\n')));
	await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
	await fails(['status', '--set', `admin.listen=127.0.0.1:${other.address().port}`], 1, /answered: HTTP\/1\.0 404 Not Found/);
	await new Promise((resolve) => other.close(resolve));
});

test('serve identity runs that service and what it needs', async () => {
	await withServer({ args: ['identity'] }, async (server) => {
		assert.equal((await fetch(`${server.url}/wsapi/session_context`)).status, 200);
		const { services } = await (await fetch(`${server.adminUrl}/status`)).json();
		assert.deepEqual(services.sort(), ['accounts', 'identity', 'well_known']);
	});
});

test('serve in an empty folder without configuration makes ./var', async () => {
	const cwd = newFolder();
	const [web, admin] = [await freePort(), await freePort()];
	const child = spawn(plimsollBin(), ['serve', '--set', `web.listen=127.0.0.1:${web}`, '--set', `admin.listen=127.0.0.1:${admin}`, '--set', 'symbols.listen=127.0.0.1:0', '--set', 'health.listen=127.0.0.1:0', '--set', 'pairs.listen=127.0.0.1:0'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
	let stdout = '';
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	try {
		await until('the line that it is ready', () => /is ready\n/.test(stdout), 30);
		await until('both addresses', () => stdout.includes(`127.0.0.1:${web}`) && stdout.includes(`127.0.0.1:${admin}`));
		assert.equal((await fetch(`http://127.0.0.1:${web}/`)).status, 200);
		assert.equal(statSync(path.join(cwd, 'var')).mode & 0o777, 0o700);
	} finally {
		child.kill('SIGTERM');
	}
	assert.deepEqual(await new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))), { code: 0, signal: null });
});

// ---- keys ----

test('keys that others may read, that are missing, damaged or no files: refused with one line', async () => {
	const dir = newFolder();
	const options = { dir };
	const first = await startPlimsoll(options);
	await first.stop();
	const keys = path.join(first.dataDir, 'keys');
	const args = ['serve', '-c', first.confPath];
	for (const name of ['identity.key', 'symmetric.key']) {
		const file = path.join(keys, name);
		const good = readFileSync(file);
		assert.equal(statSync(file).mode & 0o777, 0o600);
		for (const mode of [0o644, 0o640, 0o602]) {
			chmodSync(file, mode);
			await fails(args, 3, new RegExp(`^plimsoll: signer: .*keys/${name} may be read by others \\(mode ${mode.toString(8)}\\): chmod 600`));
		}
		rmSync(file);
		await fails(args, 3, new RegExp(`^plimsoll: signer: .*keys/${name} is missing: put it back from your backup`));
		assert.equal(existsSync(file), false, 'no new one in its place');
		symlinkSync('/dev/null', file);
		await fails(args, 1, new RegExp(`^plimsoll: signer: .*keys/${name}`));
		rmSync(file);
		writeFileSync(file, 'x', { mode: 0o600 });
		await fails(args, 3, new RegExp(`^plimsoll: signer: .*keys/${name}`));
		writeFileSync(file, good, { mode: 0o600 });
	}
	const again = await startPlimsoll({ dir, ports: first.ports });
	await again.stop();
});

// ---- reload ----

test('SIGHUP: a good file takes effect, a bad one changes nothing', async () => {
	await withServer({ conf: { identity: { min_mail_interval: '60s' }, log: { level: 'info' } } }, async (server) => {
		const original = readFileSync(server.confPath, 'utf8');
		const reload = async (text, event) => {
			const from = server.stderr().length;
			writeFileSync(server.confPath, text);
			process.kill(server.pid, 'SIGHUP');
			return until(event, () => {
				const log = server.stderr().slice(from);
				return log.includes(`event=${event}`) && log;
			});
		};
		const email = 'again@example.org';
		const client = new Client(server.url);
		assert.equal((await client.stage(email, 'correct horse')).status, 200);
		assert.equal((await client.stage(email, 'correct horse')).status, 429);

		const refused = await reload(original.replace('min_mail_interval = 60s', 'min_mail_interval = 0s\nmin_mail_intervall = 1'), 'reload_refused');
		assert.match(refused, /reload_problem.*plimsoll\.ini:\d+: \[identity\] min_mail_intervall: unknown key; did you mean/);
		assert.equal((await client.stage(email, 'correct horse')).status, 429, 'nothing of it took effect');

		await reload(original.replace('min_mail_interval = 60s', 'min_mail_interval = 0s'), 'reloaded');
		await until('the new interval', async () => (await client.stage(email, 'correct horse')).status === 200);
		const token = await mailedToken(server, email);
		assert.equal((await client.post('/wsapi/complete_user_creation', { token })).json.success, true);

		const kept = await reload(original.replace('instances = 2', 'instances = 1'), 'reloaded');
		assert.match(kept, /reload_incomplete.*\[web\] instances takes effect only after a restart/);
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 200);

		rmSync(server.confPath);
		process.kill(server.pid, 'SIGHUP');
		await until('a refusal', () => /reload_problem.*cannot be read/.test(server.stderr()));
	});
});
