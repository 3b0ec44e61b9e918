// The shipped model of sync against the real service: accounts that create-many made, signed in to as Firefox's page
// does it, tokens, and what browsers ask the storage for; no failure.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { byName, load } from './lib/lab.mjs';

const USERS = 2; // a quarter of a second each, to stretch the password

test('sync: signing in, and three seconds of what people do', async () => {
	const server = await startPlimsoll({ conf: { web: { instances: 1 } } });
	try {
		execFileSync(plimsollBin(), ['user', 'create-many', '0', String(USERS), '-c', server.confPath], { stdio: 'ignore' });
		// The rates of 40,000 people, done by the two who were here before.
		const args = ['--users', '40k', '--warm', String(USERS), '--for', '3s', '--timeout', '20s'];
		const { json, stderr } = await load('models/sync.lua', server.url, [...args, '--admin', server.adminUrl.slice(7)]);
		assert.ok(json, stderr);
		assert.deepEqual(json.failures, []);
		assert.equal(json.warmed_users, USERS);
		for (const a of json.activities) assert.deepEqual([a.done, a.refused], [a.begun, 0], a.name);
		for (const name of ['no_change', 'one_change', 'token']) assert.ok(byName(json, name).done > 0, name);
		const roles = Object.fromEntries(json.target.roles.map((r) => [r.name, r.cpu_seconds]));
		assert.ok(roles.web > 0 && roles.store > 0, JSON.stringify(roles));
		// Behind the first sign-in the server knows the stretched password: a second run signs in with it alone.
		const again = await load('models/sync.lua', server.url, ['--preset', 'loadtest', '--users', '4k', '--warm', '1', '--for', '1s', '--timeout', '20s']);
		assert.ok(again.json, again.stderr);
		assert.deepEqual(again.json.failures, []);
		assert.ok(byName(again.json, 'iteration').done > 0 && byName(again.json, 'iteration').done === byName(again.json, 'iteration').begun);
	} finally {
		await server.stop();
	}
});
