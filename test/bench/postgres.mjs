// PostgreSQL behind the service: what the size of the pool does to point reads (one web process, 64
// connections of wrk), with the server next door and with one that is two milliseconds away, beside
// SQLite in the same run. The story of the seed: one connection per process queues up all work, two
// to ten do not. POOLS and SECONDS in the environment change what is run.
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { startPostgres } from '../harness/postgres.mjs';
import { load, rolePids, wrk } from './lib.mjs';

const POOLS = (process.env.POOLS ?? '1,2,4,10').split(',').map(Number);
const SECONDS = Number(process.env.SECONDS ?? 4);
const AWAY_MS = 1; // each way

// A TCP relay that holds every byte for a while, as a network would, in order; in a thread of its own.
function relay(port) {
	const later = (from, to) => {
		from.on('data', (chunk) => setTimeout(() => to.write(chunk), AWAY_MS));
		from.on('close', () => setTimeout(() => to.destroy(), AWAY_MS));
		from.on('error', () => {});
	};
	const server = net.createServer((client) => {
		const upstream = net.connect(port, '127.0.0.1').setNoDelay();
		client.setNoDelay();
		later(client, upstream);
		later(upstream, client);
	});
	server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

function startRelay(port) {
	const thread = new Worker(fileURLToPath(import.meta.url), { workerData: port });
	return new Promise((resolve) => thread.once('message', (at) => resolve({ thread, port: at })));
}

async function measure(what, store) {
	const server = await startPlimsoll({ conf: { ...(store && { store }), web: { instances: 1 }, log: { level: 'error' } } });
	try {
		await signUp(server, 'bench@example.org', 'correct horse');
		const pids = await rolePids(server);
		const url = `${server.url}/wsapi/have_email?email=bench@example.org`;
		await wrk(url, pids.web, { seconds: 1 }); // connects and prepares
		const r = await wrk(url, pids.web, { seconds: SECONDS });
		const good = (r.requests - r.errors) / r.requests;
		console.log(`  ${what.padEnd(34)} ${(r.perSecond * good).toFixed(0).padStart(9)} ${r.p99ms.toFixed(1).padStart(9)} ${r.errors.toString().padStart(8)} ${r.cpuUsPerRequest.toFixed(0).padStart(12)}`);
		return r.perSecond * good;
	} finally {
		await server.stop();
	}
}

async function main() {
	const pg = await startPostgres({ tcp: true });
	const far = await startRelay(pg.port);
	const away = (role, name) => pg.tcpUrl(role, name, '?sslmode=disable').replace(`:${pg.port}/`, `:${far.port}/`);
	try {
		console.log(`\n== point reads by size of the pool, ${SECONDS} s each, load ${load()}`);
		console.log(`  ${''.padEnd(34)} ${'reads/s'.padStart(9)} ${'p99 ms'.padStart(9)} ${'refused'.padStart(8)} ${'web us/read'.padStart(12)}`);
		await measure('SQLite');
		for (const [where, store] of [
			['next door', (name, pool) => pg.store(name, { pool })],
			[`${2 * AWAY_MS} ms away`, (name, pool) => ({ engine: 'postgres', url: away('plimsoll', name), read_url: away('plimsoll_web', name), pool })],
		]) {
			let first;
			for (const pool of POOLS) {
				const rate = await measure(`PostgreSQL ${where}, pool of ${pool}`, store(pg.newDatabase(), pool));
				first ??= rate;
				if (pool !== POOLS[0]) console.log(`  ${''.padEnd(34)} ${(rate / first).toFixed(1).padStart(8)}x`);
			}
		}
	} finally {
		await far.thread.terminate();
		await pg.remove();
	}
}

if (isMainThread) {
	await main();
	process.exit(0);
} else {
	relay(workerData);
}
