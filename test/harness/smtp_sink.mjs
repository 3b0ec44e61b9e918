// An SMTP server for tests: takes mail and keeps it, or behaves badly on purpose.
//   const sink = await startSink({ mode: 'accept' });  sink.mails, sink.connections, sink.mode = 'busy'
// Modes: accept; slow (takes 200 ms to say that it has taken a mail); busy (451 to RCPT); refuse (550 to RCPT);
// drop (hangs up after DATA); mute (says nothing); silent (says nothing any more once it has a mail's text; silenced
// counts such connections).
// Options: tls: 'starttls' or 'implicit' with certificate { certificate, key }; auth { user, pass }, without which
// it takes no mail, and mechanisms; delayMs before each answer; hold (keeps no mail, only counts: for load);
// idleMs (ends connections that say nothing for so long); farewell: false (does not answer QUIT); onMail({ from, to }),
// called for each mail when it is taken.
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { PATIENCE } from './patience.mjs';

export async function startSink(options = {}) {
	const { mode = 'accept', port = 0, tls: tlsMode, certificate } = options;
	const sink = { mode, mails: [], count: 0, connections: 0, secured: 0, logins: [], rcpts: 0, silenced: 0, options };
	const open = new Set();
	const context = certificate && { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) };
	sink.secureContext = context && tls.createSecureContext(context);
	const onSocket = (socket) => {
		sink.connections++;
		if (tlsMode === 'implicit') sink.secured++;
		serve(sink, socket);
	};
	const server = tlsMode === 'implicit' ? tls.createServer(context, onSocket) : net.createServer({ noDelay: true }, onSocket);
	server.on(tlsMode === 'implicit' ? 'tlsClientError' : 'error', () => {});
	server.on('connection', (socket) => {
		open.add(socket);
		socket.on('close', () => open.delete(socket));
		socket.on('error', () => {});
	});
	await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
	sink.port = server.address().port;
	sink.url = `${tlsMode === 'implicit' ? 'smtps' : 'smtp'}://127.0.0.1:${sink.port}`;
	sink.stop = () =>
		new Promise((resolve) => {
			server.close(resolve);
			for (const socket of open) socket.destroy();
		});
	sink.waitFor = async (count, seconds = 20) => {
		const end = Date.now() + seconds * PATIENCE * 1000;
		while (sink.count < count) {
			if (Date.now() > end) throw new Error(`only ${sink.count} of ${count} mails came`);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return sink.mails;
	};
	return sink;
}

// One connection; said again, with state, once STARTTLS has made it another socket.
function serve(sink, socket, { secure = sink.options.tls === 'implicit', greet = true } = {}) {
	const { auth, delayMs = 0, hold, idleMs, mechanisms = 'PLAIN LOGIN', onMail } = sink.options;
	let text = '';
	let mail = null;
	let login = auth ? null : 'nobody';
	let asked = null; // what the next line answers, during AUTH
	const say = (line) => (delayMs ? setTimeout(() => socket.write(line + '\r\n'), delayMs) : socket.write(line + '\r\n'));
	const decode = (word) => Buffer.from(word, 'base64').toString('utf8');
	socket.on('error', () => {});
	if (sink.mode === 'mute') return;
	if (idleMs) socket.setTimeout(idleMs, () => socket.end('421 idle\r\n'));
	if (greet) say('220 sink ESMTP');

	function judge(user, pass) {
		asked = null;
		if (user === auth.user && pass === auth.pass) {
			login = user;
			sink.logins.push({ user, secure });
			return say('235 welcome');
		}
		return say('535 5.7.8 wrong user or password');
	}

	function authenticate(line) {
		const [, mechanism, initial] = line.split(' ');
		if (!auth || (sink.options.tls && !secure)) return say('538 not here');
		if (/^plain$/i.test(mechanism)) {
			asked = (answer) => judge(...decode(answer).split('\0').slice(1));
			return initial ? asked(initial) : say('334 ');
		}
		if (/^login$/i.test(mechanism)) {
			asked = (name) => {
				asked = (pass) => judge(decode(name), decode(pass));
				say('334 UGFzc3dvcmQ6');
			};
			return initial ? asked(initial) : say('334 VXNlcm5hbWU6');
		}
		return say('504 unknown mechanism');
	}

	function hello() {
		const lines = ['sink', '8BITMIME', 'SIZE 1000000'];
		if (sink.options.tls === 'starttls' && !secure) lines.push('STARTTLS');
		if (auth && (secure || !sink.options.tls)) lines.push(`AUTH ${mechanisms}`);
		return say(lines.map((l, i) => `250${i === lines.length - 1 ? ' ' : '-'}${l}`).join('\r\n'));
	}

	function startTls() {
		if (!sink.secureContext) return say('502 no TLS');
		socket.removeAllListeners('data');
		socket.write('220 go on\r\n');
		const inner = new tls.TLSSocket(socket, { isServer: true, secureContext: sink.secureContext });
		sink.secured++;
		return serve(sink, inner, { secure: true, greet: false });
	}

	function command(line) {
		const verb = line.slice(0, 4).toUpperCase();
		if (asked) return asked(line);
		if (verb === 'EHLO' || verb === 'HELO') return hello();
		if (verb === 'STAR') return startTls();
		if (verb === 'AUTH') return authenticate(line);
		if (verb === 'MAIL' && !login) return say('530 5.7.0 log in first');
		if (verb === 'MAIL') return (mail = { from: line.replace(/^MAIL FROM:<([^>]*)>.*/i, '$1'), to: [], secure, login }), say('250 ok');
		if (verb === 'RCPT') {
			sink.rcpts++;
			if (sink.mode === 'busy') return say('451 try later');
			if (sink.mode === 'refuse') return say('550 no such mailbox');
			mail.to.push(line.replace(/^RCPT TO:<([^>]*)>.*/i, '$1'));
			return say('250 ok');
		}
		if (verb === 'DATA') return (mail.data = ''), say('354 go on');
		if (verb === 'QUIT' && sink.options.farewell === false) return null;
		if (verb === 'QUIT') return socket.end('221 bye\r\n');
		if (verb === 'RSET' || verb === 'NOOP') return say('250 ok');
		return say('502 unknown');
	}

	socket.on('data', (chunk) => {
		text += chunk.toString('utf8');
		for (;;) {
			if (mail && mail.data !== undefined) {
				const end = text.indexOf('\r\n.\r\n');
				if (end < 0) return;
				mail.data = text.slice(0, end).replace(/^\.\./gm, '.');
				text = text.slice(end + 5);
				if (sink.mode === 'drop') return socket.destroy();
				if (sink.mode === 'silent') {
					sink.silenced++;
					return socket.removeAllListeners('data').resume();
				}
				sink.count++;
				onMail?.(mail);
				if (!hold) sink.mails.push(parse(mail));
				mail = null;
				if (sink.mode === 'slow') setTimeout(say, 200, '250 taken');
				else say('250 taken');
				continue;
			}
			const at = text.indexOf('\r\n');
			if (at < 0) return;
			const line = text.slice(0, at);
			text = text.slice(at + 2);
			command(line);
		}
	});
}

function parse({ data, ...mail }) {
	const split = data.indexOf('\r\n\r\n');
	const headers = {};
	for (const line of data.slice(0, split).replace(/\r\n[ \t]/g, ' ').split('\r\n')) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	return { ...mail, headers, body: data.slice(split + 4), raw: data };
}

// The text and HTML parts of a mail that a sink has taken, decoded.
export function partsOf({ headers, body }) {
	const decode = (text) => {
		const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
		return Buffer.from(bytes, 'latin1').toString('utf8');
	};
	const boundary = /boundary="([^"]+)"/.exec(headers['content-type'])?.[1];
	const parts = {};
	for (const part of body.split(`--${boundary}`).slice(1, -1)) {
		const split = part.indexOf('\r\n\r\n');
		const [, type] = /Content-Type: ([^;]+)/i.exec(part.slice(0, split));
		parts[type === 'text/html' ? 'html' : 'text'] = decode(part.slice(split + 4));
	}
	return parts;
}
