// plimsoll line on the identity service: limits that are planted must be named, and the line at bcrypt cost 12 must
// follow from runs at costs 4 and 6. Wants a machine that does nothing else.
//   node test/bench/line_identity.mjs [planted|cost] [compute|signer|store ...: only these are planted]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { preloaded } from '../harness/nth.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USERS = 60;
const SYNC_MS = 100; // on a slow disk
const wanted = process.argv[2];
const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-line-identity-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

// The shipped model with other rates: { "1 / new_address_days": "500 / new_address_days" }.
function model(changes) {
	const file = path.join(scratch, 'persona.lua');
	let text = readFileSync(path.join(ROOT, 'models/persona.lua'), 'utf8');
	for (const [from, to] of Object.entries(changes)) text = text.replace(from, to);
	writeFileSync(file, text);
	return file;
}

// Lets the processes of a role run only for a share of the time.
async function slow(server, role, share) {
	const status = await (await fetch(`${server.adminUrl}/status`)).json();
	const pids = status.processes.filter((p) => p.role === role).map((p) => p.pid);
	const script = `while :; do kill -STOP ${pids.join(' ')}; sleep ${0.02 * (1 - share)}; kill -CONT ${pids.join(' ')}; sleep ${0.02 * share}; done`;
	const child = spawn('sh', ['-c', script], { stdio: 'ignore' });
	return async () => {
		const ended = new Promise((resolve) => child.once('close', resolve));
		child.kill('SIGKILL');
		await ended;
		for (const pid of pids) process.kill(pid, 'SIGCONT');
	};
}

async function run({ cost, compute = 1, slowDisk = false, file = path.join(ROOT, 'models/persona.lua'), slowed, args = [] }) {
	const conf = {
		identity: { test_doors: 'yes', min_mail_interval: '0s' },
		web: { instances: 1 },
		compute: { instances: compute },
		accounts: { bcrypt_cost: cost, bcrypt_cost_stretched: cost },
	};
	const bin = slowDisk ? preloaded(path.join(scratch, 'bin'), 'slow_sync.so', String(SYNC_MS)) : plimsollBin();
	const server = await startPlimsoll({ conf, bin });
	let undo = async () => {};
	try {
		execFileSync(plimsollBin(), ['user', 'create-many', '0', String(USERS), '-c', server.confPath], { stdio: 'ignore' });
		if (slowed) undo = await slow(server, ...slowed);
		const words = ['line', file, '--json', '--warm', String(USERS), '--no-beyond', '--admin', server.adminUrl.slice(7), ...args, server.url];
		const child = spawn(plimsollBin(), words, { stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		await new Promise((resolve) => child.once('close', resolve));
		return stdout.startsWith('{') ? JSON.parse(stdout) : { failed: stderr };
	} finally {
		await undo();
		await server.stop().catch((error) => console.log(String(error).slice(0, 200)));
	}
}

const rates = (limit) => (limit ? `${limit.low_per_second.toFixed(1)} to ${limit.high_per_second?.toFixed(1) ?? '?'} a second` : 'not found');

async function planted() {
	const much = model({ '1 / new_address_days': '300 / new_address_days' });
	const rows = [
		['one compute, cost 11', 'compute', { cost: 11, args: ['--preset', 'seed-001', '--no-demands', '--width', '10%'] }],
		['signer at 5 % of a core', 'signer', { cost: 4, file: much, slowed: ['signer', 0.05], args: ['--no-demands', '--width', '10%'] }],
		[`${SYNC_MS} ms for each fsync`, 'store', { cost: 4, file: much, slowDisk: true, args: ['--no-demands', '--width', '10%'] }],
	];
	const only = process.argv.slice(3);
	for (const [what, role, plan] of rows.filter(([, role]) => only.length === 0 || only.includes(role))) {
		const json = await run(plan);
		const s = json.saturated;
		console.log(`${what}: saturation ${rates(json.saturation)}; named ${s ? `${s.role} (${(100 * s.use).toFixed(0)} % by ${s.by}), then ${s.next_role}` : json.stopped ?? json.failed}; planted ${role}`);
	}
}

// What a usual activity takes of compute is a + b * 2 ^ cost; from two cheap costs follows a dear one.
async function cost() {
	const args = ['--preset', 'seed-001', '--most', '3M', '--width', '20%'];
	const at = {};
	for (const c of [4, 6]) {
		const json = await run({ cost: c, args });
		const compute = json.demands?.roles.find((r) => r.name === 'compute');
		if (!compute) return console.log(`cost ${c}: ${json.stopped ?? json.failed ?? 'no costs'}`);
		at[c] = compute.mix_cpu_seconds;
		console.log(`cost ${c}: an activity takes ${(1e6 * at[c].value).toFixed(1)} us of compute (${(1e6 * at[c].low).toFixed(1)} to ${(1e6 * at[c].high).toFixed(1)})`);
	}
	const need = at[4].value + (at[6].value - at[4].value) * ((2 ** 12 - 2 ** 4) / (2 ** 6 - 2 ** 4));
	const json = await run({ cost: 12, args: ['--preset', 'seed-001', '--no-demands', '--width', '10%'] });
	const s = json.saturation;
	const measured = s?.failed ? Math.sqrt(s.low_per_second * s.high_per_second) : NaN;
	console.log(`cost 12, one compute: predicted ${(1 / need).toFixed(1)} a second, measured ${rates(s)}: ${(100 * (1 / need / measured - 1)).toFixed(1)} %; first full: ${json.saturated?.role ?? json.failed}`);
}

if (wanted !== 'cost') await planted();
if (wanted !== 'planted') await cost();
