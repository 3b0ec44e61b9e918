// plimsoll user, beside a server that runs.
import { spawn } from 'node:child_process';
import { plimsollBin } from './plimsoll.mjs';

// Runs the command with words behind it; resolves to { code, stdout, stderr }.
export function userCommand(server, words, input = '') {
	const child = spawn(plimsollBin(), ['user', ...words, '-c', server.confPath], { stdio: 'pipe' });
	const out = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
	child.stdin.on('error', () => {}); // it did not want to read
	child.stdin.end(input);
	return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, ...out })));
}
