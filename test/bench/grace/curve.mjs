// G1, G2, G3 and the hysteresis of G6: goodput from half to ten times capacity and down again, ours and peers',
// each alone on processor 0, in one run. Prints a row for each; --json FILE keeps all, --html FILE the page of ours.
//   node test/bench/grace/curve.mjs [signin|signup|spin] [peer,peer...] [settle s = 2] [step s = 5] [bcrypt cost = 9]
import { writeFileSync } from 'node:fs';
import { PEERS, capacity, grace, msOf, percent, pinSelf, refusedBy, start, stepAt, usersOf } from './lib.mjs';

const [mix = 'signin', names = PEERS.join(','), settle = '2', step = '5', cost = '9'] = process.argv.slice(2).filter((w) => !w.startsWith('--'));
const option = (name) => process.argv.find((w) => w.startsWith(`--${name}=`))?.slice(name.length + 3);
const STEPS = option('steps') ?? '0.5,0.8,1,1.5,2,5,10';

pinSelf();
const all = {};
console.log(`curve of ${mix}: ${STEPS}, ${settle} s settling and ${step} s counted each, bcrypt cost ${cost}`);
for (const name of names.split(',')) {
	const plan = { cost: Number(cost), perSecond: 30 };
	if (name === 'nginx' || name === 'haproxy') {
		// Their limits are set to what the work behind can do.
		const bare = await start('none', mix, plan);
		plan.perSecond = await capacity(bare.url, mix, { seconds: 4 });
		await bare.stop();
	}
	const server = await start(name, mix, plan);
	try {
		const can = option('capacity') ? Number(option('capacity')) : await capacity(server.url, mix, { seconds: 4 });
		const args = ['--steps', STEPS, '--settle', `${settle}s`, '--step-seconds', `${step}s`, '--no-recovery'];
		if (name === 'plimsoll' && option('html')) args.push('--html', option('html'));
		const json = await grace(mix, server, { users: usersOf(mix, can), args });
		all[name] = json;
		const c = json.grace.curve;
		const at = (load, way = 'up') => stepAt(json, load, way);
		const loads = [2, 5, 10].map((n) => percent(at(n)?.good_of_peak));
		console.log(
			`${name.padEnd(20)} capacity ${can.toFixed(1)}/s, peak ${c.peak_good_per_second.toFixed(1)}/s; 2x ${loads[0]}, 5x ${loads[1]}, 10x ${loads[2]}; down 2x ${percent(at(2, 'down')?.good_of_peak)}; ` +
				`apart ${percent(c.hysteresis_area)}; p99 at 0.8x ${msOf(at(0.8)?.served.p99_us)}, at 10x ${msOf(at(10)?.served.p99_us)}; ` +
				`refusals at 10x p50 ${msOf(at(10)?.refusals.p50_us)}, p99 ${msOf(at(10)?.refusals.p99_us)}; late at 10x ${at(10)?.late ?? '-'}${json.caveats.some((x) => /was the limit/.test(x)) ? ' VOID' : ''}`,
		);
		if (mix !== 'spin') {
			const done = c.steps.filter((s) => s.load >= 1 && s.admitted > 0).map((s) => `${s.direction} ${s.load}x ${percent(s.completed / s.admitted)}`);
			console.log(`  finished of those let in: ${done.join(', ')}`);
		}
		if (server.adminUrl) console.log(`  refused in all: ${await refusedBy(server.adminUrl)}`);
		for (const why of json.probes.filter((p) => p.phase === 'grace').flatMap((p) => p.void)) console.log(`  void: ${why}`);
		for (const caveat of json.caveats) if (/limit|memory/.test(caveat)) console.log(`  ${caveat}`);
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}
if (option('json')) writeFileSync(option('json'), JSON.stringify(all));
