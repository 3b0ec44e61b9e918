// An SMTP server for tests: takes mail and keeps it, or behaves badly on purpose.
//   const sink = await startSink({ mode: 'accept' });  sink.mails, sink.connections, sink.mode = 'busy'
// Modes: accept; slow (takes 200 ms to say that it has taken a mail); busy (451 to RCPT); refuse (550 to RCPT); drop (hangs up after DATA); mute (says nothing).
import net from 'node:net';

export async function startSink({ mode = 'accept', port = 0 } = {}) {
	const sink = { mode, mails: [], connections: 0, rcpts: 0 };
	const open = new Set();
	const server = net.createServer((socket) => {
		sink.connections++;
		open.add(socket);
		socket.on('close', () => open.delete(socket));
		socket.on('error', () => {});
		serve(sink, socket);
	});
	await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
	sink.port = server.address().port;
	sink.url = `smtp://127.0.0.1:${sink.port}`;
	sink.stop = () =>
		new Promise((resolve) => {
			server.close(resolve);
			for (const socket of open) socket.destroy();
		});
	sink.waitFor = async (count, seconds = 20) => {
		const end = Date.now() + seconds * 1000;
		while (sink.mails.length < count) {
			if (Date.now() > end) throw new Error(`only ${sink.mails.length} of ${count} mails came`);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return sink.mails;
	};
	return sink;
}

function serve(sink, socket) {
	let text = '';
	let mail = null;
	const say = (line) => socket.write(line + '\r\n');
	if (sink.mode === 'mute') return;
	say('220 sink ESMTP');

	function command(line) {
		const verb = line.slice(0, 4).toUpperCase();
		if (verb === 'EHLO' || verb === 'HELO') return say('250-sink\r\n250-8BITMIME\r\n250 SIZE 1000000');
		if (verb === 'MAIL') return (mail = { from: line.slice(10), to: [] }), say('250 ok');
		if (verb === 'RCPT') {
			sink.rcpts++;
			if (sink.mode === 'busy') return say('451 try later');
			if (sink.mode === 'refuse') return say('550 no such mailbox');
			mail.to.push(line.replace(/^RCPT TO:<([^>]*)>.*/i, '$1'));
			return say('250 ok');
		}
		if (verb === 'DATA') return (mail.data = ''), say('354 go on');
		if (verb === 'QUIT') return say('221 bye'), socket.end();
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
				sink.mails.push(parse(mail));
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

function parse({ from, to, data }) {
	const split = data.indexOf('\r\n\r\n');
	const headers = {};
	for (const line of data.slice(0, split).replace(/\r\n[ \t]/g, ' ').split('\r\n')) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	return { from, to, headers, body: data.slice(split + 4), raw: data };
}
