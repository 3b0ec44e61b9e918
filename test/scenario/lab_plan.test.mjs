// plimsoll plan: from a line result or a file to machines, dates, single changes and configurations.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { lab } from './lib/lab.mjs';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-plan-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name) => path.join(scratch, name);
const file = (name, text) => (writeFileSync(at(name), text), at(name));
const plan = (...args) => lab(['plan', '--machines', 'models/machines.ini', '--from', '2026-11-26', ...args]);

// As doc/LINE.md has it: 100 sign-ins and 10 sign-ups a second and million users.
const cost = (activity, ms, more = 0.1) => ({ activity, value: ms / 1000, low: (ms * (1 - more)) / 1000, high: (ms * (1 + more)) / 1000 });
const role = (name, signin, signup, idle = 0) => ({ name, capacity_cores: 1, idle_cores: { value: idle, low: 0, high: idle }, cpu_seconds: [cost('signin', signin), cost('signup', signup)] });
const line = {
	format: 'plimsoll-line',
	version: 1,
	complete: true,
	model: { name: 'persona', activities: [{ name: 'signin', per_second_of_1m_users: 100 }, { name: 'signup', per_second_of_1m_users: 10 }] },
	saturation: { low_users: 60000, high_users: 62000, held: true, failed: true },
	roles: ['web', 'compute', 'signer', 'store', 'courier'].map((name) => ({ name, processes: 1, threads: 1, capacity_cores: 1 })),
	saturated: { role: 'compute', by: 'processor', use: 0.98 },
	demands: { roles: [role('web', 4, 10), role('compute', 0, 200), role('signer', 1, 2), role('store', 2, 8, 0.01), role('courier', 0, 1), role('machine', 7, 221)] },
};

test('a line result becomes a plan: cores by role, the store that cannot be spread, the end of intervals', async () => {
	const { json, code, stderr } = await plan(file('line.json', JSON.stringify(line)), '--json', '--machine', '8-core');
	assert.equal(code, 0, stderr);
	// Mean cores of a million users.
	assert.deepEqual(json.mean_cores, { web: 0.5, compute: 2, signer: 0.12, store: 0.28, courier: 0.01 });
	// At three times that and a quarter more 10.91 cores; machines of 8 at 80 % less 0.01 idle: 2, and one may fail.
	assert.equal(json.months[0].machines_total, 3);
	assert.equal(json.months[0].year, 2026);
	assert.equal(json.months[0].month, 11);
	// The store: one core of one machine at 80 % bears 0.79 / (0.28 * 3) million users, less than there are.
	assert.equal(json.full_first.what, 'store: 1 cores of each machine, which cannot be more');
	assert.ok(Math.abs(json.full_first.users - (0.79 / 0.84) * 1e6) < 1000, json.full_first.users);
	assert.equal(json.line_months, 0);
	assert.equal(json.months[0].possible, false);
	assert.equal(json.at_upper_ends.length, 1);
	assert.equal(json.at_upper_ends[0].machines_now, 3);
	assert.ok(json.other_machines.some(({ shape, machines_now }) => shape === '16-core' && machines_now === 2));

	// With PostgreSQL watched as well the store is one on each machine, and the database one in all.
	const postgres = structuredClone(line);
	postgres.roles.push({ name: 'postgres', processes: 9, threads: 9 });
	postgres.demands.roles.push(role('postgres', 1, 2));
	const spread = await plan(file('pg.json', JSON.stringify(postgres)), '--json', '--machine', '8-core');
	assert.equal(spread.json.months[0].possible, true);
	assert.deepEqual(Object.keys(spread.json.months[0].machines), ['machine', 'database']);

	// A role that waited bears the users it bore.
	const waits = { ...line, saturated: { role: 'store', by: 'disk', use: 0.99 } };
	assert.match((await plan(file('disk.json', JSON.stringify(waits)), '--json')).json.full_first.what, /store: 60000 users on each machine/);
});

test('a file adds what a line result does not know; single changes, sites, money, the page', async () => {
	const more = file('more.ini', '[role store]\nmachines = 0\ndisk_per_user = 2k\n[activity signin]\nbytes_out = 20k\n[activity signup]\nmails = 1\ndisk = 500\n');
	const prices = file('prices.ini', '[prices]\ncurrency = EUR\negress_per_tb = 2\n[shape box]\ncores = 8\nnetwork = 1G\nprice = 40\n');
	const page = at('plan.html');
	const args = [at('line.json'), more, '--machines', prices, '--sites', '2', '--what-if', 'compute.cpu*4', '--what-if', 'growth=0', '--what-if', 'signup.per_second=0.1', '--html', page];
	const { json, code, stderr } = await lab(['plan', '--from', '2026-11', '--json', ...args]);
	assert.equal(code, 0, stderr);
	assert.equal(json.mean_per_second.mails, 10);
	assert.equal(json.mean_per_second.bytes_out, 2e6);
	assert.equal(json.months[0].disk_bytes, 2e9);
	// Two at each of two sites: 10.91 cores of 6.39 each.
	assert.equal(json.months[0].machines_total, 4);
	assert.ok(Math.abs(json.months[0].price - (4 * 40 + (json.months[0].bytes_out / 1e12) * 2)) < 0.1);
	const [bcrypt, still, fewer] = json.what_if;
	assert.ok(bcrypt.machines_now === 12 && still.machines_at_the_end === 4 && fewer.machines_now === 2, JSON.stringify(json.what_if));
	assert.equal(still.line_months, null, 'never');
	const html = readFileSync(page, 'utf8');
	assert.match(html, /<h1>Plan: persona<\/h1>[^]*1M active users need 4 machines now and \d+ in 12 months/);
	for (const part of ['the line, with what was asked for', 'Machines needed', 'Processor time of one activity', '<td class="t">compute.cpu\\*4</td>', '>EUR<', 'Traffic between sites']) assert.match(html, new RegExp(part));
	assert.doesNotMatch(html, /<script|src=|href=|nan|>inf/i);
	const text = await lab(['plan', '--from', '2026-11', ...args]);
	assert.match(text.stdout, /Nov 2026 +1M +4 +4 +1\d\d\.\d\d\n/);
	assert.match(text.stdout, /growth=0 .* never /);
});

test('the configuration of each planned machine passes plimsoll check', async () => {
	writeFileSync(at('spread.ini'), '[role store]\nmachines = 0\n[role verifier]\nmachine = verifiers\n[activity signin]\ncpu.verifier = 2ms\n');
	const folder = at('emitted');
	const end = await plan(at('line.json'), at('spread.ini'), '--sites', '2', '--emit', folder, '--public-url', 'https://login.example.net');
	assert.equal(end.code, 0, end.stderr);
	const machines = readdirSync(folder).sort();
	assert.deepEqual(machines, ['machine-a-1', 'machine-a-2', 'machine-a-3', 'machine-a-4', 'machine-b-1', 'machine-b-2', 'machine-b-3', 'machine-b-4', 'verifiers-a-1', 'verifiers-b-1']);
	assert.match(end.stderr, /10 configurations written below/);
	for (const name of ['machine-a-1', 'machine-b-4', 'verifiers-b-1']) {
		const conf = path.join(folder, name, 'plimsoll.ini');
		const said = execFileSync(plimsollBin(), ['check', '-c', conf], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
		assert.match(said, /the configuration is good/, name);
		assert.match(readFileSync(conf, 'utf8'), /public_url = https:\/\/login\.example\.net/);
	}
	assert.match(readFileSync(path.join(folder, 'machine-a-1', 'plimsoll.ini'), 'utf8'), /\[web\][^]*\ninstances = 4\n[^]*\[compute\]\ninstances = 4\n[^]*engine = postgres\n/);
	assert.match(readFileSync(path.join(folder, 'verifiers-a-1', 'plimsoll.ini'), 'utf8'), /services = verifier\n/);
	// One machine keeps its data in a file.
	const one = await plan(at('line.json'), '--users', '100k', '--spare', '0', '--emit', at('one'));
	assert.equal(one.code, 0, one.stderr);
	assert.match(readFileSync(at('one/machine-a-1/plimsoll.ini'), 'utf8'), /engine = sqlite/);
	execFileSync(plimsollBin(), ['check', '-c', at('one/machine-a-1/plimsoll.ini')], { stdio: 'ignore' });
	const again = await plan(at('line.json'), '--emit', folder);
	assert.equal(again.code, 1);
	assert.match(again.stderr, /emitted: File exists/);
	const others = await plan(file('others.ini', '[plan]\nusers = 1k\n[role nginx]\n[activity visit]\nper_second = 1\ncpu.nginx = 1ms\n'), '--emit', at('others'));
	assert.equal(others.code, 1);
	assert.match(others.stderr, /none of the machines has a role of Plimsoll/);
	assert.ok(!existsSync(at('others')));
});

test('what is wrong is said in one line, with file and line', async () => {
	const good = file('good.ini', '[plan]\nusers = 1k\n[role web]\n[activity visit]\nper_second = 1\ncpu.web = 1ms\n');
	const rows = [
		[[], 2, /plan INPUT/],
		[[good, '--peak'], 2, /--peak: needs a value/],
		[[good, '--peak', 'high'], 2, /--peak: "high" is not a number/],
		[[good, '--speed', '3'], 2, /--speed: not understood/],
		[[good, '--from', 'soon'], 2, /--from: a date is 2026-11/],
		[[good, '--machine', 'huge'], 1, /there is no machine "huge" but 4-core, 2-core/],
		[[good, '--have', 'nodes=3'], 1, /--have nodes=3: no machines of that name/],
		[[good, '--use', '0'], 1, /out of range/],
		[[good, '--what-if', 'web'], 1, /--what-if web: "web" is no change/],
		[[good, '--what-if', 'web.cpu=3'], 1, /is that of all activities/],
		[[good, '--machines', at('none.ini')], 1, /none\.ini cannot be read/],
		[[at('none.ini')], 1, /none\.ini cannot be read: No such file/],
		[[file('a.ini', '[plan]\nusers = many\n')], 1, /a\.ini:2: users: "many" is not a number/],
		[[file('b.ini', '[plan]\nusers = 1k\n\n[activity visit]\ncpu.web = 3ms\n')], 1, /b\.ini:5: cpu\.web: there is no \[role web\]/],
		[[file('c.ini', '[role web]\nspeed = 3\n')], 1, /c\.ini:2: speed: there is no "speed" but cores, machines/],
		[[file('d.ini', '[things]\na = 3\n')], 1, /d\.ini:1: \[things\]: there is \[plan\], \[machine NAME\]/],
		[[file('e.ini', '[role web]\nthis is no pair\n')], 1, /e\.ini:2: neither \[SECTION\] nor key = value/],
		[[file('f.json', '{"format":"plimsoll-load"}')], 1, /f\.json: it is no result of plimsoll line/],
		[[file('g.json', '{"format":"plimsoll-line","demands":null}')], 1, /g\.json: it has no demands/],
		[[file('h.ini', '[plan]\nusers = 5\n')], 1, /nothing to plan for/],
		[[good, '--html', '/dev/full', '--json'], 1, /\/dev\/full could not be written: No space left/],
	];
	await Promise.all(
		rows.map(async ([args, code, line]) => {
			const end = await lab(['plan', '--machines', 'models/machines.ini', ...args]);
			assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
			assert.match(end.stderr, line);
			assert.equal(end.stderr.trim().split('\n').length, 1, end.stderr);
		}),
	);
});
