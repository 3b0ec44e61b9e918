// Valid traffic: the same file behind our edge and behind nginx gives the same answers. Skipped
// where nginx is not installed.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from './lib/http_server.mjs';
import { Raw } from './lib/raw.mjs';

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((file) => {
	try {
		execFileSync(file, ['-v'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
});

const FILE = '<!doctype html>\n'.concat('<p>a file that two servers serve</p>\n'.repeat(50));

async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

async function startNginx(folder) {
	const port = await freePort();
	mkdirSync(path.join(folder, 'root'));
	writeFileSync(path.join(folder, 'root/file'), FILE);
	writeFileSync(path.join(folder, 'nginx.conf'), `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http {
	access_log off; default_type text/html;
	client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
	uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
	server { listen 127.0.0.1:${port}; root ${folder}/root; }
}`);
	const child = spawn(NGINX, ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')], { stdio: 'ignore' });
	process.on('exit', () => child.kill('SIGKILL'));
	for (let i = 0; i < 100; i++) {
		try {
			(await Raw.connect(port)).destroy();
			return { port, stop: () => new Promise((resolve) => (child.once('exit', resolve), child.kill('SIGTERM'))) };
		} catch {
			await sleep(50);
		}
	}
	child.kill('SIGKILL');
	throw new Error('nginx did not start');
}

// [name, bytes, methods of the answers, whether the connection goes on (null: not compared)]
const g = (target, headers = '', version = '1.1') => `GET ${target} HTTP/${version}\r\nHost: a\r\n${headers}\r\n`;
const TRAFFIC = [
	['plain', g('/file'), ['GET'], true],
	['HEAD', g('/file').replace('GET', 'HEAD'), ['HEAD'], true],
	['query', g('/file?a=b&c'), ['GET'], true],
	['encoded path', g('/f%69le'), ['GET'], true],
	['absolute target', g('http://a/file'), ['GET'], true],
	['header case and spaces', 'GET /file HTTP/1.1\r\nhOsT:    a   \r\nX-Y:\r\n\r\n', ['GET'], true],
	['empty line first', `\r\n${g('/file')}`, ['GET'], true],
	['Connection: close', g('/file', 'Connection: close\r\n'), ['GET'], false],
	['HTTP/1.0', g('/file', '', '1.0'), ['GET'], false],
	['HTTP/1.0 without Host', 'GET /file HTTP/1.0\r\n\r\n', ['GET'], false],
	['HTTP/1.0 keep-alive', g('/file', 'Connection: keep-alive\r\n', '1.0'), ['GET'], true],
	['three pipelined', g('/file') + g('/file').replace('GET', 'HEAD') + g('/file'), ['GET', 'HEAD', 'GET'], true],
	['first bytes', g('/file', 'Range: bytes=0-9\r\n'), ['GET'], true],
	['last bytes', g('/file', 'Range: bytes=-10\r\n'), ['GET'], true],
	['from the middle', g('/file', 'Range: bytes=100-\r\n'), ['GET'], true],
	['range past the end', g('/file', 'Range: bytes=999999-\r\n'), ['GET'], true],
	['range of another unit', g('/file', 'Range: lines=1-2\r\n'), ['GET'], true],
	['If-None-Match other', g('/file', 'If-None-Match: "other"\r\n'), ['GET'], true],
	['If-None-Match *', g('/file', 'If-None-Match: *\r\n'), ['GET'], true],
	['If-Match other', g('/file', 'If-Match: "other"\r\n'), ['GET'], null], // nginx closes behind a 412
	['If-Range other', g('/file', 'If-Range: "other"\r\nRange: bytes=0-9\r\n'), ['GET'], true],
	['unknown path', g('/nothing'), ['GET'], true],
	['GET with a body', `GET /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`, ['GET'], true],
	['chunked body', 'POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', ['POST'], true],
];
// Left out: Range with HEAD, which nginx honours and RFC 9110 14.2 tells a server to ignore.
const OF_INTEREST = ['content-length', 'content-range', 'content-type', 'transfer-encoding'];

async function run(port, [name, bytes, methods, goesOn]) {
	const raw = await Raw.connect(port);
	const result = { name, answers: [] };
	await raw.send(bytes);
	for (const method of methods) {
		const { status, headers, body } = await raw.read(method);
		const shown = { status };
		if (status < 300) {
			for (const field of OF_INTEREST) shown[field] = headers[field];
			shown.body = body.toString();
		}
		if (status === 416) shown['content-range'] = headers['content-range'];
		result.answers.push(shown);
	}
	if (goesOn) result.next = (await raw.exchange(g('/file'))).status;
	else if (goesOn === false) result.next = (await raw.readRest(5000)).length;
	raw.destroy();
	return result;
}

test('valid requests get the same answers as from nginx', { skip: NGINX ? false : 'no nginx here' }, async () => {
	const folder = mkdtempSync(path.join(os.tmpdir(), 'http-nginx-'));
	const nginx = await startNginx(folder);
	let ours;
	try {
		ours = await startServer({ file: path.join(folder, 'root/file') });
		for (const row of TRAFFIC) {
			assert.deepEqual(await run(ours.port, row), await run(nginx.port, row));
		}
		const tag = async (port) => {
			const raw = await Raw.connect(port);
			const { etag } = (await raw.exchange(g('/file'))).headers;
			const again = await raw.exchange(g('/file', `If-None-Match: ${etag}\r\n`));
			const part = await raw.exchange(g('/file', `If-Range: ${etag}\r\nRange: bytes=0-9\r\n`));
			const match = await raw.exchange(g('/file', `If-Match: ${etag}\r\n`));
			raw.destroy();
			return { again: again.status, sameTag: again.headers.etag === etag, part: part.status, match: match.status };
		};
		assert.deepEqual(await tag(ours.port), await tag(nginx.port));
	} finally {
		await nginx.stop();
		rmSync(folder, { recursive: true, force: true });
		await ours?.stop();
	}
});
