// The curve of goodput for the other services: symbols (the shipped model, which uploads, downloads and asks for
// names) and couples (whose sessions are pressed into a second), each server alone on processor 0, the lab on 1.
//   node test/bench/grace/services.mjs [symbols|couples ...] [--steps=0.5,0.8,1,1.5,2,5,10] [--seconds=5] [--settle=3]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPairs } from '../../harness/pairs.mjs';
import { plimsollBin, startPlimsoll } from '../../harness/plimsoll.mjs';
import { makeToken } from '../../harness/symbols_client.mjs';
import { pinned } from '../lib.mjs';
import { SERVER_CPU, grace, msOf, percent, pinSelf, refusedBy, scratch } from './lib.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MEMBERS = 4000;
const ARCHIVES = 200; // only users who have uploaded one act
const services = process.argv.slice(2).filter((w) => !w.startsWith('--'));
const option = (name, usual) => process.argv.find((w) => w.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual;

// A copy of a shipped model with some of its lines changed.
function copy(name, changes) {
	let text = readFileSync(path.join(ROOT, `models/${name}.lua`), 'utf8');
	for (const [usual, here] of changes) {
		if (!text.includes(`local ${usual}`)) throw new Error(`${name}.lua has no line "local ${usual}"`);
		text = text.replace(`local ${usual}`, `local ${here}`);
	}
	const file = path.join(scratch, `${name}.lua`);
	writeFileSync(file, text);
	return file;
}

const conf = { web: { instances: 1 }, compute: { instances: 1 }, files: { instances: 1 }, media: { instances: 1 }, http: { access_log: 'no', max_connections_per_address: 0 } };

const STARTS = {
	async symbols() {
		const server = await startPlimsoll({ bin: pinned(plimsollBin(), scratch, SERVER_CPU), conf });
		const token = makeToken(server);
		return { server, url: server.symbolsUrl, model: copy('symbols', [['TOKEN = "0123456789abcdef0123456789abcdef"', `TOKEN = "${token}"`]]), warm: ARCHIVES };
	},
	async couples() {
		const server = await startPairs({ bin: pinned(plimsollBin(), scratch, SERVER_CPU), conf: { ...conf, accounts: { bcrypt_cost: 8 }, pairs: { test_doors: 'yes', packets_per_second: 0 } } });
		execFileSync(plimsollBin(), ['user', 'create-many', '0', String(MEMBERS), '-c', server.confPath], { stdio: 'ignore' });
		const short = [['SESSION = 180', 'SESSION = 1'], ['GAP, GAP_MOST = 5, 40', 'GAP, GAP_MOST = 0.05, 0.2'], ['MAIL, MAIL_MOST = 20, 300', 'MAIL, MAIL_MOST = 0.05, 0.2']];
		return { server, url: server.pairsUrl, model: copy('couples', short), warm: MEMBERS };
	},
};

pinSelf();
for (const name of services.length > 0 ? services : Object.keys(STARTS)) {
	const { server, url, model, warm } = await STARTS[name]();
	try {
		const args = ['--steps', option('steps', '0.5,0.8,1,1.5,2,5,10'), '--step-seconds', `${option('seconds', 5)}s`, '--settle', `${option('settle', 3)}s`, '--no-recovery', '--within', option('within', '90s'), '--warm', String(warm)];
		const json = await grace(model, { url, watch: ['--admin', server.adminUrl.slice(7)] }, { users: option('users'), args });
		const { curve } = json.grace;
		const { low_users: users, low_per_second: perSecond } = json.saturation ?? {};
		console.log(`${name}: line at ${users?.toFixed(0)} users, ${perSecond?.toFixed(0)} activities/s; peak ${curve.peak_good_per_second.toFixed(1)} good ones/s, apart ${percent(curve.hysteresis_area)}`);
		console.log('| load | way | good/s | of the peak | refused | late | p99 of the served | p99 of refusals |');
		console.log('|---|---|---|---|---|---|---|---|');
		for (const s of curve.steps) console.log(`| ${s.load} x | ${s.direction} | ${s.good_per_second?.toFixed(1) ?? '-'} | ${percent(s.good_of_peak)} | ${s.refused} | ${s.late} | ${msOf(s.served.p99_us)} | ${msOf(s.refusals.p99_us)} |`);
		console.log(`refused in all: ${await refusedBy(server.adminUrl)}`);
		for (const why of json.probes.filter((p) => p.phase === 'grace').flatMap((p) => p.void)) console.log(`  void: ${why}`);
		for (const caveat of json.caveats) console.log(`  ${caveat}`);
		if (option('json')) writeFileSync(option('json'), JSON.stringify(json));
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}
