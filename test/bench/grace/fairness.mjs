// G9: Jain's index of what users get at twice capacity, and what one client that makes half of all traffic takes from the
// others. The hog has one address, the others 30.
//   node test/bench/grace/fairness.mjs [bcrypt cost = 5] [seconds = 20]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { capacity, grace, load, model, percent, pinSelf, refusedBy, scratch, start, stepAt, usersOf } from './lib.mjs';

const [cost = '5', seconds = '20'] = process.argv.slice(2);
const MIX = 'signin';
const OTHERS = '127.0.0.10-127.0.0.39';
const HOG = '127.0.0.2';
const PER_USER = 0.6; // activities a second: few users, so that each has many

pinSelf();
const server = await start('plimsoll', MIX, { cost: Number(cost) });
try {
	const can = await capacity(server.url, MIX, { seconds: 4 });
	const dense = path.join(scratch, 'dense.lua');
	writeFileSync(dense, readFileSync(model(MIX), 'utf8').replace('per_day = 86.4', `per_day = ${86400 * PER_USER}`));
	const users = Math.round(can / PER_USER);
	const json = await grace(dense, server, { users, args: ['--steps', '0.5,2', '--settle', '2s', '--step-seconds', `${seconds}s`, '--no-recovery', '--from', OTHERS] });
	const s = stepAt(json, 2);
	console.log(`capacity ${can.toFixed(1)}/s, ${users} users; at 2x ${s.good} good of ${s.offered}: Jain ${s.jain.toFixed(3)}, with equal chances ${s.jain_even.toFixed(3)}`);

	// Goodput: done within 3 s; the first 2 s settle.
	const words = (rate, from) => ['--users', String(usersOf(MIX, rate)), '--for', `${seconds}s`, '--warm-up', '2s', '--timeout', '3s', '--from', from];
	const done = (r) => r.activities.reduce((sum, a) => sum + a.done, 0) / r.seconds;
	const alone = await load(MIX, server.url, words(0.8 * can, OTHERS));
	const [others, hog] = await Promise.all([load(MIX, server.url, words(0.8 * can, OTHERS)), load(MIX, server.url, words(0.8 * can, HOG))]);
	console.log(`others alone at 0.8x: ${done(alone).toFixed(1)}/s; with a hog that offers as much: ${done(others).toFixed(1)}/s (${percent(done(others) / done(alone) - 1)}), the hog gets ${done(hog).toFixed(1)}/s`);
	console.log(`  refused in all: ${await refusedBy(server.adminUrl)}`);
} finally {
	await server.stop().catch((error) => console.log(String(error).slice(0, 300)));
}
