// Looks at the health listener as a balancer does, again and again.
//   const watch = watchHealth(server); ... const { answers, changes, slowest } = await watch.stop();
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// One question on a connection of its own: { status, text, load, ms }; status null: nobody answers.
export function askHealth(port, path = '/ready', { method = 'GET', timeout = 10000 } = {}) {
	const began = performance.now();
	return new Promise((resolve) => {
		const end = (status, text, headers = {}) => resolve({ status, text, headers, load: Number(headers['x-load']), ms: performance.now() - began });
		const req = http.request({ host: '127.0.0.1', port, path, method, agent: false, timeout }, (res) => {
			let text = '';
			res.setEncoding('utf8').on('data', (more) => (text += more));
			res.on('error', () => end(null, 'cut off'));
			res.on('end', () => end(res.statusCode, text, res.headers));
		});
		req.on('timeout', () => req.destroy(new Error('no answer')));
		req.on('error', (error) => end(null, error.message));
		req.end();
	});
}

// The weight that HAProxy's agent-check is told.
export function askWeight(port) {
	return new Promise((resolve, reject) => {
		let text = '';
		const socket = net.connect(port, '127.0.0.1', () => socket.write('load\n'));
		socket.setEncoding('latin1').on('data', (more) => (text += more));
		socket.on('error', reject);
		socket.on('end', () => resolve(text));
	});
}

// Asks every so many milliseconds. stop() resolves to { answers, bad: those that were no 200, changes: of the
// status, ms: times, load: numbers told }.
export function watchHealth(server, { path = '/ready', everyMs = 20 } = {}) {
	let going = true;
	const seen = { answers: 0, bad: [], changes: 0, ms: [], load: [] };
	const done = (async () => {
		for (let before; going; await sleep(everyMs)) {
			const { status, text, load, ms } = await askHealth(server.ports.health, path);
			seen.answers++;
			seen.ms.push(ms);
			if (status !== null) seen.load.push(load);
			if (status !== 200) seen.bad.push(`${status} ${text}`);
			if (before !== undefined && status !== before) seen.changes++;
			before = status;
		}
	})();
	return {
		async stop() {
			going = false;
			await done;
			return seen;
		},
	};
}
