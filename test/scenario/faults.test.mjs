// Faults under a running server: a locked database, a full disk, killed and stopped roles. Every
// client gets an answer in time, nothing is half done, and the service recovers by itself.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askCertificate, assertion, bundle, newKey } from '../harness/assertion.mjs';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { PATIENCE } from '../harness/patience.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf, processOf, processes, restarted, status, until } from '../harness/roles.mjs';

const PASS = 'correct horse';
const EMAIL = 'somebody@example.org';
const DEADLINE_MS = 2500; // of the calls that change something
const SLACK_MS = 4500; // a sanitizer build on a busy machine

async function withServer(options, fn) {
	const server = await startPlimsoll({ ...options, dir: options.dir ?? mkdtempSync(path.join(os.tmpdir(), 'plimsoll-fault-')) });
	try {
		await fn(server);
	} finally {
		await server.stop();
	}
	audit(server);
	if (!options.dir) rmSync(server.dir, { recursive: true, force: true });
}

// The invariants of the data hold, whatever happened.
function audit(server) {
	execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' });
}

async function timed(promise) {
	const begun = Date.now();
	const answer = await promise;
	return { ...answer, ms: Date.now() - begun };
}

function isUnavailable(answer, text = 'Service Unavailable: database unavailable') {
	assert.equal(answer.status, 503, answer.text);
	assert.equal(answer.text, text);
	assert.match(answer.headers['retry-after'], /^\d+$/);
}

// What must work while nothing can be written.
async function readsWork(server) {
	for (const [target, status] of [['/__heartbeat__', 200], ['/__lbheartbeat__', 200], ['/', 200], ['/include.js', 200], ['/.well-known/browserid', 200]]) {
		const answer = await timed(new Client(server.url).get(target));
		assert.equal(answer.status, status, target);
		assert.ok(answer.ms < SLACK_MS, `${target}: ${answer.ms} ms`);
	}
	const client = new Client(server.url);
	assert.equal((await client.context()).status, 200);
	assert.equal((await client.login(EMAIL, PASS)).json.success, true, 'a good login writes nothing');
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [EMAIL]);
}

async function stageWorks(server, client, email) {
	await until('writing to work again', async () => (await client.stage(email, PASS)).status === 200);
	const token = await mailedToken(server, email);
	assert.equal((await client.post('/wsapi/complete_user_creation', { token })).json.success, true);
	const mails = (await (await fetch(`${server.adminUrl}/outbox.json`)).json()).filter((m) => m.to === email);
	assert.equal(mails.length, 1, 'one mail, not one for each refused try');
}

// ---- the database ----

// Another program with the write lock on the database; resolves to a function that lets go.
async function lockDatabase(server) {
	const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
db.close()`;
	const child = spawn('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
	await new Promise((resolve, reject) => {
		child.stdout.once('data', resolve);
		child.once('error', reject);
		child.once('exit', (code) => reject(new Error(`the locking program ended with ${code}`)));
	});
	return async () => {
		const ended = new Promise((resolve) => child.once('close', resolve));
		child.stdin.end('\n');
		assert.equal(await ended, 0);
	};
}

test('database locked by another program: 503, reads go on, then all works and nothing was half done', async () => {
	await withServer({}, async (server) => {
		await signUp(server, EMAIL, PASS);
		const waiting = new Client(server.url);
		await waiting.stage('waiting@example.org', PASS);
		const token = await mailedToken(server, 'waiting@example.org');
		const client = new Client(server.url);
		await client.context();

		const release = await lockDatabase(server);
		try {
			for (let i = 0; i < 3; i++) {
				const answer = await timed(client.stage('locked@example.org', PASS));
				isUnavailable(answer);
				assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
			}
			isUnavailable(await waiting.post('/wsapi/complete_user_creation', { token }));
			assert.deepEqual((await waiting.get('/wsapi/have_email?email=waiting%40example.org')).json, { email_known: false });
			assert.equal((await waiting.get(`/wsapi/email_for_token?token=${token}`)).json.success, true, 'the token was not used up');
			isUnavailable(await client.login(EMAIL, 'wrong password'));
			const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => timed(new Client(server.url).stage(`many${i}@example.org`, PASS))));
			for (const answer of answers) {
				assert.equal(answer.status, 503, answer.text);
				assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
			}
			await readsWork(server);
		} finally {
			await release();
		}
		assert.equal((await waiting.post('/wsapi/complete_user_creation', { token })).json.success, true);
		await stageWorks(server, client, 'locked@example.org');
		const mails = await (await fetch(`${server.adminUrl}/outbox.json`)).json();
		assert.deepEqual(mails.filter((m) => m.to.startsWith('many')), [], 'who was refused gets no mail');
	});
});

// A folder whose space can end: { dir, fill(server), free(server), remove() }. A small tmpfs where we
// may mount one, otherwise the limit below.
function smallDisk() {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-disk-'));
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir], { stdio: 'ignore' });
	} catch {
		rmSync(dir, { recursive: true });
		return limitedFiles();
	}
	const filler = path.join(dir, 'filler');
	return {
		dir,
		fill() {
			const fd = openSync(filler, 'w');
			try {
				for (const size of [65536, 4096]) {
					for (const block = Buffer.alloc(size); ; ) writeSyncOrStop(fd, block);
				}
			} catch (error) {
				if (error.code !== 'ENOSPC') throw error;
			} finally {
				closeSync(fd);
			}
		},
		free: () => rmSync(filler),
		remove() {
			execFileSync('umount', [dir]);
			rmSync(dir, { recursive: true });
		},
	};
}

function writeSyncOrStop(fd, block) {
	if (writeSync(fd, block) < block.length) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
}

// The store's files may not grow beyond what they are: the same errors by RLIMIT_FSIZE.
function limitedFiles() {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-disk-'));
	const limit = async (server, bytes) => execFileSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(await pidOf(server, 'store'))]);
	return {
		dir,
		fill: (server) => limit(server, 150_000),
		free: (server) => limit(server, 'unlimited'),
		remove: () => rmSync(dir, { recursive: true }),
	};
}

for (const [name, makeDisk] of [['no space left on the disk', smallDisk], ['a limit on the size of files', limitedFiles]]) {
	test(`${name}: 503, reads go on, what was acknowledged stays; with space all works`, async () => {
		const disk = makeDisk();
		try {
			mkdirSync(path.join(disk.dir, 'server'));
			await withServer({ dir: path.join(disk.dir, 'server') }, async (server) => {
				await signUp(server, EMAIL, PASS);
				const client = new Client(server.url);
				await client.context();
				await disk.fill(server);
				const acknowledged = [];
				let refused = 0;
				for (let i = 0; i < 600 && refused < 5; i++) {
					const answer = await timed(client.stage(`full${i}@example.org`, PASS));
					assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
					if (answer.status === 200) {
						acknowledged.push(`full${i}@example.org`);
					} else {
						isUnavailable(answer);
						refused++;
					}
				}
				assert.equal(refused, 5, `the disk never was full; ${acknowledged.length} staged`);
				await readsWork(server);
				assert.equal((await processOf(server, 'store')).restarts, 0, 'the store is still the same');
				await disk.free(server);
				await stageWorks(server, client, 'space@example.org');
				for (const email of acknowledged) {
					const { json } = await client.get(`/wsapi/user_creation_status?email=${encodeURIComponent(email)}`);
					assert.equal(json.status, 'pending', email);
				}
			});
		} finally {
			disk.remove();
		}
	});
}

// ---- processes ----

// Calls fn() again and again on n lines at once until stop() is called, which resolves to all results.
function keepCalling(n, fn) {
	let going = true;
	const results = [];
	const lines = Promise.all(
		Array.from({ length: n }, async (_, i) => {
			while (going) results.push(await fn(i));
		}),
	);
	lines.catch(() => {}); // told by stop()
	return async () => {
		going = false;
		await lines;
		return results;
	};
}

const counted = (answers) => {
	const counts = {};
	for (const a of answers) counts[a.status] = (counts[a.status] ?? 0) + 1;
	return counts;
};

test('compute processes killed during logins: everybody gets an answer', async () => {
	await withServer({ conf: { accounts: { bcrypt_cost: 9 }, compute: { instances: 2 } } }, async (server) => {
		await signUp(server, EMAIL, PASS);
		const clients = await Promise.all(Array.from({ length: 12 }, async () => {
			const client = new Client(server.url);
			await client.context();
			return client;
		}));
		const stop = keepCalling(clients.length, (i) => timed(clients[i].login(EMAIL, PASS)));
		for (let round = 0; round < 6; round++) {
			await sleep(250);
			// The one that was killed last may not be there again yet.
			const { pid } = await until('a process', () => processOf(server, 'compute', round % 2));
			process.kill(pid, 'SIGKILL');
		}
		const answers = await stop();
		for (const answer of answers) {
			assert.ok([200, 503].includes(answer.status), answer.text);
			assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
			if (answer.status === 200) {
				assert.equal(answer.json.success, true, answer.text);
			} else {
				assert.match(answer.headers['retry-after'], /^\d+$/);
			}
		}
		assert.ok(counted(answers)[200] > 0, JSON.stringify(counted(answers)));
		await until('both compute processes', async () => (await processes(server, 'compute')).filter((p) => p.state === 'serving').length === 2);
		// Those who called in vain may have left work in the queues.
		await until('a login', async () => (await clients[0].login(EMAIL, PASS)).json?.success);
		const { json } = await until('a refused one', async () => {
			const answer = await clients[0].login(EMAIL, 'wrong password');
			return answer.status === 200 && answer;
		});
		assert.equal(json.reason, `password mismatch for user: ${EMAIL}`, 'and not locked: no failure was counted for a kill');
	});
});

test('the signer killed while it certifies: an answer for everybody, then certificates of the same key', async () => {
	await withServer({}, async (server) => {
		const client = await signUp(server, EMAIL, PASS);
		const key = newKey();
		const before = (await client.get('/pk')).json;
		const stop = keepCalling(6, () => timed(askCertificate(client, EMAIL, key)));
		for (let round = 0; round < 2; round++) {
			await sleep(300);
			const pid = await pidOf(server, 'signer');
			process.kill(pid, 'SIGKILL');
			await restarted(server, 'signer', pid);
		}
		const answers = await stop();
		for (const answer of answers) {
			assert.ok([200, 503].includes(answer.status), answer.text);
			assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
		}
		const certificate = await until('a certificate', async () => {
			const answer = await askCertificate(client, EMAIL, key);
			return answer.status === 200 && answer.text;
		});
		assert.deepEqual((await client.get('/pk')).json, before);
		const audience = 'https://site.example';
		const verified = await client.request('POST', '/verify', { body: JSON.stringify({ assertion: bundle([certificate], assertion(key, audience)), audience }) });
		assert.equal(verified.json.status, 'okay', verified.text);
		assert.equal((await client.context()).json.authenticated, true, 'the sessions still hold');
	});
});

test('the store stops for three seconds: 503 within the deadline, health answers, then all works', async () => {
	await withServer({}, async (server) => {
		await signUp(server, EMAIL, PASS);
		const pid = await pidOf(server, 'store');
		const clients = await Promise.all(Array.from({ length: 5 }, async () => {
			const client = new Client(server.url);
			await client.context();
			return client;
		}));
		process.kill(pid, 'SIGSTOP');
		const begun = Date.now();
		try {
			const staged = clients.map((client, i) => timed(client.stage(`stopped${i}@example.org`, PASS)));
			await readsWork(server);
			for (const answer of await Promise.all(staged)) {
				assert.equal(answer.status, 503, answer.text);
				assert.match(answer.headers['retry-after'], /^\d+$/);
				assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
			}
			await readsWork(server);
			await sleep(Math.max(0, 3000 - (Date.now() - begun)));
			assert.equal((await fetch(`${server.adminUrl}/status`)).status, 200);
		} finally {
			process.kill(pid, 'SIGCONT');
		}
		for (const [i, client] of clients.entries()) await stageWorks(server, client, `stopped${i}@example.org`);
		assert.equal(await pidOf(server, 'store'), pid, 'nobody replaced it');
	});
});

test('a store killed at once is replaced, readers of the database go on', async () => {
	await withServer({}, async (server) => {
		const client = await signUp(server, EMAIL, PASS);
		const pid = await pidOf(server, 'store');
		process.kill(pid, 'SIGKILL');
		for (let i = 0; i < 20; i++) {
			const answer = await client.get('/wsapi/list_emails');
			assert.ok([200, 503].includes(answer.status), answer.text);
			await sleep(10);
		}
		await restarted(server, 'store', pid);
		await until('reading', async () => (await client.get('/wsapi/list_emails')).status === 200);
		await stageWorks(server, new Client(server.url), 'after@example.org');
	});
});

test('a role that is down is shown as down, not left out', async () => {
	await withServer({}, async (server) => {
		let pid;
		for (let kills = 0; kills < 5; kills++) { // each back-off is twice the one before
			pid = await pidOf(server, 'store');
			process.kill(pid, 'SIGKILL');
			if (kills < 4) await restarted(server, 'store', pid);
		}
		const row = await until('the row', async () => (await status(server)).processes.find((p) => p.role === 'store' && p.state === 'empty'));
		assert.equal(row.pid, pid);
		assert.equal(row.restarts, 4);
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 500, 'nothing can be written now');
		assert.equal((await fetch(`${server.url}/__lbheartbeat__`)).status, 200);
		const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
		assert.match(metrics, /^plimsoll_process_up\{role="store",instance="0",pid="\d+"\} 0$/m);
		const table = execFileSync(plimsollBin(), ['status', '-c', server.confPath], { encoding: 'utf8' });
		assert.match(table, new RegExp(`^store +0 +${pid} down +4 `, 'm'));
		await restarted(server, 'store', pid);
		assert.equal((await fetch(`${server.url}/__heartbeat__`)).status, 200);
	});
});

test('a web process killed: the other serves, sessions hold, it is started again', async () => {
	await withServer({}, async (server) => {
		const client = await signUp(server, EMAIL, PASS);
		client.agent = new http.Agent({ keepAlive: false });
		const pid = await pidOf(server, 'web');
		const other = await pidOf(server, 'web', 1);
		process.kill(pid, 'SIGKILL');
		let cut = 0;
		for (let i = 0; i < 40; i++) {
			try {
				const answer = await timed(client.context());
				assert.equal(answer.status, 200);
				assert.equal(answer.json.authenticated, true);
				assert.ok(answer.ms < SLACK_MS);
			} catch (error) {
				if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
				cut++; // it was in the hands of the one that died
			}
		}
		assert.ok(cut <= 1, `${cut} connections were cut`);
		const row = await restarted(server, 'web', pid);
		assert.equal(row.restarts, 1);
		assert.equal(await pidOf(server, 'web', 1), other);
		const answers = await Promise.all(Array.from({ length: 60 }, () => client.context()));
		assert.ok(answers.every((a) => a.status === 200 && a.json.authenticated));
	});
});

test('every role killed in turn, with clients at work: all come back', async () => {
	await withServer({ conf: { web: { instances: 2 }, compute: { instances: 1 } } }, async (server) => {
		await signUp(server, EMAIL, PASS);
		const agent = new http.Agent({ keepAlive: false });
		const stop = keepCalling(4, async () => {
			const client = new Client(server.url, { agent });
			try {
				await client.context();
				return await timed(client.login(EMAIL, PASS));
			} catch (error) {
				return { status: error.code, ms: 0, text: error.message };
			}
		});
		for (const role of ['store', 'signer', 'compute', 'courier', 'admin', 'web']) {
			const pid = await pidOf(server, role);
			process.kill(pid, 'SIGKILL');
			await restarted(server, role, pid);
		}
		const answers = await stop();
		for (const answer of answers) {
			assert.ok([200, 503, 'ECONNRESET', 'EPIPE'].includes(answer.status), `${answer.status} ${answer.text}`);
			assert.ok(answer.ms < DEADLINE_MS + SLACK_MS, `${answer.ms} ms`);
		}
		await stageWorks(server, new Client(server.url), 'last@example.org');
		const rows = (await status(server)).processes;
		assert.equal(rows.length, 9);
		for (const row of rows) assert.equal(row.state, 'serving', row.role);
	});
});
