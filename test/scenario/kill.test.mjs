// People sign up without pause while the store, or everything, is killed again and again at random
// moments. Nothing that was acknowledged may be lost: a finished sign-up logs in, a staged one still
// has a token that works; and the invariants of the database hold.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, mailedToken } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { killEverything, pidOf, until } from '../harness/roles.mjs';

const PASS = 'correct horse';
const CLIENTS = 8;
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

// One person after the other; each goes on where the last kill left it. What the server has
// acknowledged goes into done and staged.
class SignUps {
	constructor(server) {
		this.server = server;
		this.going = true;
		this.done = new Set(); // complete_user_creation said yes
		this.staged = new Map(); // stage_user said yes, not completed yet: email -> its client
		this.refused = 0;
	}

	start() {
		this.lines = Array.from({ length: CLIENTS }, (_, line) => this.#line(line));
	}

	async stop() {
		this.going = false;
		await Promise.all(this.lines);
	}

	async #line(line) {
		for (let n = 0; this.going; n++) {
			await this.#person(`p${line}.${n}@example.org`);
		}
	}

	// Repeats a step until the server answers it with 200; null when the test ends before.
	async #step(fn) {
		while (this.going) {
			try {
				const answer = await fn();
				if (answer.status === 200) return answer.json;
				assert.ok([503].includes(answer.status), `${answer.status} ${answer.text}`);
				this.refused++;
			} catch (error) {
				if (error.code === 'ERR_ASSERTION') throw error;
				this.refused++; // nobody listens, or the connection was cut
			}
			await sleep(20);
		}
		return null;
	}

	async #person(email) {
		const agent = new http.Agent({ keepAlive: true });
		const client = new Client(this.server.url, { agent });
		try {
			if (!(await this.#step(() => client.stage(email, PASS)))) return;
			this.staged.set(email, client);
			const token = await this.#token(email);
			if (!token) return;
			const answer = await this.#step(() => client.post('/wsapi/complete_user_creation', { token }));
			if (!answer) return;
			// "no such secret" when an earlier try was done and its answer lost.
			assert.ok(answer.success || answer.reason === 'no such secret', JSON.stringify(answer));
			this.staged.delete(email);
			this.done.add(email);
		} finally {
			agent.destroy();
		}
	}

	async #token(email) {
		while (this.going) {
			try {
				return await mailedToken(this.server, email, 1);
			} catch {
				await sleep(20);
			}
		}
		return null;
	}
}

async function logsIn(server, email) {
	const client = new Client(server.url);
	const { json, text } = await client.login(email, PASS);
	assert.equal(json?.success, true, `${email} was acknowledged and is lost: ${text}`);
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [email]);
}

// The newest token of a staged address works, or the sign-up was done and only the answer lost.
async function completes(server, email, client) {
	const known = (await client.get(`/wsapi/have_email?email=${encodeURIComponent(email)}`)).json.email_known;
	if (!known) {
		const token = await mailedToken(server, email);
		const other = new Client(server.url);
		const { json, text } = await other.post('/wsapi/complete_user_creation', { token, pass: PASS });
		assert.equal(json?.success, true, `${email} was staged and its token is lost: ${text}`);
	}
	await logsIn(server, email);
}

async function inGroups(items, size, fn) {
	for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(fn));
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
		await inGroups([...people.done], CLIENTS, (email) => logsIn(server, email));
		await inGroups([...people.staged], CLIENTS, ([email, client]) => completes(server, email, client));
	} finally {
		people.going = false;
		await server.stop();
	}
	const audit = execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' });
	assert.match(audit, /the configuration and the data are good/);
	rmSync(dir, { recursive: true, force: true });
});
