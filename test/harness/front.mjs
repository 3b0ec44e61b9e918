// nginx and HAProxy with the very files of doc/front, ports and paths changed, in front of a server of
// a test, with a certificate made for it.
//   const front = await startFront('nginx', upstreamPort, { healthPort });
//   front.url, front.port, front.plainPort, front.ca, front.asked, front.stderr(), await front.stop()
// Without healthPort there is a stand-in that is always well; front.asked is what it was asked.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { startProgram } from './front_program.mjs';
import { freePort } from './plimsoll.mjs';

const FOLDER = fileURLToPath(new URL('../../doc/front', import.meta.url));

// A key and a certificate for 127.0.0.1 that is its own authority; HAProxy wants both in one file.
function makeCertificate(dir) {
	const [key, cert, both] = ['key', 'crt', 'pem'].map((kind) => path.join(dir, `front.${kind}`));
	const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
	execFileSync('openssl', ['req', ...made, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', key, '-out', cert], { stdio: 'pipe' });
	writeFileSync(both, readFileSync(cert, 'latin1') + readFileSync(key, 'latin1'), { mode: 0o600 });
	return { key, cert, both };
}

// Every change must find its place: a file that has moved on is not to be tested as something else.
function change(text, changes) {
	for (const [from, to] of changes) {
		if (!text.includes(from)) throw new Error(`the file of doc/front has no "${from}"`);
		text = text.replaceAll(from, to);
	}
	return text;
}

function nginxFiles(dir, files, { port, plainPort, upstreamPort }) {
	const site = change(readFileSync(path.join(FOLDER, 'nginx.conf'), 'utf8'), [
		['listen 80;', `listen 127.0.0.1:${plainPort};`],
		['listen 443 ', `listen 127.0.0.1:${port} `],
		['127.0.0.1:8000', `127.0.0.1:${upstreamPort}`],
		['/etc/nginx/certs/id.example.org.pem', files.cert],
		['/etc/nginx/certs/id.example.org.key', files.key],
	]);
	writeFileSync(path.join(dir, 'site.conf'), site);
	// What Debian's nginx.conf has around the files of conf.d, as far as it matters; gzip on is from there.
	writeFileSync(
		path.join(dir, 'main.conf'),
		`daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 256; }
http {
	access_log off; gzip on; client_body_temp_path ${dir}; proxy_temp_path ${dir};
	fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
	include ${dir}/site.conf;
}`,
	);
	return ['nginx', '-p', dir, '-c', path.join(dir, 'main.conf'), '-e', path.join(dir, 'error.log')];
}

function haproxyFiles(name, dir, files, { port, plainPort, upstreamPort, healthPort }) {
	const text = change(readFileSync(path.join(FOLDER, name), 'utf8'), [
		['bind :80\n', `bind 127.0.0.1:${plainPort}\n`],
		['bind :443 ', `bind 127.0.0.1:${port} `],
		['127.0.0.1:8000', `127.0.0.1:${upstreamPort}`],
		['/etc/haproxy/certs/id.example.org.pem', files.both],
		[' port 8004', ` port ${healthPort}`],
		['agent-port 8004', `agent-port ${healthPort}`],
		['defaults\n', `\tstats socket ${dir}/stats\n\ndefaults\n`],
	]);
	const file = path.join(dir, 'haproxy.cfg');
	writeFileSync(file, text);
	return ['haproxy', '-db', '-f', file];
}

const KINDS = {
	nginx: nginxFiles,
	haproxy: (...rest) => haproxyFiles('haproxy.cfg', ...rest),
	'haproxy-proxy-protocol': (...rest) => haproxyFiles('haproxy-proxy-protocol.cfg', ...rest),
};

function answers(port) {
	return new Promise((resolve) => {
		const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => (socket.destroy(), resolve(true)));
		socket.on('error', () => resolve(false));
	});
}

// What a health listener says when all is well.
async function startWell(asked) {
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.on('data', (bytes) => {
			const [line] = bytes.toString('latin1').split(/\r?\n/);
			asked.push(line);
			socket.end(line === 'load' ? '100%\n' : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { port: server.address().port, stop: () => new Promise((resolve) => server.close(resolve)) };
}

// A command on HAProxy's socket for statistics; resolves to its answer.
function command(dir, text) {
	return new Promise((resolve, reject) => {
		let answer = '';
		const socket = net.connect(path.join(dir, 'stats'), () => socket.write(`${text}\n`));
		socket.setEncoding('utf8').on('data', (more) => (answer += more));
		socket.on('error', reject);
		socket.on('end', () => resolve(answer));
	});
}

// HAProxy's figures of its server: { status, weight, chkdown, chkfail, econ, eresp, ... }.
async function stats(dir) {
	const [head, ...rows] = (await command(dir, 'show stat')).trim().split('\n').map((line) => line.split(','));
	const row = rows.find((r) => r[0] === 'plimsoll' && r[1] === 'plimsoll');
	return Object.fromEntries(head.map((name, i) => [name.replace('# ', ''), row[i]]));
}

// Options: port, where a public URL needs to be known before; healthPort.
export async function startFront(kind, upstreamPort, options = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), `front-${kind}-`));
	const asked = [];
	const well = options.healthPort ? null : await startWell(asked);
	const healthPort = options.healthPort ?? well.port;
	const ports = { port: options.port ?? (await freePort()), plainPort: await freePort(), upstreamPort, healthPort };
	const files = makeCertificate(dir);
	const errors = () => (kind === 'nginx' && existsSync(path.join(dir, 'error.log')) ? readFileSync(path.join(dir, 'error.log'), 'utf8') : '');
	const clear = async () => {
		rmSync(dir, { recursive: true, force: true });
		await well?.stop();
	};
	let program;
	try {
		program = await startProgram(KINDS[kind](dir, files, ports), () => answers(ports.port), errors);
	} catch (error) {
		await clear();
		throw error;
	}
	return {
		kind,
		...ports,
		url: `https://127.0.0.1:${ports.port}`,
		ca: readFileSync(files.cert),
		caFile: files.cert,
		asked,
		stats: () => stats(dir),
		stderr: () => program.log() + errors(),
		async stop() {
			await program.stop();
			await clear();
		},
	};
}
