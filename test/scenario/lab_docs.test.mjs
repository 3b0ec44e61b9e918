// The commands that doc/MODELS.md and doc/REPLAY.md show, as written but for addresses and for how long they take.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { ROOT, scratch, standIn } from './lib/lab.mjs';

const commandsOf = (file) =>
	[...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/```sh\n(.*?)```/gs)]
		.flatMap((m) => m[1].split('\n'))
		.map((line) => line.replace(/\s+#.*$/, '').trim())
		.filter(Boolean);

function run(words, cwd) {
	return new Promise((resolve, reject) => {
		const child = spawn(plimsollBin(), words.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('error', reject);
		child.once('close', (code) => resolve({ code, stdout, stderr }));
	});
}

// The files that the pages speak of: a log of twenty minutes, a list, what a browser saved.
function prepare(dir) {
	mkdirSync(dir);
	symlinkSync(path.join(ROOT, 'models'), path.join(dir, 'models'));
	let log = '';
	for (let minute = 0; minute < 20; minute++) for (let i = 0; i < 4; i++) log += `10.0.0.${i} - - [10/Oct/2025:13:${String(20 + minute).padStart(2, '0')}:0${i} +0000] "GET /include.js HTTP/1.1" 200 10\n`;
	writeFileSync(path.join(dir, 'access.log'), log);
	writeFileSync(path.join(dir, 'paths.csv'), 'path,status,count\n/a,200,10\n/b,404,3\n');
	writeFileSync(path.join(dir, 'session.har'), JSON.stringify({ log: { entries: [{ startedDateTime: '2026-05-31T12:00:00Z', request: { method: 'GET', url: 'http://x/a' }, response: { status: 200 } }] } }));
}

for (const file of ['doc/MODELS.md', 'doc/REPLAY.md']) {
	test(`the commands of ${file} work`, async (t) => {
		const dir = path.join(scratch, path.basename(file));
		prepare(dir);
		let looks = 0;
		const url = await standIn(t, (req, res) => res.end(req.url === '/metrics' ? `plimsoll_http_requests_total{op="identity.include_js"} ${1000 * looks++}\n` : 'x'));
		const commands = commandsOf(file);
		assert.ok(commands.length >= 6);
		for (const command of commands) {
			const words = command.split(/\s+/).map((w) => w.replace(/^http:\/\/127\.0\.0\.1:\d+/, url));
			assert.equal(words[0], 'plimsoll');
			if (words[1] === 'load') words[words.indexOf('--for') + 1] = '1s';
			if (words[1] === 'replay') words.push('--requests', '20', '--rate', '40');
			const end = await run(words, dir);
			// 6: this machine was too busy for the figures to mean something; they are none of this test.
			assert.ok(end.code === 0 || (end.code === 6 && ['load', 'replay'].includes(words[1])), `${command}: ${end.code} ${end.stderr}`);
			assert.ok(end.stdout.length > 0, command);
		}
	});
}
