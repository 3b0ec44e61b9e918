// http_test_server of test/harness in a process of its own.
//   const server = await startServer({ conf: { header_timeout: '500ms' }, processes: 2, file: PATH });
//   server.port, server.pid, await server.metrics(), await server.stop()
// The program is HTTP_TEST_SERVER, or the one of build/test.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from './raw.mjs';
import { testCertificate } from '../../harness/certificates.mjs';
import { TOLERANCE } from '../../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BIN = process.env.HTTP_TEST_SERVER ?? path.join(ROOT, 'build/test/test/harness/http_test_server');

const running = new Set();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

export const get = (target, headers = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
export const post = (target, body, headers = '') =>
	`POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n${headers}\r\n${body}`;

export async function startServer({ conf = {}, processes = 1, tasks, file, log = false, tolerance = TOLERANCE } = {}) {
	const args = Object.entries(conf).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
	args.push('-n', String(processes), '-g', String(tolerance));
	if (tasks) args.push('-t', String(tasks));
	if (file) args.push('-f', file);
	if (!log) args.push('-q');
	if (process.env.HTTP_TEST_TLS) {
		const { certificate, key } = await testCertificate();
		args.push('-s', certificate, '-k', key);
	}
	const child = spawn(BIN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	running.add(child);
	let stderr = '';
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	const exited = new Promise((resolve) => child.once('close', (code, signal) => (running.delete(child), resolve({ code, signal }))));
	const port = await new Promise((resolve, reject) => {
		let stdout = '';
		child.stdout.setEncoding('utf8').on('data', (text) => {
			stdout += text;
			const match = /listening on (\d+)/.exec(stdout);
			if (match) resolve(Number(match[1]));
		});
		child.once('error', reject);
		exited.then(() => reject(new Error(`the server did not start: ${stderr}`)));
	});
	return {
		port,
		pid: child.pid,
		exited,
		stderr: () => stderr,
		kill: (signal) => child.kill(signal),
		// Resident memory in bytes.
		rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))[1]) * 1024,
		metrics: async () => JSON.parse((await once(port, get('/metrics.json', 'Connection: close\r\n'))).body),
		async stop() {
			child.kill('SIGTERM');
			const { code, signal } = await exited;
			if (code !== 0) throw new Error(`the server ended with ${signal ?? code}: ${stderr}`);
		},
	};
}

// Runs fn(server) with a server of its own.
export async function withServer(options, fn) {
	const server = await startServer(options);
	try {
		await fn(server);
	} finally {
		await server.stop();
	}
}
