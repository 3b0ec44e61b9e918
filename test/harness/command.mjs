// A command of plimsoll run to its end: { code, stdout, stderr }.
import { spawn } from 'node:child_process';
import { plimsollBin } from './plimsoll.mjs';

// input: what it gets on standard input.
export function runCommand(words, { input = '', bin = plimsollBin() } = {}) {
	const child = spawn(bin, words, { stdio: 'pipe' });
	const out = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
	child.stdin.on('error', () => {}); // it did not want to read
	child.stdin.end(input);
	return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, ...out })));
}
