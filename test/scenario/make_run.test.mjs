// `make run` as a newcomer types it: a fresh copy of the tree, a cold build, the fixed ports (in a
// network namespace of its own, so that nothing else can hold them), the first page, Ctrl-C.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_SECONDS = 600; // a cold build, on a machine that runs the other tests at the same time
const IS_ROOT = process.getuid() === 0;

function copyOfTree() {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-clone-'));
	const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
	for (const file of files.stdout.split('\n').filter(Boolean)) {
		if (existsSync(path.join(ROOT, file))) cpSync(path.join(ROOT, file), path.join(dir, file));
	}
	return dir;
}

// curl inside the namespace of the process; its output, or null when nobody answers.
function get(pid, url) {
	const enter = ['-t', String(pid), '-n', ...(IS_ROOT ? [] : ['-U', '--preserve-credentials'])];
	const r = spawnSync('nsenter', [...enter, 'curl', '-fsS', '-m', '5', url], { encoding: 'utf8' });
	return r.status === 0 ? r.stdout : null;
}

test('make run builds and serves the first page, and ends at Ctrl-C', async () => {
	const dir = copyOfTree();
	const child = spawn('unshare', [IS_ROOT ? '-n' : '-rn', 'bash', '-c', 'ip link set lo up && exec make run'], {
		cwd: dir,
		detached: true, // a process group, as a terminal makes one
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let text = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (d) => (text += d));
	let ended = null;
	const end = new Promise((resolve) => child.once('close', (code) => resolve((ended = { code }))));
	try {
		for (const deadline = Date.now() + READY_SECONDS * 1000; !text.includes('is ready'); await sleep(200)) {
			assert.ok(!ended && Date.now() < deadline, `not ready\n${text}`);
		}
		assert.match(text, /service {2}http:\/\/127\.0\.0\.1:8000\//);
		assert.match(get(child.pid, 'http://127.0.0.1:8000/'), /<title>[^<]*Plimsoll/);
		assert.match(get(child.pid, 'http://127.0.0.1:8001/outbox'), /[Oo]utbox/);
		assert.match(get(child.pid, 'http://localhost:8009/'), /include\.js/);
		const info = JSON.parse(get(child.pid, 'http://127.0.0.1:8000/wsapi/address_info?email=keeper@provider.example'));
		assert.deepEqual([info.type, info.issuer, info.auth], ['primary', 'provider.example', 'http://localhost:8008/sign_in']);
		assert.match(get(child.pid, info.auth), /authentication_api\.js|sign_in\.js/);
		assert.ok(readdirSync(path.join(dir, 'var')).includes('db'));
		process.kill(-child.pid, 'SIGINT');
		await end;
		assert.doesNotMatch(text, /level=error/);
	} finally {
		if (!ended) process.kill(-child.pid, 'SIGKILL');
		await end;
		rmSync(dir, { recursive: true, force: true });
	}
});
