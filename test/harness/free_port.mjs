// A port of loopback that nobody listens on now. Not one of those that the kernel gives to outgoing
// connections (32768 and above): between here and the server's start another test might get it so. Tests
// beside each other do not choose the same: tools/test numbers them, and each has a range of its own.
import net from 'node:net';

const [FIRST, LAST] = [10240, 32000];
const SLOTS = 16;
const RANGE = Math.floor((LAST - FIRST) / SLOTS);
const START = FIRST + (Number(process.env.PLIMSOLL_TEST_SLOT ?? process.pid) % SLOTS) * RANGE;

let next = process.pid; // a port that was in use a moment ago is the last to be asked for

function isFree(port) {
	const server = net.createServer();
	return new Promise((resolve) => {
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

export async function freePort() {
	for (let i = 0; i < RANGE; i++) {
		const port = START + (next++ % RANGE);
		if (await isFree(port)) return port;
	}
	throw new Error('no free port on loopback');
}
