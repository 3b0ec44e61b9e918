// The service on PostgreSQL: what web and store may do there, over socket, TCP and TLS; what
// happens to people while the server behind it fails in all ways; and copies between the engines.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { confText, freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { probeFolder, status, until } from '../harness/roles.mjs';
import { nothingIsLost, PASS, SignUps } from './lib/sign_ups.mjs';

const RELEASE = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();
const DEADLINE_MS = 2500; // of the calls that change something
const SLACK_MS = 1500; // a sanitizer build on a busy machine

let pg;
before(async () => (pg = await startPostgres({ tls: true })));
after(() => pg?.remove());

// Runs a command of plimsoll; { status, stdout, stderr }.
function run(bin, ...args) {
	return spawnSync(bin, args, { encoding: 'utf8' });
}

function confFile(sections) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pgconf-'));
	const file = path.join(dir, 'plimsoll.ini');
	writeFileSync(file, confText({ plimsoll: { data_dir: path.join(dir, 'data') }, ...sections }));
	return { dir, file };
}

test('check explains a section [store] that cannot work, without its secrets', () => {
	const url = 'postgresql://plimsoll:s3cret@127.0.0.1/plimsoll';
	for (const [store, said] of [
		[{ engine: 'postgres' }, '[store] url: is needed with engine = postgres'],
		[{ engine: 'postgres', url }, '[store] read_url: is needed with engine = postgres'],
		[{ engine: 'postgres', url: 'mysql://x:s3cret@y/z', read_url: url }, '[store] url: is not understood'],
		[{ engine: 'postgres', url, read_url: `${url}?service=x` }, '[store] read_url: service is not allowed'],
		[{ engine: 'oracle' }, 'sqlite'],
		[{ pool: 11 }, '10'],
	]) {
		const { dir, file } = confFile({ store });
		const answer = run(plimsollBin(), 'check', '-c', file);
		assert.equal(answer.status, 3, said);
		assert.ok(answer.stderr.includes(said), answer.stderr);
		assert.ok(!answer.stderr.includes('s3cret'), answer.stderr);
		rmSync(dir, { recursive: true });
	}
});

test('serve does not start on tables that `migrate` has not made, and says so', () => {
	const { dir, file } = confFile({ store: pg.store(), web: { listen: '127.0.0.1:1' } });
	const port = { ...process.env };
	const answer = spawnSync(plimsollBin(), ['serve', '-c', file, '--set', 'web.listen=127.0.0.1:0', '--set', 'admin.listen=127.0.0.1:0', '--set', 'symbols.listen=127.0.0.1:0', '--set', 'health.listen=127.0.0.1:0', '--set', 'pairs.listen=127.0.0.1:0'], { encoding: 'utf8', env: port });
	assert.equal(answer.status, 3, answer.stderr);
	assert.match(answer.stderr, /the tables of accounts are not up to date yet: run `plimsoll migrate`/);
	rmSync(dir, { recursive: true });
});

test('a role for reading that is missing is named; one that may write is warned of', () => {
	const name = pg.newDatabase();
	const missing = confFile({ store: { ...pg.store(name), read_url: pg.url('nobody_here', name) } });
	const refused = run(plimsollBin(), 'migrate', '-c', missing.file);
	assert.equal(refused.status, 3);
	assert.match(refused.stderr, /the server has no role "nobody_here"; make it with CREATE ROLE/);
	const same = confFile({ store: { ...pg.store(name), read_url: pg.url('plimsoll', name) } });
	const warned = run(plimsollBin(), 'migrate', '-c', same.file);
	assert.equal(warned.status, 0, warned.stderr);
	assert.match(warned.stderr, /warning: \[store\] read_url: the role "plimsoll" may change tables, as it owns them/);
	for (const { dir } of [missing, same]) rmSync(dir, { recursive: true });
});

test('the role of web reads all tables and changes none', () => {
	const name = pg.newDatabase();
	const { dir, file } = confFile({ store: pg.store(name) });
	assert.equal(run(plimsollBin(), 'migrate', '-c', file).status, 0);
	const tables = pg.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name).split('\n');
	assert.ok(tables.length >= 5, tables.join());
	for (const table of tables) {
		pg.sql(`SELECT COUNT(*) FROM ${table}`, name, 'plimsoll_web');
		for (const change of [`DELETE FROM ${table}`, `TRUNCATE ${table}`, `DROP TABLE ${table}`, `CREATE TABLE more_${table} (n INT)`]) {
			assert.throws(() => execFileSync('psql', ['-X', '-q', '-d', pg.url('plimsoll_web', name), '-v', 'ON_ERROR_STOP=1', '-c', change], { stdio: 'ignore' }), change);
		}
	}
	rmSync(dir, { recursive: true });
});

// ---- sandbox, on the release build ----

const PROBES = {
	web: { socket: ['read_blob', 'unix_socket', 'accept'], tcp: ['read_blob', 'tcp_socket', 'database_connect', 'accept'] },
	store: { socket: ['unix_socket'], tcp: ['tcp_socket', 'database_connect'] },
	signer: { socket: ['read_key', 'write_key'], tcp: ['read_key', 'write_key'] },
	compute: { socket: ['thread'], tcp: ['thread'] },
	admin: { socket: ['accept', 'thread'], tcp: ['accept', 'thread'] },
};

for (const [role, ways] of Object.entries(PROBES)) {
	test(`sandbox of ${role} with PostgreSQL: the server's port and nothing else`, async () => {
		const dir = probeFolder();
		const listener = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
		await new Promise((resolve) => listener.once('listening', resolve));
		try {
			for (const [way, allowed] of Object.entries(ways)) {
				const host = way === 'tcp' ? `127.0.0.1:${listener.address().port}` : '';
				const url = `postgresql://a@${host}/b${way === 'tcp' ? '' : '?host=/run/postgresql'}`;
				const out = execFileSync(RELEASE, ['--sandbox-probe', role, dir, url], { encoding: 'utf8' });
				const may = out.trim().split('\n').filter((line) => line.includes('ALLOWED')).map((line) => line.split(' ')[0]);
				assert.deepEqual(may.sort(), [...allowed].sort(), `${role} by ${way}`);
			}
		} finally {
			listener.close();
			rmSync(dir, { recursive: true });
		}
	});
}

for (const [way, more] of [['TCP', '?sslmode=disable'], ['TLS', () => `?sslmode=verify-full&sslrootcert=${pg.certificate}`]]) {
	test(`sign-up over ${way} with passwords, in the sandbox of the release build`, async () => {
		const name = pg.newDatabase();
		const tail = typeof more === 'string' ? more : more();
		const store = { engine: 'postgres', url: pg.tcpUrl('plimsoll', name, tail), read_url: pg.tcpUrl('plimsoll_web', name, tail) };
		const server = await startPlimsoll({ bin: RELEASE, conf: { store } });
		try {
			for (const row of (await status(server)).processes) assert.equal(row.sandbox, 7, row.role);
			await signUp(server, 'tcp@example.org', PASS);
			const used = pg.sql(`SELECT DISTINCT ssl FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid WHERE application_name = 'plimsoll' AND datname = '${name}'`);
			assert.equal(used, way === 'TLS' ? 't' : 'f');
			// Broken connections are made again from inside the sandbox, certificate and all.
			pg.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
			await signUp(server, 'again@example.org', PASS);
			const shown = run(RELEASE, 'config', '-c', server.confPath).stdout;
			assert.ok(!shown.includes('-secret'), 'the configuration is shown without secrets');
			assert.ok(!server.stderr().includes('-secret'));
		} finally {
			await server.stop();
		}
	});
}

// ---- faults ----

const END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'plimsoll'";

async function timed(promise) {
	const begun = Date.now();
	return { ...(await promise), ms: Date.now() - begun };
}

// What a new person gets while nothing can be read or written: 503 with Retry-After, in time.
async function isRefusedInTime(server) {
	const client = new Client(server.url);
	for (const answer of [
		await timed(client.get('/wsapi/address_info?email=x@example.org')),
		await timed(client.get('/wsapi/have_email?email=x@example.org')),
	]) {
		assert.equal(answer.status, 503, answer.text);
		assert.match(answer.headers['retry-after'], /^\d+$/);
		assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
	}
	assert.equal((await timed(client.get('/__lbheartbeat__'))).status, 200);
	assert.equal((await client.get('/include.js')).status, 200);
}

const signsUpAgain = (server, email) =>
	until('a sign-up', async () => {
		const client = new Client(server.url);
		if ((await client.stage(email, PASS)).status !== 200) return false;
		const token = await mailedToken(server, email);
		return (await client.post('/wsapi/complete_user_creation', { token })).json?.success;
	});

test('connections and server that fail under people who sign up: nothing acknowledged is lost', async (t) => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pgfault-'));
	const own = await startPostgres();
	const store = own.store('plimsoll');
	const server = await startPlimsoll({ dir, conf: { store, identity: { min_mail_interval: '0s' } } });
	const people = new SignUps(server);
	let n = 0;
	const recovers = async (after) => {
		const begun = Date.now();
		await signsUpAgain(server, `after${++n}@example.org`);
		t.diagnostic(`${after}: a whole sign-up ${Date.now() - begun} ms later; ${people.done.size} signed up, ${people.refused} refused so far`);
	};
	try {
		people.start();
		await sleep(700);
		for (let i = 0; i < 8; i++) {
			own.sql(END_ALL, 'postgres');
			await sleep(60 + 40 * i);
		}
		await recovers('connections ended 8 times');

		const victim = own.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'plimsoll' LIMIT 1");
		execFileSync('kill', ['-9', victim]); // the server restarts all its processes
		await recovers('kill -9 of a server process');

		await own.halt('SIGQUIT');
		await own.start();
		await recovers('a crash of the server');

		own.sql('ALTER ROLE plimsoll CONNECTION LIMIT 0; ALTER ROLE plimsoll_web CONNECTION LIMIT 0', 'postgres');
		own.sql(END_ALL, 'postgres');
		await isRefusedInTime(server);
		own.sql('ALTER ROLE plimsoll CONNECTION LIMIT -1; ALTER ROLE plimsoll_web CONNECTION LIMIT -1', 'postgres');
		await recovers('no connections left');

		const refusedBefore = people.refused;
		const stopped = Date.now();
		await own.halt('SIGINT');
		await isRefusedInTime(server);
		await until('a heartbeat that tells', async () => (await new Client(server.url).get('/__heartbeat__')).status === 500);
		await sleep(Math.max(0, stopped + 5000 - Date.now()));
		await own.start();
		await recovers('5 s without a server');
		assert.ok(people.refused > refusedBefore);

		await people.stop();
		assert.ok(people.done.size > 30, `only ${people.done.size} signed up: that tests nothing`);
		await nothingIsLost(server, people);
		assert.equal((await new Client(server.url).get('/__heartbeat__')).status, 200);
	} finally {
		people.going = false;
		await server.stop();
	}
	const audit = run(plimsollBin(), 'check', '--data', '-c', server.confPath);
	assert.equal(audit.status, 0, audit.stderr);
	assert.match(audit.stdout, /the configuration and the data are good/);
	await own.remove();
	rmSync(dir, { recursive: true, force: true });
});

test('a server that hangs: answers in time, and no connection is wasted for ever', async () => {
	const own = await startPostgres();
	const server = await startPlimsoll({ conf: { store: own.store('plimsoll', { pool: 2 }) } });
	try {
		const client = await signUp(server, 'hang@example.org', PASS);
		const pids = own.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'plimsoll'").split('\n');
		for (const pid of pids) process.kill(Number(pid), 'SIGSTOP');
		process.kill(own.pid, 'SIGSTOP');
		const answers = await Promise.all(Array.from({ length: 12 }, () => timed(client.get('/wsapi/list_emails'))));
		for (const answer of answers) {
			assert.equal(answer.status, 503, answer.text);
			assert.match(answer.headers['retry-after'], /^\d+$/);
			assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
		}
		for (const pid of [own.pid, ...pids]) process.kill(Number(pid), 'SIGCONT');
		await until('answers', async () => (await client.get('/wsapi/list_emails')).status === 200);
	} finally {
		await server.stop();
		await own.remove();
	}
});

// ---- from engine to engine ----

test('a copy from SQLite to PostgreSQL and back: people notice nothing', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-copy-'));
	const store = { ...pg.store(), engine: 'sqlite' };
	const start = (engine, ports) => startPlimsoll({ dir, ports, conf: { store: { ...store, engine } } });
	let server = await start('sqlite');
	const { ports } = server;
	const signedIn = await signUp(server, 'mover@example.org', PASS);
	const staged = new Client(server.url);
	await staged.stage('staged@example.org', PASS);
	const token = await mailedToken(server, 'staged@example.org');
	const copy = (from, to) => run(plimsollBin(), 'migrate', '-c', server.confPath, '--from', from, '--to', to);
	assert.equal(copy('sqlite', 'postgres').status, 4, 'not while the server runs');
	await server.stop();

	const first = copy('sqlite', 'postgres');
	assert.equal(first.status, 0, first.stderr);
	assert.match(first.stdout, /^account: 1 rows$/m);
	assert.match(first.stdout, /^staged: 1 rows$/m);
	const second = copy('sqlite', 'postgres');
	assert.equal(second.status, 1);
	assert.match(second.stderr, /the target is not empty: its table account has rows/);
	for (const wrong of [['sqlite', 'sqlite'], ['sqlite', 'oracle']]) assert.equal(copy(...wrong).status, 2);

	server = await start('postgres', ports);
	assert.deepEqual((await signedIn.get('/wsapi/list_emails')).json.emails, ['mover@example.org']);
	assert.equal((await staged.post('/wsapi/complete_user_creation', { token })).json.success, true);
	await signUp(server, 'new@example.org', PASS); // numbers go on behind the copied ones
	await server.stop();

	rmSync(path.join(server.dataDir, 'db'), { recursive: true });
	const back = copy('postgres', 'sqlite');
	assert.equal(back.status, 0, back.stderr);
	assert.match(back.stdout, /^account: 3 rows$/m);
	server = await start('sqlite', ports);
	for (const email of ['mover@example.org', 'staged@example.org', 'new@example.org']) {
		assert.equal((await new Client(server.url).login(email, PASS)).json.success, true, email);
	}
	await signUp(server, 'last@example.org', PASS);
	await server.stop();
	assert.equal(run(plimsollBin(), 'check', '--data', '-c', server.confPath).status, 0);
	rmSync(dir, { recursive: true, force: true });
});
