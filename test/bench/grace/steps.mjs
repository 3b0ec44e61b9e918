// G5: how soon those who are served wait no longer than twice the target delay, behind a jump of the load from half of
// capacity to 1.4 times and to ten times; requests of a millisecond, laid over each other in bins of 10 ms.
//   node test/bench/grace/steps.mjs [peer,peer...] [jumps = 12] [bound s = 0.01]
import { capacity, grace, msOf, pinSelf, start, usersOf } from './lib.mjs';

const [names = 'plimsoll,toobusy,overload-protection', jumps = '12', bound = '0.01'] = process.argv.slice(2);

pinSelf();
for (const name of names.split(',')) {
	const server = await start(name, 'spin', {});
	try {
		const can = await capacity(server.url, 'spin', { seconds: 3 });
		for (const load of ['1.4', '10']) {
			const args = ['--no-curve', '--no-recovery', '--jumps', jumps, '--jump-load', load, '--bound', `${bound}s`];
			const json = await grace('spin', server, { users: usersOf('spin', can), args });
			const r = json.grace.response;
			const settled = r.settled_ms === null ? 'not in 2 s' : `${r.settled_ms} ms`;
			console.log(`${name.padEnd(20)} to ${load}x of ${can.toFixed(0)}/s: within ${msOf(r.bound_us)} behind ${settled}; worst bin ${msOf(r.worst_us)}; p99 before ${msOf(r.before.p99_us)}, behind ${msOf(r.behind.p99_us)}${json.caveats.some((x) => /was the limit/.test(x)) ? ' VOID' : ''}`);
		}
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}
