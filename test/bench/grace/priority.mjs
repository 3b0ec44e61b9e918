// G8: what is valuable at half of capacity while what is refused first offers twelve times it; requests of a millisecond.
// The flood comes from clients who stay and ask once a second, or with --fresh from ones who are new each time.
//   node test/bench/grace/priority.mjs [peer,peer...] [seconds = 15] [flood = 12] [--fresh]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capacity, load, model, msOf, percent, pinSelf, scratch, start, usersOf } from './lib.mjs';

const [names = 'plimsoll,toobusy,overload-protection', seconds = '15', flood = '12'] = process.argv.slice(2).filter((w) => !w.startsWith('--'));
const fresh = process.argv.includes('--fresh');
const perUserAndDay = fresh ? 8640 : 86400;
const prefetch = path.join(scratch, 'prefetch.lua');
writeFileSync(prefetch, readFileSync(model('spin'), 'utf8').replace('/spin', '/prefetch').replace('8640', perUserAndDay));

pinSelf();
for (const name of names.split(',')) {
	const server = await start(name, 'spin', {});
	try {
		const can = await capacity(server.url, 'spin', { seconds: 3 });
		const words = (users) => ['--users', String(Math.round(users)), '--for', `${seconds}s`, '--warm-up', '4s', '--timeout', '1s'];
		const both = [load('spin', server.url, words(usersOf('spin', 0.5 * can))), load(prefetch, server.url, words((Number(flood) * can * 86400) / perUserAndDay))];
		const [valued, flooded] = await Promise.all(both);
		const [v, f] = [valued.activities[0], flooded.activities[0]];
		console.log(`${name.padEnd(20)} of ${can.toFixed(0)}/s: valued ${percent(v.done / v.due)} of ${v.due} (refused ${v.refused}, failed ${v.failed}), p99 ${msOf(v.latency?.p99_us ?? v.p99_us)}; the flood ${percent(f.done / f.due)} of ${f.due}${valued.void?.length || flooded.void?.length ? ` VOID: ${[...(valued.void ?? []), ...(flooded.void ?? [])].join('; ')}` : ''}`);
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}
