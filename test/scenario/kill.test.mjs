// People sign up without pause while the store, or everything, is killed again and again at random
// moments. Nothing that was acknowledged may be lost: a finished sign-up logs in, a staged one still
// has a token that works; and the invariants of the database hold.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { auditIsGood, generator, killWhile } from './lib/kill.mjs';
import { nothingIsLost, SignUps } from './lib/sign_ups.mjs';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 10);
const SIGN_UPS_EACH = 10; // in a round, at least
const ROUND_MS = 1500;

test(`kill -9 of the store and of everything, ${ROUNDS} times: nothing acknowledged is lost`, async (t) => {
	const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
	const random = generator(seed);
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-kill-'));
	const conf = { identity: { min_mail_interval: '0s' } };
	let server = await startPlimsoll({ dir, conf });
	const people = new SignUps(server);
	t.diagnostic(`seed ${seed}`);
	try {
		server = await killWhile(people, { dir, conf, rounds: ROUNDS, roundMs: ROUND_MS, random, done: () => people.done.size, perRound: SIGN_UPS_EACH });
		t.diagnostic(`${people.done.size} signed up, ${people.staged.size} staged, ${people.refused} tries refused`);
		assert.ok(people.done.size >= SIGN_UPS_EACH * ROUNDS, `only ${people.done.size} signed up: that tests nothing`);
		await nothingIsLost(server, people);
	} finally {
		people.going = false;
		await people.server.stop();
	}
	auditIsGood(server);
	rmSync(dir, { recursive: true, force: true });
});
