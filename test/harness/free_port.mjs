// A port of loopback that nobody listens on now.
import net from 'node:net';

export async function freePort() {
	const server = net.createServer();
	await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}
