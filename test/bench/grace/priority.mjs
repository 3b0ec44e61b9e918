// G8: what is valuable at half of capacity while what is refused first offers twelve times it; requests of a millisecond.
//   node test/bench/grace/priority.mjs [peer,peer...] [seconds = 15] [flood = 12]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capacity, load, model, msOf, percent, pinSelf, scratch, start, usersOf } from './lib.mjs';

const [names = 'plimsoll,toobusy,overload-protection', seconds = '15', flood = '12'] = process.argv.slice(2);
const prefetch = path.join(scratch, 'prefetch.lua');
writeFileSync(prefetch, readFileSync(model('spin'), 'utf8').replace('/spin', '/prefetch'));

pinSelf();
for (const name of names.split(',')) {
	const server = await start(name, 'spin', {});
	try {
		const can = await capacity(server.url, 'spin', { seconds: 3 });
		const words = (rate, s) => ['--users', String(usersOf('spin', rate)), '--for', `${s}s`, '--warm-up', '2s', '--timeout', '1s'];
		const both = [load('spin', server.url, words(0.5 * can, seconds)), load(prefetch, server.url, words(Number(flood) * can, seconds))];
		const [valued, flooded] = await Promise.all(both);
		const [v, f] = [valued.activities[0], flooded.activities[0]];
		console.log(`${name.padEnd(20)} of ${can.toFixed(0)}/s: valued ${percent(v.done / v.due)} of ${v.due} (refused ${v.refused}, failed ${v.failed}), p99 ${msOf(v.latency?.p99_us ?? v.p99_us)}; the flood ${percent(f.done / f.due)} of ${f.due}${valued.void?.length || flooded.void?.length ? ` VOID: ${[...(valued.void ?? []), ...(flooded.void ?? [])].join('; ')}` : ''}`);
	} finally {
		await server.stop().catch((error) => console.log(`  ${String(error).slice(0, 300)}`));
	}
}
