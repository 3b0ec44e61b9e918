// A stand-in for a Socket.IO server (Engine.IO v4, realtime.md 2): polling, websocket, the way from one to
// the other, heartbeats; it checks what a client may not do, and keeps what it saw. The application is
// two functions: admit(auth), which returns nothing or the message of a refusal, and on(socket, name, value, ack).
import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const SEPARATOR = '\x1e';

function frame(text, opcode = 1) {
	const payload = Buffer.from(text);
	const head = payload.length < 126 ? Buffer.from([0x80 | opcode, payload.length]) : Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 255]);
	return Buffer.concat([head, payload]);
}

// Calls take(opcode, text) for each whole frame; an unmasked one is a fault.
function frameReader(take, fault) {
	let held = Buffer.alloc(0);
	return (chunk) => {
		held = Buffer.concat([held, chunk]);
		for (;;) {
			if (held.length < 2) return;
			let [length, at] = [held[1] & 127, 2];
			if (length === 126) [length, at] = [held.length < 4 ? Infinity : held.readUInt16BE(2), 4];
			if (!(held[1] & 128)) fault('a frame without mask');
			if (held.length < at + 4 + length) return;
			const mask = held.subarray(at, at + 4);
			const payload = Buffer.from(held.subarray(at + 4, at + 4 + length).map((byte, i) => byte ^ mask[i % 4]));
			const opcode = held[0] & 15;
			held = held.subarray(at + 4 + length);
			take(opcode, payload.toString());
		}
	};
}

export class SocketioStandIn {
	constructor({ admit = () => {}, on, cookie = null, pingInterval = 25000, refuse = () => false, upgrades = true }) {
		Object.assign(this, { admit, on, cookie, pingInterval, refuse, upgrades });
		this.sessions = new Map();
		this.faults = [];
		this.seen = { opened: 0, upgraded: 0, pongs: 0, events: {}, transports: {} };
	}

	fault = (text) => this.faults.push(text);

	open(transport) {
		const session = { sid: randomBytes(15).toString('base64url'), transport, out: [], joined: false };
		session.send = (packet) => this.send(session, packet);
		session.emit = (name, ...values) => session.send(`42${JSON.stringify([name, ...values])}`);
		session.timer = setInterval(() => session.send('2'), this.pingInterval);
		session.timer.unref();
		this.sessions.set(session.sid, session);
		this.seen.opened++;
		const upgrades = transport === 'polling' && this.upgrades ? ['websocket'] : [];
		session.send(`0${JSON.stringify({ sid: session.sid, upgrades, pingInterval: this.pingInterval, pingTimeout: 20000, maxPayload: 1000000 })}`);
		return session;
	}

	close(session) {
		clearInterval(session.timer);
		this.sessions.delete(session.sid);
		session.gone?.();
	}

	send(session, packet) {
		if (session.socket && !session.upgrading) session.socket.write(frame(packet));
		else session.out.push(packet);
		this.release(session);
	}

	release(session) {
		if (!session.poll || session.out.length === 0) return;
		session.poll.end(session.out.splice(0).join(SEPARATOR));
		session.poll = null;
	}

	packet(session, text) {
		if (text === '3') this.seen.pongs++;
		else if (text === '1') this.close(session);
		else if (text.startsWith('40')) {
			if (session.joined) this.fault('a second CONNECT');
			const refusal = this.admit(text.length > 2 ? JSON.parse(text.slice(2)) : null, session);
			session.joined = !refusal;
			session.send(refusal ? `44${JSON.stringify({ message: refusal })}` : `40${JSON.stringify({ sid: 'x' })}`);
			if (session.joined) this.on(session, 'connect');
		} else if (text.startsWith('42') && session.joined) {
			const [, id, json] = /^42(\d*)(\[.*)$/s.exec(text) ?? this.fault(`no event: ${text}`);
			const [name, value] = JSON.parse(json);
			this.seen.events[name] = (this.seen.events[name] ?? 0) + 1;
			this.on(session, name, value, (answer) => id && session.send(`43${id}${JSON.stringify([answer])}`));
		} else this.fault(`a packet that nobody may send: ${text}`);
	}

	// True if the request is one of the sessions'.
	request(req, res) {
		const url = new URL(req.url, 'http://x');
		if (!url.pathname.startsWith('/socket.io/')) return false;
		const session = this.sessions.get(url.searchParams.get('sid'));
		res.setHeader('Content-Type', 'text/plain; charset=UTF-8');
		if (url.searchParams.get('EIO') !== '4') this.fault(`EIO: ${req.url}`);
		if (this.cookie && url.searchParams.has('sid') && req.headers.cookie !== this.cookie) this.fault(`cookie: ${req.headers.cookie}`);
		if (!url.searchParams.has('sid')) {
			if (this.refuse()) return res.writeHead(503).end(), true;
			if (this.cookie) res.setHeader('Set-Cookie', `${this.cookie}; Path=/; HttpOnly`);
			res.end(this.open('polling').out.splice(0).join(SEPARATOR));
		} else if (!session || session.upgraded) {
			if (session) this.fault(`${req.method} behind the upgrade`);
			res.writeHead(400).end('{"code":1,"message":"Session ID unknown"}');
		} else if (req.method === 'GET') {
			if (session.poll) this.fault('two polls at once');
			session.poll = res;
			if (session.upgrading && session.out.length === 0) session.out.push('6');
			this.release(session);
		} else {
			let body = '';
			if (session.posting) this.fault('two posts at once');
			session.posting = true;
			req.on('data', (chunk) => (body += chunk)).on('end', () => {
				session.posting = false;
				for (const packet of body.split(SEPARATOR)) this.packet(session, packet);
				res.end('ok');
			});
		}
		return true;
	}

	upgrade(req, socket) {
		const params = new URL(req.url, 'http://x').searchParams;
		const known = this.sessions.get(params.get('sid'));
		socket.on('error', () => {});
		if (params.get('transport') !== 'websocket' || req.headers['sec-websocket-version'] !== '13' || (params.has('sid') && !known)) return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
		if (!known && this.refuse()) return socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n');
		const accept = createHash('sha1').update(req.headers['sec-websocket-key'] + GUID).digest('base64');
		socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
		const session = known ?? this.open('websocket');
		session.socket = socket;
		session.upgrading = Boolean(known);
		if (!known) session.out.splice(0).forEach((packet) => socket.write(frame(packet)));
		socket.on('data', frameReader((opcode, text) => this.frame(session, socket, opcode, text), this.fault));
		socket.on('close', () => this.close(session));
	}

	frame(session, socket, opcode, text) {
		if (opcode === 8) return socket.end(frame('', 8));
		if (opcode === 10) return;
		if (session.upgrading && text === '2probe') {
			socket.write(frame('3probe'));
			if (session.poll) session.send('6');
		} else if (session.upgrading && text === '5') {
			if (session.poll) this.fault('upgraded with a poll open');
			session.upgrading = false;
			session.upgraded = true;
			this.seen.upgraded++;
			session.out.splice(0).forEach((packet) => socket.write(frame(packet)));
		} else this.packet(session, text);
	}
}
