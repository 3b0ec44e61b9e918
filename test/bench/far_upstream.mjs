// A symbol server as far away as the other coast: every answer takes 80 ms. Files whose module is called cold... are
// there, each with a content of its own; others are not. One process, so that it costs the client's processor little.
//   node test/bench/far_upstream.mjs PORT
import net from 'node:net';

const AWAY_MS = 80;
const CONTENT = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251));
const MISSING = 'HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\nSymbol Not Found';

function answer(socket, target) {
	if (socket.destroyed) return;
	if (!target.startsWith('/cold')) {
		socket.write(MISSING);
		return;
	}
	socket.cork();
	socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length + CONTENT.length}\r\n\r\n${target}`);
	socket.write(CONTENT);
	socket.uncork();
}

const server = net.createServer({ noDelay: true }, (socket) => {
	let text = '';
	socket.on('error', () => {});
	socket.setEncoding('latin1').on('data', (piece) => {
		text += piece;
		for (let end; (end = text.indexOf('\r\n\r\n')) >= 0; text = text.slice(end + 4)) {
			const target = text.split(' ', 2)[1];
			setTimeout(answer, AWAY_MS, socket, target);
		}
	});
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
