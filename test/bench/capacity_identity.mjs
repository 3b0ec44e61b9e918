// How many active users the identity service bears on one core, with the lab on the other: the line of
// models/persona.lua in derived rates, as JSON for plimsoll plan. doc/capacity/identity.md is made of it.
// Wants an idle machine of two cores, and some ten minutes.
//   node test/bench/capacity_identity.mjs FILE [warmed users = 800]
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [file, warm = '800'] = process.argv.slice(2);
if (!file) throw new Error('usage: capacity_identity.mjs FILE [warmed users]');

const server = await startPlimsoll({
	conf: {
		accounts: { bcrypt_cost: 10, bcrypt_cost_stretched: 6 },
		identity: { test_doors: 'yes', min_mail_interval: '0s' },
		log: { level: 'info' },
		web: { instances: 1 },
		compute: { instances: 1 },
	},
	stderr: 'null',
});
try {
	const status = await (await fetch(`${server.adminUrl}/status`)).json();
	for (const { pid } of status.processes) execFileSync('taskset', ['-a', '-p', '-c', '0', String(pid)], { stdio: 'ignore' });
	execFileSync(plimsollBin(), ['user', 'create-many', '0', warm, '-c', server.confPath], { stdio: 'ignore' });
	const words = ['line', path.join(ROOT, 'models/persona.lua'), '--warm', warm, '--admin', server.adminUrl.slice(7)];
	words.push('--slo', 'p99<500ms', '--slo', 'errors<0.1%', '--within', '3m', '--json', server.url);
	const child = spawn('taskset', ['-c', '1', plimsollBin(), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';
	child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (!text.startsWith('{')) throw new Error(`plimsoll line ended with ${code}`);
	// Without the probes, which a plan does not read, it is small enough to be kept.
	const result = { ...JSON.parse(text), url: 'http://127.0.0.1:8000', probes: [] };
	result.model.path = 'models/persona.lua';
	writeFileSync(file, `${JSON.stringify(result, null, '\t')}\n`);
	console.log(`saturation ${JSON.stringify(result.saturation)}\nkept ${JSON.stringify(result.slo_limit)}\nfirst ${JSON.stringify(result.saturated)}`);
} finally {
	await server.stop();
}
