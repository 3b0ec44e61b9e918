// Every alert of doc/alerts.yml is caused: the expression is false while all is well, true while the
// fault is there, and the place to look that the runbook names shows it. promtool checks them too where it is.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../harness/certificates.mjs';
import { Client } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf, restarted, status, until } from '../harness/roles.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { evaluate, readRules, scrape } from './lib/alert_rules.mjs';
import { startTls } from './lib/tls.mjs';

const DOC = fileURLToPath(new URL('../../doc/', import.meta.url));
const PASS = 'correct horse';
const EMAIL = 'somebody@example.org';

const rules = readRules();

test('every rule has a severity, an owner who acts and a backup who does otherwise', () => {
	const text = readFileSync(path.join(DOC, 'alerts.yml'), 'utf8');
	const labels = [...text.matchAll(/^ +labels: \{severity: (page|ticket), owner: [\w-]+, backup: [\w-]+\}$/gm)];
	assert.equal(labels.length, rules.size);
	for (const [, owner, backup] of text.matchAll(/owner: ([\w-]+), backup: ([\w-]+)/g)) assert.notEqual(owner, backup);
});

let well; // a scrape while nothing was wrong
const tried = new Set();

async function fires(server, alert, labels = {}, seconds = 25) {
	const expr = rules.get(alert) ?? assert.fail(`no alert ${alert}`);
	tried.add(alert);
	return until(`${alert}: ${expr}`, async () => {
		const found = evaluate(expr, well, await scrape(server));
		return found.find((s) => Object.entries(labels).every(([k, v]) => s.labels[k] === v));
	}, seconds);
}

async function isQuiet(server, alert, seconds = 40) {
	await until(`${alert} to end`, async () => evaluate(rules.get(alert), well, await scrape(server)).length === 0, seconds);
}

async function warned(server, pattern) {
	return until(`a warning like ${pattern}`, async () => (await status(server)).warnings.find((w) => pattern.test(w.line)));
}

// ---- the server ----

let server;
let sink;
before(async () => {
	sink = await startSink();
	server = await startPlimsoll({
		// The windows of a test are shorter than those of a day.
		conf: { grace: { tolerance: 1 }, capacity: { window: '3s' }, accounts: { bcrypt_cost: 10 }, mail: { smtp: sink.url, timeout: '2s' }, identity: { min_mail_interval: '0ms' }, http: { max_connections: 64 } },
	});
	const client = new Client(server.url);
	await client.stage(EMAIL, PASS);
	const [mail] = await sink.waitFor(1);
	const [, token] = /token=([A-Za-z0-9]{48})/.exec(mail.headers['x-browserid-verificationurl']);
	assert.equal((await client.post('/wsapi/complete_user_creation', { token })).json.success, true);
	await sleep(1500); // the first second of samples
	well = await scrape(server);
});
after(async () => {
	await server?.stop();
	await sink?.stop();
});

test('the rules and the table of the runbook name the same alerts, over metrics that there are', () => {
	const page = readFileSync(path.join(DOC, 'OPERATING.md'), 'utf8');
	const [table] = page.slice(page.indexOf('## Alerts') + 3).split('\n## ');
	const names = [...table.matchAll(/^\| (Plimsoll\w+) \|/gm)].map((m) => m[1]);
	assert.deepEqual([...rules.keys()].sort(), names.sort());
	const metrics = readFileSync(path.join(DOC, 'METRICS.md'), 'utf8');
	const known = new Set([...metrics.matchAll(/^\| `(\w+)`/gm)].map((m) => m[1].replace(/^(?!plimsoll_)/, 'plimsoll_')));
	for (const [name, expr] of rules) {
		const [metric] = /[a-z_]+_[a-z0-9_]+/.exec(expr.replace(/^(increase)?\(/, '')) ?? ['up'];
		assert.ok(metric === 'up' || known.has(metric), `${name}: ${metric}`);
	}
	for (const [, metric] of table.matchAll(/`(plimsoll_\w+)`/g)) assert.ok(known.has(metric), metric);
});

test('all is well: no alert fires', async () => {
	// A machine that runs other tests beside holds loops, disks and processors up now and then.
	const byOthers = ['PlimsollLoopLag', 'PlimsollSlow', 'PlimsollNearLine', 'PlimsollGrowth'];
	for (const [name, expr] of rules) if (!byOthers.includes(name)) assert.deepEqual(evaluate(expr, well, await scrape(server)), [], name);
});

const promtool = process.env.PROMTOOL ?? (spawnSync('promtool', ['--version']).error ? null : 'promtool');
test('promtool finds nothing wrong with the rules and the page', { skip: !promtool && 'no promtool here' }, async () => {
	execFileSync(promtool, ['check', 'rules', path.join(DOC, 'alerts.yml')]);
	const page = await (await fetch(`${server.adminUrl}/metrics`)).text();
	const r = spawnSync(promtool, ['check', 'metrics'], { input: page, encoding: 'utf8' });
	assert.equal(r.status, 0, r.stderr);
});

// ---- the faults ----

test('compute saturated: refusing, near the line, no room to grow, long waits', async () => {
	let stop = false;
	const ends = Array.from({ length: 40 }, async () => {
		const client = new Client(server.url);
		while (!stop) {
			const answer = await client.login(EMAIL, PASS).catch(() => null);
			if (answer?.status === 503) await sleep(20);
		}
		client.agent.destroy();
	});
	try {
		await fires(server, 'PlimsollRefusing');
		await fires(server, 'PlimsollNearLine');
		await fires(server, 'PlimsollGrowth');
		await fires(server, 'PlimsollQueueWait');
		await warned(server, /event=near_line share=[01]\.\d\d fullest=(compute|processors)/);
		const s = await status(server);
		assert.ok(['compute', 'processors'].includes(s.fullest), s.fullest);
		assert.ok(s.families.http_refusals_total.rows.compute > 0);
		assert.ok(s.families.http_refused_total.rows['identity.authenticate_user'] > 0);
	} finally {
		stop = true;
		await Promise.all(ends);
	}
});

test('a role dies again and again: restarts are counted, the log says how it ended', async () => {
	for (let i = 0; i < 4; i++) {
		const pid = await pidOf(server, 'compute', 0);
		process.kill(pid, 'SIGKILL');
		await restarted(server, 'compute', pid, 0);
	}
	const { labels } = await fires(server, 'PlimsollRestartLoop');
	assert.equal(labels.role, 'compute');
	await warned(server, /event=process_ended process=compute\/0/);
	const pid = await pidOf(server, 'compute', 0);
	process.kill(pid, 'SIGKILL'); // the pause before the next start is long by now
	await fires(server, 'PlimsollProcessDown', { role: 'compute', instance: '0' });
	await restarted(server, 'compute', pid, 0);
	await isQuiet(server, 'PlimsollProcessDown');
});

test('the store hangs: silent, and the heartbeat says so', async () => {
	const pid = await pidOf(server, 'store');
	process.kill(pid, 'SIGSTOP');
	try {
		await fires(server, 'PlimsollProcessSilent', { role: 'store' });
		await fires(server, 'PlimsollNotReady');
		await until('a bad heartbeat', async () => (await new Client(server.url).get('/__heartbeat__')).status === 500);
	} finally {
		process.kill(pid, 'SIGCONT');
	}
	await isQuiet(server, 'PlimsollProcessSilent');
	await isQuiet(server, 'PlimsollNotReady');
});

// Another program holds the database for a while, again and again: what waits for it takes as long.
function holdDatabase(seconds) {
	const script = `import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
end = time.time() + ${seconds}
while time.time() < end:
    db.execute('BEGIN IMMEDIATE'); time.sleep(0.6); db.execute('COMMIT'); time.sleep(0.05)`;
	return spawn('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db')], { stdio: 'ignore' });
}

test('a slow statement: the answers that wait for it are slow, and the log names it', async () => {
	const client = new Client(server.url);
	const holder = holdDatabase(60);
	let going = true;
	let n = 0;
	const writing = (async () => {
		while (going) {
			const answer = await client.post('/wsapi/stage_reset', { email: EMAIL, site: 'http://site.example' }).catch(() => null);
			n += answer?.json?.success === true;
			await sleep(20);
		}
	})();
	try {
		await fires(server, 'PlimsollSlow', {}, 40);
		await warned(server, /event=slow_statement/);
		assert.ok(n > 0, 'they were served');
	} finally {
		going = false;
		holder.kill('SIGKILL');
		await writing;
	}
	await isQuiet(server, 'PlimsollSlow');
});

test('the disk is full: errors, with the reason in the warnings; with room it goes on', async () => {
	const limit = async (bytes) => execFileSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(await pidOf(server, 'store'))]);
	const client = new Client(server.url);
	await isQuiet(server, 'PlimsollErrors'); // what came before
	await limit(1000);
	let n = 0;
	try {
		await until('errors', async () => {
			assert.equal((await client.stage(`full${n++}@example.org`, PASS)).status, 503);
			return n === 8;
		});
		await fires(server, 'PlimsollErrors');
		await warned(server, /event=commit_failed err=DISK_FULL/);
	} finally {
		await limit('unlimited');
	}
	await until('room', async () => (await client.stage('room@example.org', PASS)).status === 200);
	await isQuiet(server, 'PlimsollErrors');
});

test('more connections than max_connections: they wait to be accepted, and why is counted', async () => {
	const sockets = Array.from({ length: 420 }, () => net.connect(server.ports.web, '127.0.0.1').on('error', () => {}));
	try {
		await fires(server, 'PlimsollAcceptQueue');
		assert.ok((await status(server)).families.http_accept_paused_total.rows.limit > 0);
	} finally {
		for (const socket of sockets) socket.destroy();
	}
	await isQuiet(server, 'PlimsollAcceptQueue');
});

test('a machine without processor time to give: loop lag', async () => {
	const pid = await pidOf(server, 'web', 0);
	const children = [spawn('wrk', ['-t1', '-c56', '-d60s', `${server.url}/wsapi/have_email?email=nobody%40example.org`], { stdio: 'ignore' })];
	const ended = () => Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('close', resolve))));
	try {
		// It gets what programs that never wait leave: next to nothing, so it is taken off in the middle of its work.
		execFileSync('chrt', ['--idle', '--pid', '0', String(pid)]);
		// Many, because tests beside this one leave time, too.
		for (let i = 0; i < 8 * os.cpus().length; i++) children.push(spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
		await fires(server, 'PlimsollLoopLag', { role: 'web', instance: '0' });
	} finally {
		for (const child of children) child.kill('SIGKILL');
		await ended();
		execFileSync('chrt', ['--other', '--pid', '0', String(pid)]);
	}
});

test('the mail server is away: mails age; it refuses for good: they are given up', async () => {
	sink.mode = 'busy';
	const client = new Client(server.url);
	assert.equal((await client.stage('late@example.org', PASS)).status, 200);
	await warned(server, /event=mail_delayed/);
	// Two minutes are too long for a test: the row is made older.
	const script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=10); db.execute('UPDATE outbox SET created_ms = created_ms - 200000 WHERE state = 0'); db.commit()";
	execFileSync('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db')]);
	await fires(server, 'PlimsollMailDelay');
	sink.mode = 'refuse';
	assert.equal((await client.stage('never@example.org', PASS)).status, 200);
	await fires(server, 'PlimsollMailRefused');
	await warned(server, /event=mail_refused/);
	sink.mode = 'accept';
});

test('a certificate is about to end, and its renewal ends the alert', async () => {
	const short = makeCertificate(['localhost', '127.0.0.1'], { days: 5 });
	const tls = await startTls({ pairs: [short] });
	try {
		await fires(tls, 'PlimsollCertificateEnds', { role: 'signer' });
		makeCertificate(['localhost', '127.0.0.1'], { days: 60, dir: path.dirname(short.certificate), name: 'localhost' });
		process.kill(tls.pid, 'SIGHUP');
		await isQuiet(tls, 'PlimsollCertificateEnds');
	} finally {
		await tls.stop();
	}
});

test('the server is gone: nobody answers; and no alert was left untried', async () => {
	await server.stop();
	await fires(server, 'PlimsollDown');
	server = null;
	assert.deepEqual([...rules.keys()].filter((name) => !tried.has(name)), []);
});
