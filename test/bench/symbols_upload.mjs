// Uploads of symbols by curl: the sample archive of 72 real modules and one of 500 MB. How long beside writing as many
// bytes to the same disk as often, memory of all roles meanwhile, and what becomes of downloads: their p99 at 1,000 a
// second before and while archives come one after the other. The lab comes first (chrt) on its processor; the server
// has what is left of both, as it is by default.
//   node test/bench/symbols_upload.mjs [--short]	(an archive of 50 MB)
//   node test/bench/symbols_upload.mjs --large	(one of 2 GB alone, the most that an upload may be: memory)
// sym_bench, which makes the modules, is that of the same build as PLIMSOLL_BIN. The folder needs 10 GB while it runs.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { sampleArchive, without } from '../harness/sample_data.mjs';
import { makeToken } from '../harness/symbols_client.mjs';
import { crc32, zip } from '../harness/zip.mjs';
import { cpuUs, load, memory, reportAsItGoes, rolePids, run, runLabCommand } from './lib.mjs';
import { CLIENT_CPU, chance, fill, keys, writePaths, zipf } from './symbols_rig.mjs';

const SHORT = process.argv.includes('--short');
const [SYMS, SYM_MIB] = [SHORT ? 2 : 8, SHORT ? 10 : 37]; // packed to a quarter
const [OTHERS, OTHER_MIB] = SHORT ? [8, 5] : [40, 10]; // packed before: .pd_, .dl_, .ex_
const FILES = 2000;
const RATE = 1000;
const SECONDS = SHORT ? 5 : 20;
const GOALS = { memory_mib: 64, large_mib: 256, p99: 2 };
const LARGE_FILES = 203; // of OTHER_MIB: some below 2 GiB

const symBench = path.join(path.dirname(plimsollBin()), '../test/bench/sym_bench');
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-upload-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const ms = (us) => `${(us / 1000).toFixed(2)} ms`;
const rows = reportAsItGoes(`uploads (load ${load()})`);
let failed = false;

function judge(good, text) {
	failed ||= !good;
	return `${text}${good ? '' : '  MISSED'}`;
}

// ---- archives ----

// Members with everything but their names, made once.
function makeContents() {
	const syms = Array.from({ length: SYMS }, (_, i) => {
		const data = execFileSync(symBench, ['make', String(SYM_MIB), String(i + 1), 'x', '0'.repeat(33)], { maxBuffer: 1 << 30 });
		return { ending: '.sym', size: data.length, crc: crc32(data), packed: zlib.deflateRawSync(data), method: 8 };
	});
	const others = Array.from({ length: OTHERS }, (_, i) => {
		const packed = randomBytes(OTHER_MIB << 20);
		return { ending: ['.pd_', '.dl_', '.ex_'][i % 3], size: packed.length, crc: crc32(packed), packed, method: 0 };
	});
	return [...syms, ...others];
}

// One that is too large to be made in memory, by zip.
function writeLarge() {
	const [folder, file] = [path.join(dir, 'large'), path.join(dir, 'large.zip')];
	for (let i = 0; i < LARGE_FILES; i++) {
		const at = path.join(folder, `module${i}.pdb`, `${i.toString(16).padStart(32, 'A').toUpperCase()}1`);
		mkdirSync(at, { recursive: true });
		writeFileSync(path.join(at, `module${i}.pd_`), randomBytes(OTHER_MIB << 20));
	}
	execFileSync('zip', ['-0', '-q', '-r', file, '.'], { cwd: folder });
	rmSync(folder, { recursive: true });
	return file;
}

// The contents under ids of their own.
function writeArchive(contents, number) {
	const file = path.join(dir, `archive${number}.zip`);
	const members = contents.map(({ ending, ...rest }, i) => {
		const id = `${number.toString(16).padStart(8, '0')}${i.toString(16).padStart(24, '0')}1`.toUpperCase();
		return { ...rest, name: `module${i}.pdb/${id}/module${i}${ending}` };
	});
	writeFileSync(file, zip(members));
	return file;
}

// ---- measuring ----

const server = await startPlimsoll({ dir, stderr: 'file', conf: { log: { level: 'info' }, web: { instances: 0, drain_idle: '0s' }, compute: { instances: 0 }, files: { instances: 0 }, http: { max_connections_per_address: 0 } } });
const token = makeToken(server);
const roles = await rolePids(server);
const pids = Object.values(roles).flat();

// Seconds until the answer has come.
async function send(file) {
	const text = await run('curl', ['-sS', '-o', path.join(dir, 'answer'), '-w', '%{http_code} %{time_total}', '-H', `Auth-Token: ${token}`, '--form', `symbols.zip=@${file}`, `${server.symbolsUrl}/upload/`]);
	const [status, seconds] = text.split(' ').map(Number);
	if (status !== 201) throw new Error(`upload: ${text}`);
	return seconds;
}

// Writes a file as often as an upload does, as it comes and as it is kept, and has it on the disk both times.
function copyTwice(file) {
	const begun = performance.now();
	for (const name of ['copy1', 'copy2']) {
		copyFileSync(file, path.join(dir, name), 0);
		const fd = openSync(path.join(dir, name), 'r');
		fsyncSync(fd);
		closeSync(fd);
	}
	const seconds = (performance.now() - begun) / 1000;
	for (const name of ['copy1', 'copy2']) rmSync(path.join(dir, name));
	return seconds;
}

// The most memory of all roles while fn runs, in KiB.
async function watched(fn) {
	const most = { own: 0, all: 0 };
	const look = () => {
		const now = memory(pids);
		most.own = Math.max(most.own, now.own);
		most.all = Math.max(most.all, now.all);
	};
	const timer = setInterval(look, 100);
	try {
		return { result: await fn(), ...most };
	} finally {
		clearInterval(timer);
	}
}

const cpuOf = () => Object.fromEntries(Object.entries(roles).map(([name, list]) => [name, cpuUs(list)]));

async function one(label, file, goals) {
	const bytes = statSync(file).size;
	const plain = copyTwice(file);
	const before = cpuOf();
	const { result: took, own, all } = await watched(() => send(file));
	const after = cpuOf();
	const used = Object.keys(roles).map((name) => [name, (after[name] - before[name]) / 1e6]).filter(([, s]) => s >= 0.01);
	const again = await send(file);
	rows.push([`${label}, ${(bytes / 1e6).toFixed(1)} MB`, `${took.toFixed(2)} s`, `${(bytes / 1e6 / took).toFixed(0)} MB/s; written twice to the disk ${plain.toFixed(2)} s; processor ${used.map(([name, s]) => `${name} ${s.toFixed(2)} s`).join(', ')}; again, all skipped, ${again.toFixed(2)} s`]);
	if (goals) rows.push(['  memory of all roles, at most', `${(own / 1024).toFixed(0)} MiB`, judge(own < goals * 1024, `${(all / 1024).toFixed(0)} MiB PSS with pages of files (goal ${goals} MiB)`)]);
	return took;
}

async function downloads(file) {
	const r = await runLabCommand(['replay', file, '--format', 'paths', '--times', 'poisson', '--rate', String(RATE), '--clients', '64', server.symbolsUrl], { cpu: CLIENT_CPU, first: true });
	const a = r.activities[0];
	if (a.refused + a.failed + r.replay.changed > 0) throw new Error(`downloads: ${a.refused} refused, ${a.failed} failed, ${r.replay.changed} wrong`);
	for (const why of r.generator.void) rows.push(['downloads: VOID', '', why]);
	return a.latency;
}

// Archives one after the other, each once, until done is: how many.
async function uploadUntil(done, files) {
	let over = false;
	done.finally(() => (over = true)).catch(() => {});
	let n = 0;
	for (; !over && n < files.length; n++) await send(files[n]);
	if (!over) rows.push(['downloads: the archives were too few', '', judge(false, '')]);
	return n;
}

if (process.argv.includes('--large')) {
	await one(`${LARGE_FILES} modules`, writeLarge(), GOALS.large_mib);
	await server.stop();
	process.exit(failed ? 1 : 0);
}
const contents = makeContents();
if (!without(sampleArchive)) await one('72 real modules', sampleArchive);
const took = await one(`${SYMS + OTHERS} modules`, writeArchive(contents, 1), GOALS.memory_mib);

const list = keys(FILES);
await fill({ ...server, token }, list, 8000);
const draw = zipf(FILES, chance(3));
const file = writePaths(path.join(dir, 'hits.csv'), Array.from({ length: RATE * SECONDS }, () => [list[draw()], 200]));
await downloads(file); // warm
const quiet = await downloads(file);
const archives = Array.from({ length: Math.ceil((1.4 * SECONDS) / took) + 1 }, (_, i) => writeArchive(contents, 100 + i));
execFileSync('sync'); // what was written here does not go to the disk while somebody is timed
const busy = downloads(file);
const n = await uploadUntil(busy, archives);
const meanwhile = await busy;
const ratio = meanwhile.p99_us / quiet.p99_us;
rows.push(
	[`downloads at ${RATE}/s: p99 while ${n} archives come`, ms(meanwhile.p99_us), judge(ratio <= GOALS.p99, `before ${ms(quiet.p99_us)}: ${ratio.toFixed(2)}x (goal at most ${GOALS.p99}x)`)],
	['  p50, p999 meanwhile', ms(meanwhile.p50_us), `p999 ${ms(meanwhile.p999_us)}; before ${ms(quiet.p50_us)}, ${ms(quiet.p999_us)}`],
);
await server.stop();
process.exit(failed ? 1 : 0);
