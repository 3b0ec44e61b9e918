// What the benchmarks of symbols share: a server on one processor whose files have real names, and requests like those
// of crash reporters, as lists of paths for "plimsoll replay".
//
// Names, ids and kinds are those of the real key list where it is at hand (PLIMSOLL_SAMPLE_DATA, or beside the tree),
// else made; contents are made. What is wanted follows Zipf's law: the k-th most wanted file is wanted 1/k as often.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { lines, sampleKeys, without } from '../harness/sample_data.mjs';
import { makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { pinned, rolePids } from './lib.mjs';

export const [SERVER_CPU, CLIENT_CPU] = [0, 1];
const HERE = path.dirname(fileURLToPath(import.meta.url));
const ARCHIVE_FILES = 250;

// All roles on one processor, one process each, with what a server of it has by default (its access log goes to a file).
// upstream: of [symbols]. tls: { certificate, key }.
export async function startSymbols({ cpu = SERVER_CPU, conf = {}, upstream, tls } = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-symbols-'));
	const tlsPort = tls ? await freePort() : 0;
	const symbols = {
		...(upstream ? { upstream, upstream_private: 'yes', upstream_parallel: 128 } : {}),
		...(tls ? { tls_listen: `127.0.0.1:${tlsPort}` } : {}),
		...conf.symbols,
	};
	const server = await startPlimsoll({
		dir,
		bin: pinned(plimsollBin(), dir, cpu),
		stderr: 'file',
		conf: {
			log: { level: 'info' },
			http: { access_log: 'yes', max_connections_per_address: 0 },
			...conf,
			web: { instances: 1, drain_idle: '0s', ...conf.web },
			compute: { instances: 1 },
			symbols,
			...(tls ? { tls: { certificate: tls.certificate, key: tls.key } } : {}),
		},
	});
	server.tlsUrl = `https://127.0.0.1:${tlsPort}`;
	server.token = makeToken(server);
	server.roles = await rolePids(server);
	server.allPids = Object.values(server.roles).flat();
	server.end = async () => {
		await server.stop();
		rmSync(dir, { recursive: true, force: true });
	};
	return server;
}

// ---- chance, the same in each run ----

export function chance(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

// Draws 0..n-1 by Zipf's law.
export function zipf(n, random) {
	const sums = new Float64Array(n);
	let sum = 0;
	for (let k = 0; k < n; k++) sums[k] = sum += 1 / (k + 1);
	return () => {
		const wanted = random() * sum;
		let [low, high] = [0, n - 1];
		while (low < high) {
			const middle = (low + high) >> 1;
			if (sums[middle] < wanted) low = middle + 1;
			else high = middle;
		}
		return low;
	};
}

// ---- names ----

function madeKeys(n) {
	const id = (i) => createHash('sha256').update(`id:${i}`).digest('hex').slice(0, 32).toUpperCase();
	return Array.from({ length: n }, (_, i) => {
		const name = `module${i % 805}`;
		return [`${name}.pdb/${id(i)}1/${name}.sym`, `lib${name}.so/${id(i)}0/lib${name}.so.dbg.gz`, `${name}.pdb/${id(i)}1/${name}.pd_`, `${name}.dll/${id(i).slice(0, 13)}/${name}.dl_`][i % 4];
	});
}

// So many different keys: "DEBUG_FILE/ID/FILE" whose names a server takes.
export function keys(n) {
	if (without(sampleKeys)) return madeKeys(n);
	const all = lines(sampleKeys).map((line) => line.split('\t')[0]);
	const good = all.filter((key) => /^[\w.+-]+\/[0-9A-F]{12,33}\/[\w.+-]+\.(sym|pd_|dl_|ex_|bz2|gz)$/.test(key));
	if (good.length < n) throw new Error(`${sampleKeys} has ${good.length} keys`);
	const step = Math.floor(good.length / n);
	return Array.from({ length: n }, (_, i) => good[i * step]);
}

// The same name with an id that nobody has.
export function missing(key, number) {
	const [name, id, file] = key.split('/');
	const other = createHash('sha256').update(`${id} ${number}`).digest('hex').toUpperCase();
	return `${name}/${other.repeat(2).slice(0, id.length)}/${file}`;
}

// A symbol file of about so many bytes.
export function symText(key, bytes) {
	const [name, id] = key.split('/');
	const random = chance(Number.parseInt(id.slice(0, 8), 16));
	const text = [`MODULE Linux x86_64 ${id} ${name}`, 'FILE 0 main.cc'];
	let at = 4096;
	for (let n = 0; n < bytes; n += text.at(-1).length + 1) {
		const size = 1 + Math.floor(random() * 60);
		text.push(random() < 0.03 ? `FUNC ${at.toString(16)} ${(size * 40).toString(16)} 0 f${at}` : `${at.toString(16)} ${size.toString(16)} ${Math.floor(random() * 5000)} 0`);
		at += size;
	}
	return `${text.join('\n')}\n`;
}

const content = (key, bytes) => (key.endsWith('.sym') ? symText(key, bytes) : Buffer.from(`${key}\n`.repeat(Math.ceil(bytes / 4 / key.length))));

// Uploads a file for each key, some hundred in an archive, four archives at a time.
export async function fill(server, list, bytes) {
	const begins = Array.from({ length: Math.ceil(list.length / ARCHIVE_FILES) }, (_, i) => i * ARCHIVE_FILES);
	const sender = async () => {
		for (let i; (i = begins.pop()) !== undefined; ) {
			const files = Object.fromEntries(list.slice(i, i + ARCHIVE_FILES).map((key) => [key, content(key, bytes)]));
			const answer = await uploadFiles(server, server.token, files);
			if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${answer.text}`);
		}
	};
	await Promise.all(Array.from({ length: 4 }, sender));
}

// ---- requests ----

let newest = 0; // so that what is new in one list is new in all

// n requests, shares of all of them: misses, of which counting are of keys that nobody has asked for yet; and cold, files
// that only the upstream has. [path, status] each.
export function mix({ n, hits, misses, share, counting, cold, seed = 1 }) {
	const random = chance(seed);
	const [hit, miss] = [zipf(hits.length, random), zipf(misses.length, random)];
	return Array.from({ length: n }, () => {
		const u = random();
		if (u < counting) return [missing(hits[hit()], `new ${process.pid} ${newest++}`).replace(/[^/]*$/, 'm.sym'), 404];
		if (u < share) return [misses[miss()], 404];
		if (u < share + cold) return [coldKey(), 200];
		return [hits[hit()], 200];
	});
}

// A file that the upstream has, and nobody asked for yet.
export function coldKey() {
	const number = newest++;
	return `cold${number % 97}.dll/${createHash('sha256').update(`cold ${process.pid} ${number}`).digest('hex').slice(0, 13).toUpperCase()}/cold${number % 97}.dl_`;
}

export function writePaths(file, rows) {
	writeFileSync(file, `path,status,count\n${rows.map(([key, status]) => `/${key},${status},1`).join('\n')}\n`);
	return file;
}

// ---- the upstream ----

export async function startFar() {
	const port = await freePort();
	const child = spawn('taskset', ['-c', String(CLIENT_CPU), process.execPath, path.join(HERE, 'far_upstream.mjs'), String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
	process.on('exit', () => child.kill());
	await new Promise((resolve) => child.stdout.once('data', resolve));
	return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: () => child.kill() };
}
