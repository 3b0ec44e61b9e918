// A server of known behaviour, for tests of the lab: roles with workers of an exact rate, and faults that can
// be planted. Time is kept by tokens: a worker is taken until a moment that is computed, so that a machine
// which is busy makes answers late and the server not slower.
//   node test/harness/stand_in.mjs '{"paths":{"/a":{"work":5}}}'   prints its port
// Options: paths { PATH: { ROLE: ms } }, one after the other; workers { ROLE: n } (1); waitingMax (503 beyond);
// slower (a service takes 1 + slower * waiting times as long); trap { at, factor } (with so many waiting it is
// that much slower until nothing waits); dieAfter (requests, then it exits).
// /metrics has the processor seconds that the roles would have used; /gone what it was asked for.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

class Role {
	constructor(workers, options) {
		this.free = new Array(workers).fill(0);
		this.options = options;
		this.given = 0; // ms of work, those to come included
		this.starts = []; // of work that waits
		this.trapped = false;
	}

	waiting(now) {
		while (this.starts.length && this.starts[0] <= now) this.starts.shift();
		return this.starts.length;
	}

	// The moment at which so much work will be done.
	take(now, ms) {
		const { slower = 0, trap } = this.options;
		const waiting = this.waiting(now);
		if (trap && waiting >= trap.at) this.trapped = true;
		if (waiting === 0) this.trapped = false;
		const cost = ms * (1 + slower * waiting) * (this.trapped ? trap.factor : 1);
		let worker = 0;
		for (let i = 1; i < this.free.length; i++) if (this.free[i] < this.free[worker]) worker = i;
		const start = Math.max(now, this.free[worker]);
		if (start > now) this.starts.push(start);
		this.free[worker] = start + cost;
		this.given += cost;
		return start + cost;
	}

	used(now) {
		return this.given - this.free.reduce((sum, at) => sum + Math.max(0, at - now), 0);
	}
}

function serve(options) {
	const { paths, workers = {}, waitingMax = Infinity, dieAfter = Infinity } = options;
	const roles = {};
	for (const costs of Object.values(paths)) {
		for (const name of Object.keys(costs)) roles[name] ??= new Role(workers[name] ?? 1, options);
	}
	// Callbacks by the moment that they are due, in one timer.
	const due = [];
	let timer = null;
	const later = (at, fn) => {
		let i = due.length;
		while (i > 0 && due[i - 1].at > at) i--;
		due.splice(i, 0, { at, fn });
		if (i === 0) arm();
	};
	const arm = () => {
		clearTimeout(timer);
		if (due.length) timer = setTimeout(run, Math.max(0, due[0].at - performance.now()));
	};
	const run = () => {
		while (due.length && due[0].at <= performance.now() + 0.2) due.shift().fn();
		arm();
	};
	let n = 0;
	const server = http.createServer((req, res) => {
		const now = performance.now();
		if (req.url === '/metrics') {
			const line = ([name, role]) => `process_cpu_seconds_total{role="${name}"} ${(role.used(now) / 1000).toFixed(6)}\n`;
			return res.end(Object.entries(roles).map(line).join(''));
		}
		if (++n > dieAfter) process.exit(0);
		const costs = paths[req.url];
		if (!costs) return res.writeHead(404).end();
		if (Object.keys(costs).some((name) => roles[name].waiting(now) >= waitingMax)) {
			return res.writeHead(503, { 'Retry-After': '1' }).end();
		}
		const steps = Object.entries(costs);
		const next = (at) => {
			const step = steps.shift();
			if (!step) return res.end('ok');
			const end = roles[step[0]].take(at, step[1]);
			later(end, () => next(end));
		};
		next(now);
	});
	server.keepAliveTimeout = 60000;
	server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(JSON.parse(process.argv[2]));

// One in a process of its own: { url, pid, stop() }.
export async function startStandIn(options, prefix = []) {
	const words = [...prefix, process.execPath, fileURLToPath(import.meta.url), JSON.stringify(options)];
	const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = new Promise((resolve) => child.once('close', resolve));
	const port = await new Promise((resolve, reject) => {
		child.stdout.once('data', (text) => resolve(Number(String(text))));
		child.once('close', () => reject(new Error('the stand-in did not start')));
	});
	return {
		url: `http://127.0.0.1:${port}`,
		pid: child.pid,
		ended,
		async stop() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}
