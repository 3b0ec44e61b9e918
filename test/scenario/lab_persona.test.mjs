// The shipped model of the identity service against a real one: every activity, and no failure.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USERS = 30;

// Requests of each activity of a user who was here before, persona.md 6.3.
const REQUESTS = { include_only: 1, signin: 3, signup: 9, reset_pass: 9, add_email: 8 };

function load(args) {
	return new Promise((resolve, reject) => {
		const child = spawn(plimsollBin(), ['load', 'models/persona.lua', '--json', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('error', reject);
		child.once('close', (code) => resolve({ code, stderr, json: stdout ? JSON.parse(stdout) : null }));
	});
}

test('persona: all that people do, for five seconds', async () => {
	const server = await startPlimsoll({ conf: { identity: { test_doors: 'yes', min_mail_interval: '0s' }, web: { instances: 1 } } });
	try {
		execFileSync(plimsollBin(), ['user', 'create-many', '0', String(USERS), '-c', server.confPath], { stdio: 'ignore' });
		// The rates of 400,000 people by the preset, done by the few who were here before.
		const { json, stderr } = await load(['--users', '400k', '--preset', 'seed-001', '--warm', String(USERS), '--for', '5s', '--admin', server.adminUrl.slice(7), server.url]);
		assert.ok(json, stderr);
		assert.deepEqual(json.failures, []);
		assert.equal(json.warmed_users, USERS);
		for (const a of json.activities) {
			assert.equal(a.done, a.begun, a.name);
			assert.equal(a.refused, 0, a.name);
			const sentOf = (name) => a.steps.find((s) => s.name === name)?.sent ?? 0;
			const sent = a.steps.reduce((sum, s) => sum + s.sent, 0);
			// A reset signs the other device out: its next activity logs in first, with a certificate.
			const login = { signin: 2 * sentOf('authenticate_user') + sentOf('cert_key'), add_email: 2 * sentOf('authenticate_user') }[a.name] ?? 0;
			if (REQUESTS[a.name]) assert.equal(sent, a.begun * REQUESTS[a.name] + login, `${a.name} ${JSON.stringify(a.steps.map((s) => [s.name, s.sent]))}`);
			// Five seconds of 840, 168, 336, 672, 37,574 and 145,600 in a thousand seconds.
			const want = a.planned_per_second * 5;
			assert.ok(Math.abs(a.due - want) <= 4 * Math.sqrt(want) + 3, `${a.name}: ${a.due}, planned ${want}`);
		}
		const roles = Object.fromEntries(json.target.roles.map((r) => [r.name, r.cpu_seconds]));
		assert.ok(roles.web > 0 && roles.compute > 0 && roles.signer > 0 && roles.store > 0, JSON.stringify(roles));
		const byName = (name) => json.activities.find((a) => a.name === name);
		assert.ok(byName('signin').due > 100 && byName('signin').done > 5 && byName('include_only').done > 10);
	} finally {
		await server.stop();
	}
});
