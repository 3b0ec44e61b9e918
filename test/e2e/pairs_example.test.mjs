// example/pairs.mjs, as its head says: with socket.io-client beside it, two of them talk.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mailTokens, member, PASSWORD, startPairs } from '../harness/pairs.mjs';

const EXAMPLE = fileURLToPath(new URL('../../example/pairs.mjs', import.meta.url));
const MODULES = fileURLToPath(new URL('node_modules', import.meta.url));

let server, dir;
before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-example-'));
	copyFileSync(EXAMPLE, path.join(dir, 'pairs.mjs'));
	symlinkSync(MODULES, path.join(dir, 'node_modules'));
	server = await startPairs();
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

// The program with what it has printed; said(text) resolves when it has said so.
function run(email, ...args) {
	const child = spawn(process.execPath, ['pairs.mjs', server.pairsUrl, email, PASSWORD, ...args], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
	let out = '';
	let look = () => {};
	child.stdout.setEncoding('utf8').on('data', (text) => ((out += text), look()));
	const ended = new Promise((resolve) => child.once('close', resolve));
	return {
		child,
		type: (line) => child.stdin.write(`${line}\n`),
		said: (text) =>
			new Promise((resolve, reject) => {
				const timer = setTimeout(() => reject(new Error(`"${text}" was not said, but ${out}`)), 20000);
				look = () => out.includes(text) && (clearTimeout(timer), resolve());
				look();
			}),
		async end() {
			child.stdin.end();
			assert.equal(await ended, 0);
		},
	};
}

test('two sign in, become a couple, and each hears the other', async () => {
	await Promise.all([member(server, 'ada@example.org', 'Ada'), member(server, 'bob@example.org', 'Bob')]);
	const ada = run('ada@example.org', 'invite', 'bob@example.org');
	const [token] = await mailTokens(server, 'bob@example.org', 'pairs-invite');
	const bob = run('bob@example.org', 'accept', token);
	try {
		await Promise.all([ada.said('connected'), bob.said('connected')]);
		ada.type('hello from Ada');
		await Promise.all([ada.said('sent as'), bob.said('Ada: hello from Ada')]);
		bob.type('and from Bob');
		await ada.said('Bob: and from Bob');
		await Promise.all([ada.end(), bob.end()]);
	} finally {
		ada.child.kill();
		bob.child.kill();
	}
});
