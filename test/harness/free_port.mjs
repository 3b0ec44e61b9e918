// A port of loopback that nobody listens on now. Not one of those that the kernel gives to outgoing
// connections (32768 and above): between here and the server's start another test might get it so. By
// chance, so that tests beside each other do not choose the same.
import net from 'node:net';

const [FIRST, LAST] = [10240, 32000];
const TRIES = 50;

function isFree(port) {
	const server = net.createServer();
	return new Promise((resolve) => {
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

export async function freePort() {
	for (let i = 0; i < TRIES; i++) {
		const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
		if (await isFree(port)) return port;
	}
	throw new Error('no free port on loopback');
}
