// What watching costs: CPU of the admin process per scrape of /metrics and per poll of the live page, beside
// nginx that sends the same bytes from a file; and its share of a core at rest and with the page open.
//   node test/bench/metrics.mjs [seconds per run = 4]
import { setTimeout as sleep } from 'node:timers/promises';
import { signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { cpuUs, load, report, rolePids, startNginx, wrk } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 4);
const REST_S = 20; // ticks of 10 ms: a share is known to 0.05 %
const POLL_MS = 2000;

const server = await startPlimsoll({ stderr: 'null' });
await signUp(server, 'somebody@example.org', 'correct horse'); // so that rows have records
const { admin } = await rolePids(server);
await sleep(3000);
const text = async (target) => Buffer.from(await (await fetch(server.adminUrl + target)).arrayBuffer());

async function share(work) {
	const before = cpuUs(admin);
	const end = Date.now() + REST_S * 1000;
	while (Date.now() < end) await work();
	return (100 * (cpuUs(admin) - before)) / (REST_S * 1e6);
}

const rows = [];
const seq = JSON.parse(await text('/live')).history.seq;
for (const [name, target] of [['/metrics', '/metrics'], ['/status', '/status'], ['/live, first poll', '/live'], ['/live, later poll', `/live?since=${seq}`]]) {
	const body = await text(target);
	const nginx = await startNginx({ workers: 1, files: { page: body, index: 'x' }, locations: '' });
	const ours = await wrk(server.adminUrl + target, admin, { connections: 1, seconds });
	const peer = await wrk(`${nginx.url}/page`, nginx.pids, { connections: 1, seconds });
	await nginx.stop();
	rows.push([`${name}: CPU`, `${ours.cpuUsPerRequest.toFixed(0)} us`, `${(body.length / 1024).toFixed(1)} KiB; nginx ${peer.cpuUsPerRequest.toFixed(0)} us, x${(ours.cpuUsPerRequest / peer.cpuUsPerRequest).toFixed(1)}`]);
}
rows.push(['admin at rest (samples once a second)', `${(await share(() => sleep(500))).toFixed(2)} %`, 'of one core']);
let newest = JSON.parse(await text('/live')).history.seq;
rows.push([
	'admin with the live page open',
	`${(await share(async () => {
		newest = JSON.parse(await text(`/live?since=${newest}`)).history.seq;
		await sleep(POLL_MS);
	})).toFixed(2)} %`,
	'of one core',
]);
report(`watching (load ${load()})`, rows);
await server.stop();
