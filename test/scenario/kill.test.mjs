// People sign up without pause while the store, or everything, is killed again and again at random
// moments. Nothing that was acknowledged may be lost: a finished sign-up logs in, a staged one still
// has a token that works; and the invariants of the database hold.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { killEverything, pidOf, until } from '../harness/roles.mjs';
import { nothingIsLost, PASS, SignUps } from './lib/sign_ups.mjs';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 10);
const ROUND_MS = 1500;
const EVERYTHING_EACH = 3; // every third kill takes supervisor and roles

// Random moments that a failing run can be repeated with.
function generator(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

test(`kill -9 of the store and of everything, ${ROUNDS} times: nothing acknowledged is lost`, async (t) => {
	const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
	const random = generator(seed);
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-kill-'));
	const conf = { identity: { min_mail_interval: '0s' } };
	let server = await startPlimsoll({ dir, conf });
	const { ports } = server;
	const people = new SignUps(server);
	t.diagnostic(`seed ${seed}`);
	try {
		people.start();
		for (let round = 1; round <= ROUNDS; round++) {
			const moment = random() * ROUND_MS;
			await sleep(moment);
			if (round % EVERYTHING_EACH === 0) {
				await killEverything(server);
				server = await startPlimsoll({ dir, conf, ports });
				people.server = server;
			} else {
				const pid = await until('the store', () => pidOf(server, 'store'));
				process.kill(pid, 'SIGKILL');
			}
			await sleep(ROUND_MS - moment);
		}
		await until('a store that works', async () => (await new Client(server.url).stage('probe@example.org', PASS)).status === 200);
		await people.stop();
		t.diagnostic(`${people.done.size} signed up, ${people.staged.size} staged, ${people.refused} tries refused`);
		assert.ok(people.done.size > 10 * ROUNDS, `only ${people.done.size} signed up: that tests nothing`);
		await nothingIsLost(server, people);
	} finally {
		people.going = false;
		await server.stop();
	}
	const audit = execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' });
	assert.match(audit, /the configuration and the data are good/);
	rmSync(dir, { recursive: true, force: true });
});
