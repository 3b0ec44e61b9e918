// HAProxy that deals requests out in turn over connections that it keeps and shares between its
// clients: the balancer under which sessions that are tied to a process or to a connection break.
//   const balancer = await startRoundRobin([port, port]); balancer.port; await balancer.stop()
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free_port.mjs';
import { startProgram } from './front_program.mjs';

const answers = (port) =>
	new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
		socket.on('error', () => resolve(false));
	});

export async function startRoundRobin(ports) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'round-robin-'));
	const port = await freePort();
	const file = path.join(dir, 'haproxy.cfg');
	writeFileSync(
		file,
		`defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	timeout tunnel 1h
listen pairs
	bind 127.0.0.1:${port}
	balance roundrobin
	http-reuse always
${ports.map((to, i) => `	server s${i} 127.0.0.1:${to}\n`).join('')}`,
	);
	const program = await startProgram(['haproxy', '-db', '-f', file], () => answers(port));
	return {
		port,
		async stop() {
			await program.stop();
			rmSync(dir, { recursive: true, force: true });
		},
	};
}
