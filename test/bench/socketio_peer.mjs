// The peer of pairs.mjs: socket.io on ws, as its manual sets it up, with what the benchmark asks of a couples'
// server and nothing else: no accounts, no database, nothing is kept.
//   node socketio_peer.mjs PORT
import http from 'node:http';
import { Server } from 'socket.io';

const HOUR_MS = 3600 * 1000;

const server = http.createServer();
const io = new Server(server, { serveClient: false, httpCompression: false, pingInterval: HOUR_MS, pingTimeout: HOUR_MS });
const heads = new Map();

io.on('connection', (socket) => {
	const { couple, user } = socket.handshake.auth;
	socket.join(couple);
	socket.on('typing', () => socket.to(couple).volatile.emit('typing', { user_id: user, until: Date.now() + 6000 }));
	socket.on('message', ({ text, client_id: clientId }, ack) => {
		const seq = (heads.get(couple) ?? 0) + 1;
		heads.set(couple, seq);
		const at = Date.now();
		socket.to(couple).emit('activity', { seq, user_id: user, at, data: { id: clientId, type: 'message', text } });
		ack({ ok: true, seq });
	});
	socket.on('ping2', (value, ack) => ack(value));
});
server.listen(Number(process.argv[2]), '127.0.0.1', 65535, () => console.log('ready'));
