// Models of a few lines, the lab that runs them, and a server for it to load.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plimsollBin } from '../../harness/plimsoll.mjs';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-lab-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

let counter = 0;
// A model whose 864 users do something once a day each hundredth second: 864 * n / 86400 a second.
export function model(activities, head = '') {
	const file = path.join(scratch, `m${++counter}.lua`);
	writeFileSync(file, `model { name = "test", about = "a test"${head} }\n${activities}`);
	return file;
}
export const activity = (name, perDay, body) =>
	`activity { name = "${name}", why = "a test", per_day = ${perDay}, does = function(user) ${body} end }\n`;

// { code, stdout, stderr, json }: json where standard output is an object.
export function lab(args, { prefix = [], onSpawn = () => {}, cwd = ROOT } = {}) {
	const words = [...prefix, plimsollBin(), ...args];
	return new Promise((resolve, reject) => {
		const child = spawn(words[0], words.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('error', reject);
		child.once('close', (code) => resolve({ code, stdout, stderr, json: stdout.startsWith('{') && stdout.indexOf('\n') === stdout.length - 1 ? JSON.parse(stdout) : null }));
		onSpawn(child);
	});
}
// Ctrl-C, once: a second one is for those who want no report.
export const interruptAt = (pattern) => (child) => {
	const look = (text) => {
		if (!pattern.test(text)) return;
		child.stderr.off('data', look);
		child.kill('SIGINT');
	};
	child.stderr.on('data', look);
};
export const load = (file, url, args = [], options = {}) => lab(['load', file, '--json', ...args, url], options);

// A server that answers by handle(request, response); ends with the test.
export async function standIn(t, handle, onServer = () => {}) {
	const server = http.createServer(handle);
	onServer(server);
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		server.closeAllConnections?.();
		server.close();
	});
	return `http://127.0.0.1:${server.address().port}`;
}

export const byName = (json, name) => json.activities.find((a) => a.name === name);
