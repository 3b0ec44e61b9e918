// Every command of doc/SYNC.md is run as it is written there, in its order, and the configuration of the page is good.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { writePython } from '../harness/peer_database.mjs';
import { confText, freePort, plimsollBin } from '../harness/plimsoll.mjs';

const page = readFileSync(fileURLToPath(new URL('../../doc/SYNC.md', import.meta.url)), 'utf8');
const T = 1700000000120;

async function serve(dir, args) {
	const child = spawn(plimsollBin(), args, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = new Promise((resolve) => child.once('close', resolve));
	let text = '';
	for await (const chunk of child.stdout) {
		text += chunk;
		if (text.includes('is ready')) break;
	}
	assert.match(text, /is ready/);
	return async () => {
		child.kill('SIGTERM');
		assert.equal(await ended, 0);
	};
}

test('the commands of doc/SYNC.md work, in their order', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-sync-docs-'));
	const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap((m) => m[1].trim().split('\n'));
	let stop = null;
	try {
		const [web, admin] = [await freePort(), await freePort()];
		const conf = {
			plimsoll: { public_url: `http://127.0.0.1:${web}`, data_dir: path.join(dir, 'data') },
			web: { listen: `127.0.0.1:${web}` },
			admin: { listen: `127.0.0.1:${admin}` },
			log: { level: 'warn' },
		};
		writeFileSync(path.join(dir, 'plimsoll.ini'), confText(conf));
		writePython(path.join(dir, 'syncserver.db'), { stores: { 1: { 7: [T, [{ id: 'a', modified: T, payload: 'x' }]] } } });
		assert.ok(commands.length >= 14);
		for (const command of commands) {
			const runs = command.replaceAll('/srv/backup/monday', path.join(dir, 'monday')).replace(/^plimsoll/, plimsollBin());
			assert.match(command, /^plimsoll /, 'a command that this test does not know');
			if (command === 'plimsoll serve') {
				const end = await serve(dir, ['serve', '--set', `web.listen=127.0.0.1:${await freePort()}`, '--set', `admin.listen=127.0.0.1:${await freePort()}`, '--set', 'log.level=warn']);
				await end();
				stop = await serve(dir, ['serve', '-c', 'plimsoll.ini']);
				continue;
			}
			if (command.includes(' restore ') && stop) {
				await stop();
				stop = null;
			}
			const run = await new Promise((resolve) => {
				const child = spawn('sh', ['-c', runs], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
				let out = '';
				for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += text));
				child.once('close', (code) => resolve({ code, out }));
			});
			assert.equal(run.code, 0, `${command}: ${run.out}`);
		}
		const shown = execFileSync(plimsollBin(), ['sync', 'usage', '-c', 'plimsoll.ini'], { cwd: dir, encoding: 'utf8' });
		assert.match(shown, /^2 users, 2 records/m);
	} finally {
		await stop?.();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('the configuration that the page shows is good', () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-sync-docs-'));
	const file = path.join(dir, 'page.ini');
	writeFileSync(file, /```ini\n(.*?)```/s.exec(page)[1]);
	const r = spawnSync(plimsollBin(), ['check', '-c', file], { encoding: 'utf8' });
	rmSync(dir, { recursive: true, force: true });
	assert.equal(r.status, 0, r.stderr);
});

test('the names of the environment that the page lists are those of the program', () => {
	const reference = execFileSync(plimsollBin(), ['config', '--reference'], { encoding: 'utf8' });
	const listed = [...page.matchAll(/`(SYNC(?:SERVER)?_[A-Z_]+)`/g)].map((m) => m[1]);
	assert.ok(listed.length >= 8);
	for (const name of listed) assert.ok(reference.includes(`\`${name}\``), name);
});
