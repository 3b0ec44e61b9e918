// People who sign up without pause while faults happen, and what must be true of them afterwards.
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, mailedToken } from '../../harness/client.mjs';

export const PASS = 'correct horse';
const CLIENTS = 8;
const TRIES = 20;

// One person after the other; each goes on where the last kill left it. What the server has
// acknowledged goes into done and staged.
export class SignUps {
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
				assert.equal(answer.status, 503, answer.text);
				// None is given where it may have been done (ERR_OUTCOME_UNKNOWN): repeating is this caller's affair.
				if (answer.headers['retry-after'] !== undefined) assert.match(answer.headers['retry-after'], /^\d+$/);
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

// Asks again when the answer is "too busy", as a person does: that is no loss.
async function patiently(ask) {
	for (let tries = 1; ; tries++) {
		const answer = await ask();
		if (answer.status !== 503 || tries === TRIES) return answer;
		await sleep(100);
	}
}

async function logsIn(server, email) {
	const client = new Client(server.url);
	const { json, text } = await patiently(() => client.login(email, PASS));
	assert.equal(json?.success, true, `${email} was acknowledged and is lost: ${text}`);
	const list = await patiently(() => client.get('/wsapi/list_emails'));
	assert.deepEqual(list.json.emails, [email]);
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

async function inGroups(items, fn) {
	for (let i = 0; i < items.length; i += CLIENTS) await Promise.all(items.slice(i, i + CLIENTS).map(fn));
}

// Everything that people were told is so: who signed up logs in, who is staged can go on.
export async function nothingIsLost(server, people) {
	await inGroups([...people.done], (email) => logsIn(server, email));
	await inGroups([...people.staged], ([email, client]) => completes(server, email, client));
}
