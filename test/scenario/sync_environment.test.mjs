// Names in the environment that people who had another sync server have set already.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';

const LIMITS = 'SYNC_SYNCSTORAGE__LIMITS__';

function config(env, ...args) {
	const run = spawnSync(plimsollBin(), ['config', ...args], { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });
	return { ...run, has: (line) => assert.ok(run.stdout.includes(`${line}\n`), `${line} in ${run.stdout}${run.stderr}`) };
}

test('each name sets its key, and `plimsoll config` says so', () => {
	const all = config({
		SYNC_MASTER_SECRET: 'do not show me',
		SYNC_HOST: '0.0.0.0',
		SYNC_PORT: '8123',
		SYNC_TOKENSERVER__INIT_NODE_URL: 'https://sync.example.org',
		SYNC_TOKENSERVER__TOKEN_DURATION: '7200',
		SYNC_TOKENSERVER__FXA_OAUTH_SERVER_URL: 'https://oauth.example.org',
		[`${LIMITS}MAX_POST_RECORDS`]: '50',
		[`${LIMITS}MAX_POST_BYTES`]: '2000000',
		[`${LIMITS}MAX_RECORD_PAYLOAD_BYTES`]: '1900000',
		[`${LIMITS}MAX_REQUEST_BYTES`]: '2100000',
		[`${LIMITS}MAX_TOTAL_RECORDS`]: '9000',
		[`${LIMITS}MAX_TOTAL_BYTES`]: '9000000',
		[`${LIMITS}MAX_QUOTA_LIMIT`]: '5000000',
	});
	assert.equal(all.status, 0, all.stderr);
	all.has('master_secret = (hidden)  # environment SYNC_MASTER_SECRET');
	all.has('listen = 0.0.0.0:8123  # environment SYNC_HOST+SYNC_PORT');
	all.has('public_url = https://sync.example.org  # environment SYNC_TOKENSERVER__INIT_NODE_URL');
	all.has('token_lifetime = 7200s  # environment SYNC_TOKENSERVER__TOKEN_DURATION');
	all.has('oauth_verifier = https://oauth.example.org  # environment SYNC_TOKENSERVER__FXA_OAUTH_SERVER_URL');
	all.has(`max_post_records = 50  # environment ${LIMITS}MAX_POST_RECORDS`);
	all.has(`max_post_bytes = 2000000  # environment ${LIMITS}MAX_POST_BYTES`);
	all.has(`max_record_payload_bytes = 1900000  # environment ${LIMITS}MAX_RECORD_PAYLOAD_BYTES`);
	all.has(`max_request_bytes = 2100000  # environment ${LIMITS}MAX_REQUEST_BYTES`);
	all.has(`max_total_records = 9000  # environment ${LIMITS}MAX_TOTAL_RECORDS`);
	all.has(`max_total_bytes = 9000000  # environment ${LIMITS}MAX_TOTAL_BYTES`);
	all.has(`quota = 5000000  # environment ${LIMITS}MAX_QUOTA_LIMIT`);
	assert.ok(!all.stdout.includes('do not show me'));
	const python = config({ SYNCSERVER_PUBLIC_URL: 'http://localhost:5000', SYNCSERVER_SECRET: 'x' });
	python.has('public_url = http://localhost:5000  # environment SYNCSERVER_PUBLIC_URL');
	python.has('master_secret = (hidden)  # environment SYNCSERVER_SECRET');
	config({ SYNC_PORT: '' }).has('listen = 127.0.0.1:8000  # default');
});

test('they stand over the file and below the command line; nonsense is refused with the name', () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-env-'));
	const file = path.join(dir, 'a.ini');
	writeFileSync(file, '[web]\nlisten = 127.0.0.1:7000\n[sync]\nmax_post_records = 7\n');
	try {
		const env = { SYNC_PORT: '7001' };
		config(env, '-c', file).has('listen = 127.0.0.1:7001  # environment SYNC_HOST+SYNC_PORT');
		config(env, '-c', file).has(`max_post_records = 7  # ${file}:4`);
		config(env, '-c', file, '--set', 'web.listen=127.0.0.1:7002').has('listen = 127.0.0.1:7002  # command line');
		const wrong = config({ [`${LIMITS}MAX_POST_RECORDS`]: 'many' });
		assert.equal(wrong.status, 3);
		assert.match(wrong.stderr, /^environment SYNC_SYNCSTORAGE__LIMITS__MAX_POST_RECORDS: \[sync\] max_post_records: /);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
});

test('a server runs with the secret of its environment, keeps it over a reload, and its processes do not see it there', async () => {
	const web = await freePort();
	const server = await startPlimsoll({ ports: { web, admin: await freePort() }, env: { SYNC_MASTER_SECRET: SECRET } });
	const user = new SyncUser(server, 5);
	try {
		assert.equal((await user.put('/storage/tabs/a', { payload: 'x' })).status, 200);
		process.kill(server.pid, 'SIGHUP');
		assert.equal((await user.get('/storage/tabs/a')).status, 200);
		const children = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
			try {
				return new RegExp(`^PPid:\\s+${server.pid}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
			} catch {
				return false;
			}
		});
		assert.ok(children.length >= 5);
		for (const pid of children) {
			let environ = '';
			try {
				environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
			} catch (error) {
				assert.ok(['EACCES', 'EPERM', 'ENOENT'].includes(error.code), error.code);
			}
			assert.ok(!environ.includes(SECRET));
		}
	} finally {
		user.close();
		await server.stop();
	}
});
