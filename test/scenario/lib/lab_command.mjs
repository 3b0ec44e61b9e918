// The lab's commands, run to their end; and a server for them to load.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plimsollBin } from '../../harness/plimsoll.mjs';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

// { code, stdout, stderr, json }: json where standard output is an object.
export function run(args, { env = {}, cwd = ROOT } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(plimsollBin(), args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('error', reject);
		child.once('close', (code) => resolve({ code, stdout, stderr, json: stdout.startsWith('{') ? JSON.parse(stdout) : null }));
	});
}

export { standIn } from './lab.mjs';
