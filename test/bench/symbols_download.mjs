// Downloads of symbols beside nginx and elfutils' debuginfod, and the log mix of seed 002: the server on one processor,
// the clients (wrk, the lab) on the other.
//   node test/bench/symbols_download.mjs [hot] [tls] [debuginfod] [mix] [cold] [redirect] [--short]
// hot: single addresses with wrk, beside nginx serving the same bytes. mix: 91 % misses, of which 5 points are of keys
// that nobody asked for yet, 1 % cold (an upstream 80 ms away has them), the rest hits, all by Zipf's law; first in a
// closed loop, then at random times at half of 20,000/s, with cold ones apart: these take the 80 ms whatever this server
// does. cold: the same with 5 % cold. redirect: the mix with answers as Tecken's (302). Without a word: all of them.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../harness/certificates.mjs';
import { freePort } from '../harness/plimsoll.mjs';
import { get, uploadFiles } from '../harness/symbols_client.mjs';
import { bestOfRounds, coreUse, cpuUs, load, metrics, pinned, report, runLabCommand, startNginx, wrk } from './lib.mjs';
import { CLIENT_CPU, SERVER_CPU, coldKey, fill, keys, missing, mix, startFar, startSymbols, symText, writePaths } from './symbols_rig.mjs';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const SHORT = process.argv.includes('--short');
const wanted = (word) => words.length === 0 || words.includes(word);

const SEED = { trivial: 1305, hot: 805, mix: 330 }; // requests a second
const SECONDS = SHORT ? 1 : 2;
const FILES = SHORT ? 1000 : 5000; // that are there
const MISSING = SHORT ? 1000 : 5000; // that are asked for in vain again and again
const FILE_BYTES = 8000; // of text
const CLIENTS = 256;
const [SHARE, COUNTING] = [0.91, 0.05];
const GOAL = 20000;
const REQUESTS = SHORT ? 40000 : 250000; // of the closed loop
const HALF_SECONDS = SHORT ? 3 : 10;

const ms = (us) => `${(us / 1000).toFixed(1)} ms`;
const gzip = { 'Accept-Encoding': 'gzip' };
const results = {};
let failed = false;

function judge(good, text) {
	failed ||= !good;
	return `${text}${good ? '' : '  MISSED'}`;
}

// ---- single addresses ----

const HOT = [
	['2 KB', 'small.so/0000000000000000000000000000000A0/small.so.sym', 6000],
	['30 KB', 'middle.so/0000000000000000000000000000000B0/middle.so.sym', 100000],
	['200 KB', 'larger.so/0000000000000000000000000000000E0/larger.so.sym', 700000],
	['1 MB', 'large.so/0000000000000000000000000000000C0/large.so.sym', 3500000],
];
const NOWHERE = '/nowhere.so/0000000000000000000000000000000D0/nowhere.so.sym';

// The files in the server, and their stored bytes for nginx.
async function hotFiles(server) {
	const answer = await uploadFiles(server, server.token, Object.fromEntries(HOT.map(([, key, bytes]) => [key, symText(key, bytes)])));
	if (answer.status !== 201) throw new Error(answer.text);
	const files = {};
	for (const [, key] of HOT) files[`${key}.gz`] = (await get(server, `/${key}`, gzip)).body;
	return files;
}

// wrk beside nginx in turns; of a miss the same answer is wanted from both, 404.
async function compare(peers, label, target, { goal = 0.9, connections = 64 } = {}) {
	const isMiss = target === NOWHERE;
	const best = await bestOfRounds(peers, async ({ base, pids }) => {
		const r = await wrk(base + target, pids, { seconds: SECONDS, cpu: CLIENT_CPU, headers: gzip, connections });
		return isMiss ? { ...r, errors: r.requests - r.errors } : r;
	});
	const { nginx: n, plimsoll: p } = best;
	const ratio = p.perSecond / n.perSecond;
	return { ...p, row: [`${label}: requests/s, of nginx`, ratio.toFixed(2), judge(ratio >= goal, `${p.perSecond.toFixed(0)} beside ${n.perSecond.toFixed(0)}; ${p.cpuUsPerRequest.toFixed(1)} us beside ${n.cpuUsPerRequest.toFixed(1)} us of processor each; p99 ${p.p99ms.toFixed(1)} beside ${n.p99ms.toFixed(1)} ms`)] };
}

async function hot(secure) {
	const tls = secure ? makeCertificate(['localhost', '127.0.0.1']) : undefined;
	const server = await startSymbols({ tls });
	const files = await hotFiles(server);
	const nginx = await startNginx({ files, workers: 1, cpu: SERVER_CPU, tls, locations: 'gzip_static always; gunzip on; gzip_vary on; default_type text/plain;' });
	const base = secure ? server.tlsUrl : server.symbolsUrl;
	const peers = [{ name: 'nginx', base: nginx.url, pids: nginx.pids }, { name: 'plimsoll', base, pids: [...server.roles.web, ...server.roles.signer] }];
	const rows = [];
	const rates = [];
	for (const [label, key] of secure ? HOT.slice(0, 2) : HOT) {
		const { perSecond, row } = await compare(peers, `GET of ${label}`, `/${key}`);
		rates.push(perSecond);
		rows.push(row);
	}
	const miss = await compare(peers, '404', NOWHERE, { goal: 0 });
	rows.push(miss.row, ['404s, of hot GETs', (miss.perSecond / rates[0]).toFixed(2), judge(miss.perSecond >= rates[0], '(goal: at least as many)')]);
	const trivial = await wrk(`${base}/__lbheartbeat__`, server.roles.web, { seconds: SECONDS, cpu: CLIENT_CPU });
	rows.push(['trivial endpoint: requests/s', trivial.perSecond.toFixed(0), `${trivial.cpuUsPerRequest.toFixed(1)} us of processor each`]);
	if (!secure) Object.assign(results, { trivial: trivial.perSecond, hot: rates[0] });
	report(`${secure ? 'over TLS' : 'hot'}: one processor each for server and wrk -c64, access log on (load ${load()})`, rows);
	await nginx.stop();
	await server.end();
}

// ---- debuginfod ----

const BUILD_ID = '0123456789abcdef0123456789abcdef01234567';

// A program with its source and debug information, in a folder as debuginfod wants it.
function makeProgram(dir) {
	const source = path.join(dir, 'program.c');
	writeFileSync(source, `#include <stdio.h>\n${Array.from({ length: 300 }, (_, i) => `int f${i}(int n) { return n * ${i} + 1; }\n`).join('')}int main(void) { return printf("%d\\n", f7(1)); }\n`);
	execFileSync('gcc', ['-g', '-O1', source, '-o', path.join(dir, 'program'), `-Wl,--build-id=0x${BUILD_ID}`]);
	return source;
}

async function startDebuginfod(dir) {
	const port = await freePort();
	const args = ['-F', '-t', '0', '-c', '1', '--connection-pool=2', '-d', path.join(dir, 'index.sqlite'), '-p', String(port), path.join(dir, 'files')];
	const child = spawn(pinned('/usr/bin/debuginfod', dir, SERVER_CPU), args, { stdio: 'ignore', env: { ...process.env, DEBUGINFOD_URLS: '' } });
	process.on('exit', () => child.kill());
	const url = `http://127.0.0.1:${port}`;
	for (let i = 0; ; i++) {
		const status = await fetch(`${url}/buildid/${BUILD_ID}/debuginfo`).then((r) => (r.arrayBuffer(), r.status), () => 0);
		if (status === 200) return { url, child };
		if (i === 300) throw new Error('debuginfod does not find the program');
		await sleep(100);
	}
}

async function beside() {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-debuginfod-'));
	mkdirSync(path.join(dir, 'files'));
	const source = makeProgram(path.join(dir, 'files'));
	const server = await startSymbols();
	const program = readFileSync(path.join(dir, 'files/program'));
	const answer = await uploadFiles(server, server.token, {
		[`buildid/${BUILD_ID}/debuginfo`]: program,
		[`buildid/${BUILD_ID}/executable`]: program,
		[`buildid/${BUILD_ID}/source${source}`]: readFileSync(source),
	});
	if (answer.status !== 201) throw new Error(answer.text);
	const peer = await startDebuginfod(dir);
	const peers = [{ name: 'debuginfod', base: peer.url, pids: [peer.child.pid] }, { name: 'plimsoll', base: server.symbolsUrl, pids: server.roles.web }];
	const rows = [];
	for (const [label, target, good] of [[`debuginfo (${program.length} B)`, `/buildid/${BUILD_ID}/debuginfo`, 200], ['source', `/buildid/${BUILD_ID}/source${source}`, 200], ['section .text', `/buildid/${BUILD_ID}/section/.text`, 200], ['unknown build id: 404', `/buildid/${BUILD_ID.replace('0', 'f')}/debuginfo`, 404]]) {
		for (const { base } of peers) {
			const { status } = await fetch(base + target).then((r) => (r.arrayBuffer(), r));
			if (status !== good) throw new Error(`${base}${target}: ${status}`);
		}
		const { debuginfod: d, plimsoll: p } = await bestOfRounds(peers, async ({ base, pids }) => {
			const r = await wrk(base + target, pids, { seconds: SECONDS, cpu: CLIENT_CPU, connections: 16 });
			return good === 404 ? { ...r, errors: r.requests - r.errors } : r;
		});
		const ratio = p.perSecond / d.perSecond;
		rows.push([`${label}: requests/s, of debuginfod`, `${ratio.toFixed(1)}x`, judge(ratio >= 10, `${p.perSecond.toFixed(0)} beside ${d.perSecond.toFixed(0)}; p99 ${p.p99ms.toFixed(1)} beside ${d.p99ms.toFixed(1)} ms`)]);
	}
	report(`elfutils debuginfod on its own artifacts, one processor, wrk -c16 (load ${load()})`, rows);
	peer.child.kill();
	await server.end();
	rmSync(dir, { recursive: true, force: true });
}

// ---- the mix ----

const play = (url, file, ...args) => runLabCommand(['replay', file, '--format', 'paths', ...args, '--timeout', '30s', url], { cpu: CLIENT_CPU });

function told(rows, label, r) {
	const a = r.activities[0];
	const wrong = r.replay.changed + r.replay.others + r.replay.no_answer + a.failed;
	rows.push([`${label}: refused, failed, wrong`, `${a.refused}, ${a.failed}, ${r.replay.changed}`, judge(wrong === 0, r.failures.slice(0, 2).map((f) => `${f.count} x ${f.text}`).join('; '))]);
	for (const why of r.generator.void) rows.push([`${label}: VOID`, '', why]);
}

async function closedLoop(server, url, file, rows, more) {
	const before = [await metrics(server), Object.fromEntries(Object.entries(server.roles).map(([name, pids]) => [name, cpuUs(pids)]))];
	const { result: r, busy } = await coreUse(SERVER_CPU, () => play(url, file, '--times', 'fast', '--clients', String(CLIENTS), ...more));
	const after = await metrics(server);
	const a = r.activities[0];
	const rate = a.done / r.seconds;
	const grown = (name) => Object.keys(after).filter((k) => k.startsWith(name)).reduce((sum, k) => sum + after[k] - (before[0][k] ?? 0), 0);
	const roles = Object.entries(server.roles).map(([name, pids]) => [name, (cpuUs(pids) - before[1][name]) / a.done]).filter(([, us]) => us > 0.1);
	rows.push(
		['closed loop: requests/s', rate.toFixed(0), judge(rate >= GOAL, `(goal ${GOAL}; the seed 330, its baseline 40) ${(rate / 330).toFixed(0)}x, ${(rate / 40).toFixed(0)}x; ${r.replay.misses} of ${a.done} missing`)],
		['processor of the server busy', `${(busy * 100).toFixed(1)} %`, judge(busy >= 0.95, `(goal 95 %: not bound by waiting) the lab ${((r.generator.cpu_seconds / r.seconds) * 100).toFixed(0)} % of the other`)],
		['processor time of a request', `${roles.reduce((sum, [, us]) => sum + us, 0).toFixed(1)} us`, roles.map(([name, us]) => `${name} ${us.toFixed(1)}`).join(', ')],
		['rows of counts written', `${((100 * grown('plimsoll_sql_seconds_count{statement="symbols.missing_add"')) / a.done).toFixed(1)} %`, 'of requests'],
	);
	told(rows, 'closed loop', r);
	const why = Object.keys(after).filter((name) => name.startsWith('plimsoll_http_refusals_total{') && grown(name) > 0);
	if (why.length > 0) rows.push(['  refused for', '', why.map((name) => `${name.match(/"(.*)"/)[1]} ${grown(name)}`).join(', ')]);
	return rate;
}

async function halfRate(server, url, dir, population, cold, rows, more) {
	const n = Math.round((GOAL / 2) * HALF_SECONDS);
	const plain = writePaths(path.join(dir, 'half.csv'), mix({ ...population, n: Math.round(n * (1 - cold)), share: SHARE / (1 - cold), counting: COUNTING, cold: 0, seed: 7 }));
	const far = writePaths(path.join(dir, 'far.csv'), Array.from({ length: Math.max(1, Math.round(n * cold)) }, () => [coldKey(), 200]));
	const each = (file, rate) => play(url, file, '--times', 'poisson', '--rate', String(rate), '--clients', String(CLIENTS), '--parallel', '4', ...more);
	const [near, slow] = await Promise.all([each(plain, (GOAL / 2) * (1 - cold)), cold > 0 ? each(far, (GOAL / 2) * cold) : null]);
	const l = near.activities[0].latency;
	rows.push([`at ${GOAL / 2}/s: p50, p99, p999`, ms(l.p99_us), judge(l.p99_us < 10000, `p50 ${ms(l.p50_us)}, p999 ${ms(l.p999_us)}; done ${(near.activities[0].done / near.seconds).toFixed(0)}/s (goal: p99 below 10 ms)`)]);
	told(rows, 'at half', near);
	if (slow) {
		const f = slow.activities[0].latency;
		rows.push(['cold ones at half: p99', ms(f.p99_us), `p50 ${ms(f.p50_us)}, of which 80 are the way; ${(slow.activities[0].done / slow.seconds).toFixed(0)}/s`]);
		told(rows, 'cold', slow);
	}
}

async function mixed(label, { cold, tls, conf = {}, half = true }) {
	const far = await startFar();
	const server = await startSymbols({ upstream: `symsrv ${far.url}`, tls, conf });
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-mix-'));
	const all = keys(FILES + MISSING);
	const population = { hits: all.slice(0, FILES), misses: all.slice(FILES).map((key) => missing(key, 0)) };
	const begun = performance.now();
	await fill(server, population.hits, FILE_BYTES);
	const filled = (performance.now() - begun) / 1000;
	const url = tls ? server.tlsUrl : server.symbolsUrl;
	const more = tls ? ['--insecure'] : [];
	// What misses there are, the upstream has been asked for: once in ten minutes.
	const warm = writePaths(path.join(dir, 'warm.csv'), population.misses.map((key) => [key, 404]));
	await play(server.symbolsUrl, warm, '--times', 'fast', '--clients', '200');
	const rows = [['files there, filled in', `${population.hits.length}`, `${filled.toFixed(0)} s`]];
	const file = writePaths(path.join(dir, 'mix.csv'), mix({ ...population, n: REQUESTS, share: SHARE, counting: COUNTING, cold }));
	const rate = await closedLoop(server, url, file, rows, more);
	report(`${label} (load ${load()})`, rows);
	const later = [];
	if (half) await halfRate(server, url, dir, population, cold, later, more);
	if (half) report(`${label}, half of ${GOAL}/s (load ${load()})`, later);
	await server.end();
	far.stop();
	rmSync(dir, { recursive: true, force: true });
	return rate;
}

if (wanted('hot')) await hot(false);
if (wanted('tls')) await hot(true);
if (wanted('debuginfod')) await beside();
if (wanted('mix')) results.mix = await mixed('log mix, 1 % cold', { cold: 0.01 });
if (wanted('cold')) await mixed('log mix, 5 % cold', { cold: 0.05 });
if (wanted('redirect')) await mixed('log mix, 1 % cold, downloads = redirect', { cold: 0.01, conf: { symbols: { downloads: 'redirect' } }, half: false });
if (wanted('tls')) await mixed('log mix over TLS, 1 % cold', { cold: 0.01, tls: makeCertificate(['localhost', '127.0.0.1']), half: false });
if (results.trivial && results.mix) {
	const scale = (r) => `${r.trivial.toFixed(0)} : ${r.hot.toFixed(0)} : ${r.mix.toFixed(0)}`;
	const share = (r) => `1 : ${(r.hot / r.trivial).toFixed(2)} : ${(r.mix / r.trivial).toFixed(2)}`;
	report('trivial endpoint : one address : log mix', [['the seed', share(SEED), scale(SEED)], ['here', share(results), scale(results)]]);
}
process.exit(failed ? 1 : 0);
