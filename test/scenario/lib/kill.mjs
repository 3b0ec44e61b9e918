// What the kill tests share: random moments that can be repeated, people who try again until the server
// answers, and the killing itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, mailedToken } from '../../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../../harness/plimsoll.mjs';
import { killEverything, pidOf, until } from '../../harness/roles.mjs';

const EVERYTHING_EACH = 3; // every third kill takes supervisor and roles
const SLOW_ROUND_MS = 30_000; // what a round may take on a slow machine until enough was done in it

// Random moments that a failing run can be repeated with.
export function generator(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

// Lines of people, one after the other in each; a subclass says by person(line, n) what one does.
export class People {
	constructor(server, lines) {
		this.server = server;
		this.count = lines;
		this.going = true;
		this.refused = 0;
	}

	start() {
		this.lines = Array.from({ length: this.count }, (_, line) => this.#line(line));
	}

	async stop() {
		this.going = false;
		await Promise.all(this.lines);
	}

	async #line(line) {
		for (let n = 0; this.going; n++) await this.person(line, n);
	}

	// Repeats a step until the server answers it with one of statuses; null when the test ends before.
	async step(fn, statuses = [200]) {
		while (this.going) {
			try {
				const answer = await fn();
				if (statuses.includes(answer.status)) return answer;
				assert.equal(answer.status, 503, `${answer.status} ${answer.text}`);
				this.refused++;
			} catch (error) {
				if (error.code === 'ERR_ASSERTION') throw error;
				this.refused++; // nobody listens, or the connection was cut
			}
			await sleep(20);
		}
		return null;
	}

	// The newest token mailed to an address.
	async token(email, except = []) {
		while (this.going) {
			try {
				return await mailedToken(this.server, email, 1, except);
			} catch {
				await sleep(20);
			}
		}
		return null;
	}
}

// Lets people live while one of roles, or everything, is killed at random moments of each round. A round takes
// roundMs, and on a slow machine until done() counts perRound more than before it. Resolves to the server that runs at
// the end.
export async function killWhile(people, { dir, conf, rounds, roundMs, random, roles = ['store'], done, perRound }) {
	let { server } = people;
	const { ports } = server;
	people.kills = {}; // how often each role was, and everything
	people.start();
	for (let round = 1; round <= rounds; round++) {
		const moment = random() * roundMs;
		await sleep(moment);
		const role = round % EVERYTHING_EACH === 0 ? 'everything' : roles[round % roles.length];
		people.kills[role] = (people.kills[role] ?? 0) + 1;
		if (role === 'everything') {
			await killEverything(server);
			server = await startPlimsoll({ dir, conf, ports });
			people.server = server;
		} else {
			const pid = await until(`the ${role}`, () => pidOf(server, role));
			process.kill(pid, 'SIGKILL');
		}
		await sleep(roundMs - moment);
		for (const end = Date.now() + SLOW_ROUND_MS; done() < round * perRound && Date.now() < end; ) await sleep(20);
	}
	await until('a store that works', async () => (await new Client(server.url).stage('probe@example.org', 'correct horse')).status === 200);
	await people.stop();
	return server;
}

export async function inGroups(items, size, fn) {
	for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(fn));
}

// The invariants of the database of a server that has stopped.
export function auditIsGood(server) {
	const text = execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' });
	assert.match(text, /the configuration and the data are good/);
}
