// The commands that README and the runbook show: those of plimsoll are run as written; of make only
// that the target exists (make test is what runs this, make_run.test.mjs is for make run).
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { confText, freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// Commands of the shell blocks, without comments.
function commandsOf(file) {
	const text = readFileSync(path.join(ROOT, file), 'utf8');
	const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map((m) => m[1]);
	return blocks
		.join('\n')
		.split('\n')
		.map((line) => line.replace(/\s+#.*$/, '').trim())
		.filter(Boolean);
}

async function confFile(dir) {
	const [web, admin] = [await freePort(), await freePort()];
	const file = path.join(dir, 'plimsoll.ini');
	writeFileSync(
		file,
		confText({
			plimsoll: { public_url: `http://127.0.0.1:${web}`, data_dir: path.join(dir, 'data') },
			web: { listen: `127.0.0.1:${web}` },
			admin: { listen: `127.0.0.1:${admin}` },
			symbols: { listen: '127.0.0.1:0' }, health: { listen: '127.0.0.1:0' }, pairs: { listen: '127.0.0.1:0' },
			log: { level: 'warn' },
		}),
	);
	return file;
}

// Runs `plimsoll serve ...` until it says that it is ready, and something else while it runs; then ends it
// in order.
async function serveOnce(args, meanwhile = () => {}) {
	const child = spawn(plimsollBin(), args, { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = new Promise((resolve) => child.once('close', resolve));
	let text = '';
	for await (const chunk of child.stdout) {
		text += chunk;
		if (text.includes('is ready')) break;
	}
	assert.match(text, /is ready/);
	try {
		meanwhile();
	} finally {
		child.kill('SIGTERM');
	}
	assert.equal(await ended, 0);
}

// Runs `plimsoll upgrade ...` while a server of that file runs, and ends the one that has taken over.
async function upgradeOnce(args, file, dir) {
	const child = spawn(plimsollBin(), ['serve', '-c', file], { stdio: ['ignore', 'pipe', 'inherit'] });
	const closed = new Promise((resolve) => child.once('close', resolve));
	await new Promise((resolve) => child.stdout.on('data', (text) => String(text).includes('is ready') && resolve()));
	const r = spawnSync(plimsollBin(), args, { encoding: 'utf8' });
	assert.equal(r.status, 0, r.stderr);
	const pid = Number(readFileSync(path.join(dir, 'data/lock'), 'utf8'));
	assert.match(r.stdout, new RegExp(`process ${pid} serves`));
	process.kill(pid, 'SIGTERM');
	await closed; // of its output: both have ended
}

async function runCommand(command, dir) {
	const words = command.split(/\s+/);
	if (words[0] === 'make') {
		const r = spawnSync('make', ['-n', ...words.slice(1)], { cwd: ROOT, encoding: 'utf8' });
		assert.equal(r.status, 0, r.stderr);
		return;
	}
	assert.match(words[0], /^(build\/)?plimsoll$/, `a command that this test does not know: ${command}`);
	const file = await confFile(dir);
	const port = await freePort();
	const from = words.indexOf('<') < 0 ? words.length : words.indexOf('<');
	const args = words.slice(1, from).map((w) => (w === 'FILE' ? file : w === 'DIR' ? path.join(dir, 'backup') : w.replace(/^web\.listen=.*/, `web.listen=127.0.0.1:${port}`)));
	if (args[0] === 'serve') return serveOnce(args);
	if (args[0] === 'upgrade') return upgradeOnce(args, file, dir);
	const run = () => {
		const r = spawnSync(plimsollBin(), args, { encoding: 'utf8', input: 'Subject: a message\n\n', cwd: ROOT });
		assert.equal(r.status, 0, `${command}: ${r.stderr}`);
	};
	if (['status', 'top'].includes(args[0]) || args[1] === 'test') return serveOnce(['serve', '-c', file], run);
	run();
}

for (const file of ['README.md', 'doc/OPERATING.md', 'doc/SYMBOLS.md']) {
	test(`the commands of ${file} work`, async () => {
		const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-docs-'));
		try {
			// `plimsoll check --data` audits what a server has made before.
			const made = await startPlimsoll({ dir, conf: { plimsoll: { data_dir: path.join(dir, 'data') } } });
			await made.stop();
			const commands = commandsOf(file);
			assert.ok(commands.length >= 3);
			for (const command of commands) await runCommand(command, dir);
		} finally {
			rmSync(dir, { recursive: true, force: true });
		}
	});
}

test('the configuration file that README shows is good', () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-docs-'));
	const text = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
	const [, ini] = /```ini\n(.*?)```/s.exec(text);
	const file = path.join(dir, 'readme.ini');
	writeFileSync(file, ini);
	const r = spawnSync(plimsollBin(), ['check', '-c', file], { encoding: 'utf8' });
	rmSync(dir, { recursive: true, force: true });
	assert.equal(r.status, 0, r.stderr);
});

test('what SYMBOLS.md puts into the configuration is good', () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-docs-'));
	const text = readFileSync(path.join(ROOT, 'doc/SYMBOLS.md'), 'utf8');
	const blocks = [...text.matchAll(/```ini\n(.*?)```/gs)].map(([, ini]) => ini);
	assert.ok(blocks.length >= 3);
	for (const ini of blocks) {
		const file = path.join(dir, 'symbols.ini');
		writeFileSync(file, ini);
		const r = spawnSync(plimsollBin(), ['check', '-c', file], { encoding: 'utf8' });
		assert.equal(r.status, 0, `${ini}${r.stderr}`);
	}
	rmSync(dir, { recursive: true, force: true });
});

test('every key of the configuration page is real, and none is missing', () => {
	const page = readFileSync(path.join(ROOT, 'doc/CONFIGURATION.md'), 'utf8');
	const r = spawnSync(plimsollBin(), ['config', '--reference'], { encoding: 'utf8' });
	assert.equal(r.stdout, page);
});
