// G4: what a refusal costs, socket work included: passwords are asked for by wrk over kept connections while compute has
// all it can take, and the processor time of web is divided by what was refused.
//   node test/bench/grace/refusal.mjs [bcrypt cost = 12] [seconds = 6]
import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { cpuUs, rolePids, writeWrkScript } from '../lib.mjs';
import { activity, pinSelf, scratch, start } from './lib.mjs';


const [cost = '12', seconds = '6'] = process.argv.slice(2);

pinSelf();
const server = await start('plimsoll', 'signin', { cost: Number(cost) });
try {
	const agent = new http.Agent({ keepAlive: true });
	const context = await fetch(`${server.url}/wsapi/session_context`);
	const cookie = context.headers.get('set-cookie').split(';')[0];
	const csrf = (await context.json()).csrf_token;
	const body = JSON.stringify({ email: '1@loadtest.domain', pass: 'THE PASSWORD', ephemeral: false, csrf });
	const script = writeWrkScript(path.join(scratch, 'refused.lua'), [{ method: 'POST', path: '/wsapi/authenticate_user', headers: { cookie, 'content-type': 'application/json' }, body }], { expected: '' });
	let on = true;
	const busy = Array.from({ length: 12 }, async (_, i) => {
		while (on) await activity(agent, server.url, 'signin', i).catch(() => {});
	});
	const pids = await rolePids(server);
	const wrk = (s) =>
		new Promise((resolve) => {
			const child = spawn('taskset', ['-c', '1', 'wrk', '-t1', '-c32', `-d${s}s`, '-s', script, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
			let text = '';
			child.stdout.on('data', (d) => (text += d));
			child.on('close', () => resolve(text));
		});
	await wrk(2);
	const [web, compute] = [cpuUs(pids.web), cpuUs(pids.compute)];
	const text = await wrk(Number(seconds));
	const used = cpuUs(pids.web) - web;
	const hashing = (cpuUs(pids.compute) - compute) / 1e6;
	const all = Number(/(\d+) requests in/.exec(text)[1]);
	const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
	on = false;
	console.log(`refusals: ${refused} of ${all} in ${seconds} s; ${(used / all).toFixed(1)} us of web's processor for each request, of which ${((100 * refused) / all).toFixed(2)} % were refused; compute used ${hashing.toFixed(2)} s meanwhile`);
	agent.destroy();
	await Promise.all(busy);
} finally {
	await server.stop().catch((error) => console.log(String(error).slice(0, 300)));
}
