// The load that the page "Aragog" planned for a million users of Sync and a quarter more (sync.md 5.2): 792 syncs a
// second of 7.9 inserts, 8.9 selects and 2 deletes each, open loop, real tokens and Hawk, on a store of a million
// users. p99 of a request is to stay below 100 ms, and nothing is to be refused.
//   node test/bench/seed004.mjs [seconds = 600] [stored users = 1000000] [records of each = 17] [active users = 225000]
// SYNC_FOLDER keeps the store for the next run; the fill of a million users with 17 records takes about 12 GB.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuUs, load, memory, metrics, report, rolePids } from './lib.mjs';
import { DAY_RATE, runLab, startStored, verbs } from './sync_stored.mjs';

const SECONDS = Number(process.argv[2] ?? 600);
const STORED = Number(process.argv[3] ?? 1000000);
const RECORDS = Number(process.argv[4] ?? 17);
const ACTIVE = Number(process.argv[5] ?? 225000);
const WARM_UP = Math.min(20, Math.floor(SECONDS / 4));
const GOAL_MS = 100;

const loadBefore = load();
const server = await startStored({ stored: STORED, records: RECORDS, folder: process.env.SYNC_FOLDER });
const roles = await rolePids(server);
const pids = Object.values(roles).flat();
const cpuOf = () => Object.fromEntries(Object.entries(roles).map(([name, list]) => [name, cpuUs(list)]));
const bytesBefore = server.databaseBytes();
const before = await metrics(server);
const cpuBefore = cpuOf();
const begun = performance.now();

// Memory while it runs: the most that was seen.
let running = true;
const most = { own: 0, all: 0 };
const watching = (async () => {
	while (running) {
		const now = memory(pids);
		most.own = Math.max(most.own, now.own);
		most.all = Math.max(most.all, now.all);
		await sleep(2000);
	}
})();
const result = await runLab(server, { users: ACTIVE, seconds: SECONDS, warmUp: WARM_UP });
running = false;
await watching;
const after = await metrics(server);
const cpuAfter = cpuOf();
const seconds = (performance.now() - begun) / 1000;

const sync = result.activities.find((a) => a.name === 'stored_sync');
const steps = sync.steps;
const rate = sync.done / result.seconds;
const sent = steps.reduce((sum, s) => sum + s.sent, 0);
const worst = steps.reduce((a, b) => (a.latency.p99_us > b.latency.p99_us ? a : b));
const [was, is] = [verbs(before), verbs(after)];
const grown = (name) => (after[name] ?? 0) - (before[name] ?? 0);
const syncs = grown('plimsoll_http_requests_total{op="sync.info_collections"}');
const each = (verb) => ((is[verb] - was[verb]) / syncs).toFixed(1);
const ms = (us) => `${(us / 1000).toFixed(1)} ms`;
// Over the whole run, its warm-up and end included: so are the syncs.
const role = (name) => (cpuAfter[name] ?? 0) - (cpuBefore[name] ?? 0);
const cpu = Object.keys(roles).reduce((sum, name) => sum + role(name), 0);
const us = (used) => (used / syncs).toFixed(0);

report(`seed-004: ${STORED} users stored, ${ACTIVE} active, ${SECONDS} s (load before ${loadBefore}, now ${load()})`, [
	['syncs/s done', rate.toFixed(1), `of ${((ACTIVE * DAY_RATE) / 86400).toFixed(1)} offered`],
	['refused, failed, away, unfinished', `${sync.refused}, ${sync.failed}, ${sync.away}, ${sync.unfinished}`, '(goal 0)'],
	['requests/s', (sent / result.seconds).toFixed(0), `${(sent / sync.begun).toFixed(2)} a sync, tokens included`],
	['request p99, the slowest kind', ms(worst.latency.p99_us), `${worst.name} (goal ${GOAL_MS} ms)`],
	['whole sync p50 / p99', ms(sync.latency.p50_us), ms(sync.latency.p99_us)],
	['inserts, selects, deletes a sync', `${each('INSERT')}, ${each('SELECT')}, ${each('DELETE')}`, `the page: 7.9, 8.9, 2.0; and ${each('UPDATE')} updates`],
	['CPU of a sync, all roles', `${us(cpu)} us`, `web ${us(role('web'))}, store ${us(role('store'))}`],
	['cores used', (cpu / 1e6 / seconds).toFixed(2), `and ${(result.generator.cpu_seconds / result.seconds).toFixed(2)} by the lab`],
	['memory of all roles, at most', `${(most.own / 1024).toFixed(0)} MiB`, `${(most.all / 1024).toFixed(0)} MiB PSS with pages of files`],
	['database', `${(server.databaseBytes() / 1e9).toFixed(2)} GB`, `${(bytesBefore / 1e9).toFixed(2)} GB before`],
	['back-off: asked, refused', `${grown('plimsoll_sync_backoff_asked_total')}, ${grown('plimsoll_sync_backoff_refused_total')}`],
]);
for (const step of steps) console.log(`  ${step.name.padEnd(20)} ${String(step.sent).padStart(9)} sent  p50 ${ms(step.latency.p50_us).padStart(9)}  p99 ${ms(step.latency.p99_us).padStart(9)}  p999 ${ms(step.latency.p999_us).padStart(9)}`);
for (const failure of result.failures.slice(0, 5)) console.log(`  ${failure.count} x ${failure.text}`);
for (const why of result.generator.void) console.log(`  VOID: ${why}`);
console.log('\nThe row of doc/capacity/sync.md:');
console.log(`| ${[`${SECONDS} s, ${STORED} stored, ${ACTIVE} active, load before ${loadBefore}`, rate.toFixed(0), sync.refused + sync.away, sync.failed, `${ms(worst.latency.p99_us)} (${worst.name})`, `${us(role('web'))} + ${us(role('store'))} = ${us(cpu)} us`, `${(most.own / 1024).toFixed(0)} MiB`, `${(server.databaseBytes() / 1e9).toFixed(1)} GB`, result.generator.void.length ? 'the lab was the limit: void' : 'good'].join(' | ')} |`);
await server.end();
const good = sync.refused + sync.failed === 0 && worst.latency.p99_us < GOAL_MS * 1000 && result.generator.void.length === 0;
process.exit(good ? 0 : 1);
