// What becomes of syncs as more and more are offered, all roles of the server on one processor and the lab on another:
// goodput, the share of users asked to stay away, refusals, waits. Prints rows for doc/capacity/sync.md.
//   node test/bench/sync_curve.mjs [seconds of a step = 60] [stored users = 100000] [steps = 0.3,0.5,0.7,0.8,0.9,1,1.25,1.5,2,3,0.5]
// Time is pressed together: users come SPEED_UP times more often than the page's, and stay away for so much shorter, so
// that a minute shows what takes ten otherwise. Steps are multiples of what the processor can do, which is worked out
// from what a sync costs at a low rate.
import { cpuUs, load, metrics, rolePids } from './lib.mjs';
import { DAY_RATE, runLab, startStored } from './sync_stored.mjs';

const SECONDS = Number(process.argv[2] ?? 60);
const STORED = Number(process.argv[3] ?? 100000);
const STEPS = (process.argv[4] ?? '0.3,0.5,0.7,0.8,0.9,1,1.25,1.5,2,3,0.5').split(',').map(Number);
const SPEED_UP = 10;
const CALM = 400; // syncs/s at which the cost of one is measured: at a lower rate fewer share a commit, and one costs twice as much
const [SERVER_CPU, LAB_CPU] = [0, 1];
const RATE_OF_USER = (DAY_RATE * SPEED_UP) / 86400;

const loadBefore = load();
const server = await startStored({
	stored: STORED,
	records: 17,
	folder: process.env.SYNC_FOLDER,
	cpu: SERVER_CPU,
	speedUp: SPEED_UP,
	conf: { web: { instances: 1 }, sync: { backoff_min: '60s', backoff_max: '6m', retry_after_min: '30s', retry_after_max: '3m' } },
});
const step = async (rate, seconds) => {
	const result = await runLab(server, { users: Math.round(rate / RATE_OF_USER), seconds, warmUp: Math.floor(seconds / 3), pin: LAB_CPU });
	return { result, sync: result.activities.find((a) => a.name === 'stored_sync') };
};

const pids = Object.values(await rolePids(server)).flat();
const syncs = async () => (await metrics(server))['plimsoll_http_requests_total{op="sync.info_collections"}'] ?? 0;
const [usedBefore, syncsBefore] = [cpuUs(pids), await syncs()];
await step(CALM, Math.min(SECONDS, 20));
const cost = (cpuUs(pids) - usedBefore) / 1e6 / ((await syncs()) - syncsBefore);
const capacity = 1 / cost;
console.log(`a sync costs ${(cost * 1e6).toFixed(0)} us of one processor at ${CALM} a second: ${capacity.toFixed(0)} syncs/s at the most; load before ${loadBefore}`);
console.log('| offered | syncs/s offered | began | done | of the most | told to stay away | refused | failed | p50 | p99 | use | asked | refusing | refusals by |');
console.log('|---|---|---|---|---|---|---|---|---|---|---|---|---|---|');
const ms = (us) => `${(us / 1000).toFixed(us < 10000 ? 1 : 0)} ms`;
const percent = (x) => `${(100 * x).toFixed(0)} %`;
// Who refused: the shares of users (service), or admission behind them.
const reasons = (values) => Object.fromEntries(Object.entries(values).map(([key, n]) => [/^plimsoll_http_refusals_total\{why="(\w+)"\}/.exec(key)?.[1], n]).filter(([why]) => why));
let most = 0;
for (const times of STEPS) {
	const was = reasons(await metrics(server));
	const { result, sync } = await step(times * capacity, SECONDS);
	const now = await metrics(server);
	const why = Object.entries(reasons(now)).filter(([name, n]) => n > (was[name] ?? 0)).map(([name, n]) => `${name} ${n - (was[name] ?? 0)}`);
	const perSecond = (n) => n / result.seconds;
	most = Math.max(most, perSecond(sync.done));
	const permille = (name) => percent((now[`plimsoll_sync_backoff_${name}_permille`] ?? 0) / 1000);
	const cells = [
		`${times} x`,
		perSecond(sync.due).toFixed(0),
		perSecond(sync.begun).toFixed(0),
		perSecond(sync.done).toFixed(0),
		percent(perSecond(sync.done) / most),
		percent(sync.away / sync.due),
		percent(sync.refused / Math.max(1, sync.begun)),
		sync.failed,
		ms(sync.latency.p50_us),
		ms(sync.latency.p99_us),
		permille('use'),
		permille('asked'),
		permille('refused'),
		why.join(', ') || '-',
	];
	console.log(`| ${cells.join(' | ')} |${result.generator.void.map((why) => ` VOID: ${why}`).join('')}`);
	for (const failure of result.failures.filter((f) => !/503|refused/.test(f.text)).slice(0, 3)) console.log(`<!-- ${failure.count} x ${failure.text} -->`);
}
await server.end();
