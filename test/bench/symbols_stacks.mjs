// Symbolication (symbols.md 2): building the index of a 39 MB .sym, once however many wait for it, and stacks a second.
// The requests are the real sample's where it is at hand (PLIMSOLL_SAMPLE_DATA, or beside the tree): 8,788 stacks of 25
// frames; the symbols are made for it, modules of the same names and ids: the five most wanted ones of 111 MB as a
// browser's library is, the next ten of 39 MB as libjvm's, the others of 2 MB as libc's, 3.6 GB in all.
//   node test/bench/symbols_stacks.mjs [--short]	(10, 4 and 1 MB of 300 modules)
// sym_bench, which makes them, is that of the same build as PLIMSOLL_BIN. The folder needs 6 GB while it runs.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { lines, sampleRequests, without } from '../harness/sample_data.mjs';
import { ask, makeToken, upload } from '../harness/symbols_client.mjs';
import { zip } from '../harness/zip.mjs';
import { cpuUs, load, memory, reportAsItGoes, rolePids, wrk, writeWrkScript } from './lib.mjs';

const SHORT = process.argv.includes('--short');
const TIERS = SHORT ? [[5, 10], [10, 4], [285, 1]] : [[5, 106], [10, 37], [1300, 2]]; // modules, MiB
const WAITERS = 24;
const SECONDS = SHORT ? 4 : 15;
const ARCHIVE_MIB = 200;
const PUBLISHED_S = 2.2; // median of a job at Mozilla's server
const GOALS = { cold_s: 1.5, index: 0.4, stacks: 5000 };

const symBench = path.join(path.dirname(plimsollBin()), '../test/bench/sym_bench');
const isReal = !without(sampleRequests);
let failed = false;

function judge(good, text) {
	failed ||= !good;
	return `${text}${good ? '' : '  MISSED'}`;
}

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

const requests = (isReal ? lines(sampleRequests).map((l) => JSON.parse(l)) : makeRequests()).map(whole);

// "DEBUG_FILE/ID" of all modules, those first that most requests ask for; but of those that nobody can have symbols
// for, since they have no name or no id.
function byUse() {
	const uses = new Map();
	for (const { memoryMap, stacks } of requests) {
		for (const m of new Set(stacks.flat().map(([m]) => m))) if (m >= 0) uses.set(memoryMap[m].join('/'), (uses.get(memoryMap[m].join('/')) ?? 0) + 1);
	}
	return [...uses].sort((a, b) => b[1] - a[1]).map(([key]) => key).filter((key) => /^[\w.+-]+\/(?!0+$)[0-9A-Fa-f]+$/.test(key));
}

const symName = (name) => (name.endsWith('.pdb') ? `${name.slice(0, -4)}.sym` : `${name}.sym`);

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-stacks-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const server = await startPlimsoll({ dir, conf: { web: { instances: 2, drain_idle: '0s' }, files: { instances: 2 } } });
const token = makeToken(server);
const pids = await rolePids(server);
let textBytes = 0;
let seed = 0;

// The text of a module with so many MiB, made by the program beside.
async function makeSym(mib, key) {
	const file = path.join(dir, 'made.sym');
	const made = spawn(symBench, ['make', String(mib), String(++seed), ...key.split('/')], { stdio: ['ignore', 'pipe', 'inherit'] });
	await finished(made.stdout.pipe(createWriteStream(file)));
	const text = readFileSync(file);
	rmSync(file);
	return text;
}

async function put(keys, mib) {
	const members = [];
	for (const key of keys) {
		const data = await makeSym(mib, key);
		textBytes += data.length;
		members.push({ name: `${key}/${symName(key.split('/')[0])}`, data, method: 0 });
	}
	const answer = await upload(server, token, zip(members));
	if (answer.status !== 201) throw new Error(answer.text);
}

const post = (job, headers) => ask(server, 'POST', '/symbolicate/v5', { headers, body: Buffer.from(JSON.stringify(job)) });
const indexFiles = () => readdirSync(path.join(server.dataDir, 'blobs/index/blobs'), { recursive: true, withFileTypes: true }).filter((e) => e.name.endsWith('.ix1'));
const indexBytes = () => indexFiles().reduce((sum, e) => sum + statSync(path.join(e.parentPath ?? e.path, e.name)).size, 0);
const seconds = (ms) => (ms / 1000).toFixed(2);

// A module of the size of libjvm's, for which so many ask at once.
async function cold(waiters) {
	const key = `cold${waiters}.so/${String(waiters).padStart(32, 'C')}0`;
	const text = textBytes;
	await put([key], 37);
	const job = { memoryMap: [key.split('/')], stacks: [[[0, 4_000_000]]] };
	const [bytes, files, begun, cpu] = [indexBytes(), indexFiles().length, performance.now(), cpuUs(pids.files)];
	const answers = await Promise.all(Array.from({ length: waiters }, () => post(job)));
	const took = performance.now() - begun;
	if (answers.some((a) => a.json?.results[0].found_modules[key] !== true)) throw new Error(answers[0].text);
	const used = (cpuUs(pids.files) - cpu) / 1000;
	const ratio = (indexBytes() - bytes) / (textBytes - text);
	const again = performance.now();
	await post(job);
	return [
		[`cold, ${((textBytes - text) / 1e6).toFixed(0)} MB, ${waiters} ask: until all are answered`, `${seconds(took)} s`, judge(took < GOALS.cold_s * 1000, `${seconds(used)} s of processor in files, ${indexFiles().length - files} built (goal ${GOALS.cold_s} s, once); again ${(performance.now() - again).toFixed(1)} ms`)],
		['  its index, of the text', ratio.toFixed(3), judge(ratio <= GOALS.index && indexFiles().length - files === 1, `(goal ${GOALS.index})`)],
	];
}

// Modules of the sample with their symbols: their keys.
async function store() {
	const wanted = byUse();
	const all = [];
	for (const [n, mib] of TIERS) {
		const keys = wanted.splice(0, n);
		const each = Math.max(1, Math.floor(ARCHIVE_MIB / mib));
		for (let i = 0; i < keys.length; i += each) await put(keys.slice(i, i + each), mib);
		all.push(...keys);
	}
	return all;
}

const rows = reportAsItGoes(`symbolication (load ${load()})`);
rows.push(...(await cold(1)));
rows.push(...(await cold(WAITERS)));

const [before, indexBefore] = [textBytes, indexBytes()];
let begun = performance.now();
const modules = await store();
const text = textBytes - before;
rows.push(['modules, uploaded', `${modules.length}`, `${(text / 1e9).toFixed(2)} GB of text: ${TIERS.map(([n, mib]) => `${n} of ${((mib * 1048576) / 1e6).toFixed(0)} MB`).join(', ')}; ${seconds(performance.now() - begun)} s`]);

begun = performance.now();
let found = 0;
for (const key of modules) {
	const answer = await post({ memoryMap: [key.split('/')], stacks: [[[0, 65536]]] });
	found += answer.json.results[0].found_modules[key] === true;
}
const built = indexBytes() - indexBefore;
rows.push(['all indexes, one after the other', `${seconds(performance.now() - begun)} s`, judge(found === modules.length && built / text <= GOALS.index, `${(built / 1e9).toFixed(2)} GB: ${(built / text).toFixed(3)} of the text (goal ${GOALS.index}); ${found} found`)]);

const bodies = requests.map((r) => ({ method: 'POST', path: '/symbolicate/v5', body: JSON.stringify(r) }));
const script = writeWrkScript(path.join(dir, 'wrk.lua'), bodies, { expected: '"found_modules"' });
await wrk(server.symbolsUrl, pids.web, { connections: 32, seconds: 2, script });
const r = await wrk(server.symbolsUrl, pids.web, { connections: 32, seconds: SECONDS, script });
const frames = requests.reduce((sum, { stacks }) => sum + stacks[0].length, 0);
rows.push(
	[`warm, ${requests.length} ${isReal ? 'real' : 'made'} requests: stacks/s`, r.perSecond.toFixed(0), judge(r.perSecond >= GOALS.stacks && r.errors === 0, `(goal ${GOALS.stacks}) ${(frames / requests.length).toFixed(1)} frames each; ${r.errors} errors`)],
	['  p99', `${r.p99ms} ms`, `${r.cpuUsPerRequest.toFixed(0)} us of processor in web for each; wrk shares both processors`],
);
begun = performance.now();
for (const { body } of bodies.slice(0, 200)) await ask(server, 'POST', '/symbolicate/v5', { body: Buffer.from(body) });
const alone = (performance.now() - begun) / 200;
rows.push(['  one after the other: mean', `${alone.toFixed(2)} ms`, judge(alone * 100 <= PUBLISHED_S * 1000, `${((PUBLISHED_S * 1000) / alone).toFixed(0)}x the published median of ${PUBLISHED_S} s (goal 100x)`)]);
const { own, all } = memory(Object.values(pids).flat());
rows.push(['memory of all roles', `${(own / 1024).toFixed(0)} MiB`, `${(all / 1024).toFixed(0)} MiB PSS with pages of indexes`]);
await server.stop();
process.exit(failed ? 1 : 0);
