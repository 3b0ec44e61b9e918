// Symbolication (symbols.md 2): building the index of a 39 MB .sym, once however many wait for it, and
// stacks a second. The requests are the real sample's where it is at hand (PLIMSOLL_SAMPLE_DATA, or beside
// the tree): 8,788 stacks of 25 frames; the symbols are made for it, modules of the same names and ids, the
// most wanted ones of 110 MB, 3 GB in all.
//   node test/bench/symbolicate.mjs [--short]	(5 modules of 10 MB, 300 MB in all)
// The programs are those of the release build, and sym_bench of any build of this tree (SYM_BENCH).
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished } from 'node:stream/promises';
import { releaseBin } from '../harness/nth.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { lines, sampleRequests, without } from '../harness/sample_data.mjs';
import { ask, makeToken } from '../harness/symbols_client.mjs';
import { form, formType, zip } from '../harness/zip.mjs';
import { cpuUs, rolePids, wrk, writeWrkScript } from './lib.mjs';

const SHORT = process.argv.includes('--short');
const LARGE = 5; // of the modules
const LARGE_MIB = SHORT ? 10 : 106;
const ALL_MIB = SHORT ? 300 : 3072;
const WAITERS = 24;
const SECONDS = SHORT ? 4 : 15;

process.env.PLIMSOLL_BIN = releaseBin();
const symBench = process.env.SYM_BENCH ?? ['release', 'gcc', 'test'].map((b) => path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build', b, 'test/bench/sym_bench')).find(existsSync);

const hasSample = !without(sampleRequests);

// Requests like the sample's, where that is not here: few modules take most of the frames.
function makeRequests() {
	const modules = Array.from({ length: 300 }, (_, i) => [`module${i}.pdb`, (i + 1).toString(16).toUpperCase().padStart(32, '0') + '1']);
	const pick = () => Math.floor(modules.length * Math.random() ** 4);
	return Array.from({ length: 8788 }, () => {
		const memoryMap = [...new Set([pick(), pick(), pick()])].map((i) => modules[i]);
		return { memoryMap, stacks: [Array.from({ length: 25 }, () => [Math.floor(Math.random() * memoryMap.length), Math.floor(Math.random() * 30e6)])] };
	});
}

// Floats stand in frames without a module; the fifth version refuses them.
const whole = ({ memoryMap, stacks }) => ({ memoryMap, stacks: stacks.map((s) => s.map(([m, o]) => [m, Number.isInteger(o) ? o : -1])) });

const requests = (hasSample ? lines(sampleRequests).map((l) => JSON.parse(l)) : makeRequests()).map(whole);
console.log(`requests: ${hasSample ? sampleRequests : 'made for it'}: ${requests.length}; load average ${os.loadavg()[0].toFixed(1)}`);

const uses = new Map();
for (const { memoryMap, stacks } of requests) {
	for (const m of new Set(stacks.flat().map(([m]) => m))) if (m >= 0) uses.set(memoryMap[m].join('/'), (uses.get(memoryMap[m].join('/')) ?? 0) + 1);
}
const wanted = [...uses].sort((a, b) => b[1] - a[1]).map(([key]) => key);
const small = wanted.slice(LARGE, LARGE + (SHORT ? ALL_MIB - LARGE * LARGE_MIB : 1310));
const smallMib = Math.max(1, Math.round((ALL_MIB - LARGE * LARGE_MIB) / small.length));
const symName = (name) => (name.endsWith('.pdb') ? `${name.slice(0, -4)}.sym` : `${name}.sym`);

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-bench-'));
const server = await startPlimsoll({ dir, conf: { web: { instances: 2 } } });
const token = makeToken(server);
const pids = await rolePids(server);
let textBytes = 0;

// The text of a module with so many MiB, made by the program beside.
async function makeSym(mib, seed, key) {
	const [name, id] = key.split('/');
	const file = path.join(dir, 'made.sym');
	const made = spawn(symBench, ['make', String(mib), String(seed), name, id], { stdio: ['ignore', 'pipe', 'inherit'] });
	await finished(made.stdout.pipe(createWriteStream(file)));
	const text = readFileSync(file);
	rmSync(file);
	return text;
}

async function put(keys, mib) {
	const members = [];
	for (const key of keys) {
		const data = await makeSym(mib, members.length + 1, key);
		textBytes += data.length;
		members.push({ name: `${key}/${symName(key.split('/')[0])}`, data, method: 0 });
	}
	const body = form('symbols.zip', zip(members));
	const answer = await ask(server, 'POST', '/upload/', { headers: { 'auth-token': token, 'content-type': formType() }, body });
	if (answer.status !== 201) throw new Error(answer.text);
}

const post = (job, headers) => ask(server, 'POST', '/symbolicate/v5', { headers, body: Buffer.from(JSON.stringify(job)) });
const indexBytes = () =>
	readdirSync(path.join(server.dataDir, 'blobs/index/blobs'), { recursive: true, withFileTypes: true })
		.filter((e) => e.name.endsWith('.ix1'))
		.reduce((sum, e) => sum + statSync(path.join(e.parentPath ?? e.path, e.name)).size, 0);
const seconds = (ms) => (ms / 1000).toFixed(2);

// ---- cold: a module of the size of libjvm's ----

for (const [what, waiters] of [['one request', 1], [`${WAITERS} requests at once`, WAITERS]]) {
	const key = `cold${waiters}.so/${String(waiters).padStart(32, 'C')}0`;
	await put([key], 37);
	const job = { memoryMap: [key.split('/')], stacks: [[[0, 4_000_000]]] };
	const [bytes, begun, cpu] = [indexBytes(), performance.now(), cpuUs(pids.files)];
	const answers = await Promise.all(Array.from({ length: waiters }, () => post(job)));
	const took = performance.now() - begun;
	if (answers.some((a) => a.json?.results[0].found_modules[key] !== true)) throw new Error(answers[0].text);
	const ratio = (indexBytes() - bytes) / (37 * 1024 * 1024);
	console.log(`cold, 39 MB, ${what}: ${seconds(took)} s until all are answered, ${seconds((cpuUs(pids.files) - cpu) / 1000)} s of processor in files, index of ${ratio.toFixed(3)} of the text`);
	const warm = performance.now();
	await post(job);
	console.log(`  again: ${(performance.now() - warm).toFixed(2)} ms`);
}

// ---- the sample ----

const before = textBytes;
for (const key of wanted.slice(0, LARGE)) await put([key], LARGE_MIB);
for (let i = 0; i < small.length; i += 50) await put(small.slice(i, i + 50), smallMib);
console.log(`${LARGE} modules of ${LARGE_MIB} MiB, ${small.length} of ${smallMib} MiB: ${((textBytes - before) / 1e9).toFixed(2)} GB of text`);

let begun = performance.now();
let found = 0;
for (const key of [...wanted.slice(0, LARGE), ...small]) {
	const answer = await post({ memoryMap: [key.split('/')], stacks: [[[0, 65536]]] });
	found += answer.json.results[0].found_modules[key] === true;
}
console.log(`all ${found} indexes built one after the other in ${seconds(performance.now() - begun)} s, ${(indexBytes() / 1e9).toFixed(2)} GB on disk: ${(indexBytes() / textBytes).toFixed(3)} of the text`);

const script = writeWrkScript(
	path.join(dir, 'wrk.lua'),
	requests.map((r) => ({ method: 'POST', path: '/symbolicate/v5', body: JSON.stringify(r) })),
	{ expected: '"found_modules"' },
);
await wrk(server.symbolsUrl, pids.web, { connections: 32, seconds: 2, script });
const r = await wrk(server.symbolsUrl, pids.web, { connections: 32, seconds: SECONDS, script });
console.log(`warm: ${r.perSecond.toFixed(0)} stacks/s (25 frames each), p99 ${r.p99ms} ms, ${r.cpuUsPerRequest.toFixed(0)} us of processor in web for each, ${r.errors} errors`);
const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
console.log(metrics.split('\n').filter((l) => /^[a-z_]*symbols_(symbolicated|index)/.test(l)).join('\n'));
await server.stop();
rmSync(dir, { recursive: true, force: true });
