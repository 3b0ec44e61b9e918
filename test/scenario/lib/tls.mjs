// A whole Plimsoll with a TLS listener, and clients that look at how TLS went.
import { execFile } from 'node:child_process';
import tls from 'node:tls';
import { freePort, startPlimsoll } from '../../harness/plimsoll.mjs';
import { makeCertificate } from '../../harness/certificates.mjs';
import { status } from '../../harness/roles.mjs';

// Options: pairs ([{ certificate, key }]), tls (more keys of that section), conf and others as
// startPlimsoll. The server gets tlsPort.
export async function startTls({ pairs = [makeCertificate(['localhost', '127.0.0.1'])], tls: keys = {}, conf = {}, ...options } = {}) {
	const tlsPort = await freePort();
	const server = await startPlimsoll({
		...options,
		conf: {
			...conf,
			plimsoll: { public_url: `https://127.0.0.1:${tlsPort}`, ...conf.plimsoll },
			tls: {
				listen: `127.0.0.1:${tlsPort}`,
				certificate: pairs.map((p) => p.certificate),
				key: pairs.map((p) => p.key),
				...keys,
			},
		},
	});
	server.tlsPort = tlsPort;
	server.plainUrl = `http://127.0.0.1:${server.ports.web}`;
	return server;
}

// A handshake: resolves to the socket, with .session (a promise of the first ticket).
export function connect(port, options = {}) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
		socket.session = new Promise((done) => socket.once('session', done));
		socket.once('secureConnect', () => resolve(socket));
		socket.once('error', reject);
		socket.once('close', () => reject(new Error('closed')));
		socket.on('error', () => {});
	});
}

// One request on a connection; resolves to { status, text }. Answers are short and have a length.
export function ask(socket, target = '/__lbheartbeat__', headers = '') {
	return new Promise((resolve, reject) => {
		let text = '';
		const over = () => reject(new Error(`ended after: ${text}`));
		const onData = (piece) => {
			text += piece.toString('latin1');
			const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text);
			const at = text.indexOf('\r\n\r\n');
			if (at < 0 || !length || text.length < at + 4 + Number(length[1])) return;
			socket.off('data', onData).off('close', over);
			resolve({ status: Number(text.slice(9, 12)), head: text.slice(0, at), text: text.slice(at + 4) });
		};
		socket.on('data', onData).once('close', over);
		socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
	});
}

// A session that another connection can resume: of TLS 1.3 it comes behind the handshake.
export async function sessionOf(port, options = {}) {
	const socket = await connect(port, options);
	await ask(socket);
	const session = await socket.session;
	socket.destroy();
	return session;
}

// Whether a session is resumed, and that the connection works.
export async function resumes(port, session, options = {}) {
	const socket = await connect(port, { ...options, session });
	const reused = socket.isSessionReused();
	const { status: code } = await ask(socket);
	socket.destroy();
	if (code !== 200) throw new Error(`status ${code}`);
	return reused;
}

// openssl s_client with these arguments: everything that it prints.
export function sClient(port, args, input = '') {
	return new Promise((resolve) => {
		const child = execFile('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { timeout: 10000 }, (error, stdout, stderr) =>
			resolve(stdout + stderr),
		);
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}

// Rows of a counter family.
export async function rows(server, family) {
	return (await status(server)).families[family].rows;
}
