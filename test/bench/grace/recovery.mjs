// G6: coming back. 0.7 times capacity, ten times for 10 s by clients who try again (half at once, half as
// Retry-After says), 0.7 times again; ours and peers'. With "triggers" many in one run of ours: peaks of 2 s, or with
// "stops" compute stopped for 2 s.
//   node test/bench/grace/recovery.mjs [peer,peer...] [bcrypt cost = 9] [tail s = 15]
//   node test/bench/grace/recovery.mjs triggers|stops [how many = 17] [bcrypt cost = 9] [tail s = 14]
import { setTimeout as sleep } from 'node:timers/promises';
import { rolePids } from '../lib.mjs';
import { PEERS, capacity, grace, pinSelf, start, usersOf } from './lib.mjs';

const words = process.argv.slice(2);
const MIX = 'signin';
const [BASE_S, PEAK_S] = [8, 2]; // of triggers; it counts as back when five seconds in a row were good

function row(name, can, json) {
	const r = json.grace.recovery;
	const times = r.recovery_seconds.map((s) => s ?? 'never').join(' ');
	console.log(`${name.padEnd(20)} capacity ${can.toFixed(1)}/s; back ${r.recovered} of ${r.peaks}, behind ${times} s; calm p99 ${(r.calm_p99_us / 1000).toFixed(0)} ms`);
	for (const c of json.caveats) if (/was the limit/.test(c)) console.log(`  VOID ${c}`);
	return r;
}

async function measure(name, plan) {
	const server = await start(name, MIX, plan);
	try {
		const can = await capacity(server.url, MIX, { seconds: 4 });
		return [can, await plan.run(server, usersOf(MIX, can))];
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}

async function peers() {
	const [names = PEERS.join(','), cost = '9', tail = '15'] = words;
	for (const name of names.split(',')) {
		let perSecond = 30;
		if (name === 'nginx' || name === 'haproxy') {
			const bare = await start('none', MIX, { cost: Number(cost) });
			perSecond = await capacity(bare.url, MIX, { seconds: 4 });
			await bare.stop();
		}
		const run = (server, users) => grace(MIX, server, { users, args: ['--no-curve', '--base', '8s', '--peak', '10s', '--tail', `${tail}s`] });
		const [can, json] = await measure(name, { cost: Number(cost), perSecond, run });
		row(name, can, json);
	}
}

// The calm probe is told when it is over, and the run with the peaks begins then.
async function triggers(kind, many = '17', cost = '9', tail = '14') {
	const stops = kind === 'stops';
	const run = async (server, users) => {
		const { compute: pids } = await rolePids(server);
		const signal = (name) => pids.forEach((pid) => process.kill(pid, name));
		let begun = false;
		const disturb = async () => {
			const start = performance.now();
			for (let i = 0; i < Number(many); i++) {
				const at = (BASE_S + i * (PEAK_S + Number(tail))) * 1000;
				await sleep(start + at - performance.now());
				signal('SIGSTOP');
				await sleep(start + at + PEAK_S * 1000 - performance.now());
				signal('SIGCONT');
			}
		};
		const onText = (text) => {
			if (stops && !begun && /calm/.test(text)) {
				begun = true;
				disturb();
			}
		};
		const args = ['--no-curve', '--peaks', many, '--base', `${BASE_S}s`, '--peak', `${PEAK_S}s`, '--tail', `${tail}s`];
		if (stops) args.push('--peak-load', '0.7');
		return grace(MIX, server, { users, args, onText });
	};
	const [can, json] = await measure('plimsoll', { cost: Number(cost), run });
	row(stops ? 'compute stopped' : 'peaks', can, json);
}

pinSelf();
if (words[0] === 'triggers' || words[0] === 'stops') await triggers(...words);
else await peers();
