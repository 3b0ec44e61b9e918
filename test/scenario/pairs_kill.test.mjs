// Couples write and people sign up while the store, a web process, compute, the courier or everything is
// killed at random moments (A3). Afterwards the stream has no gap and every message once, every sign-up that was
// acknowledged can be finished, and no address got two different tokens.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, couple, mailTokens, Member, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { freePort } from '../harness/plimsoll.mjs';
import { auditIsGood, generator, killWhile, People } from './lib/kill.mjs';

const ROUNDS = Number(process.env.KILL_PAIRS_ROUNDS ?? 5);
const ROUND_MS = 900;
const WRITERS = 4; // lines; the others sign up

class Lives extends People {
	said = new Map(); // client_id -> seq
	signups = []; // { email, user, finished }
	done = 0;

	constructor(server, lines, members) {
		super(server, lines);
		this.members = members;
	}

	person(line, n) {
		return line < WRITERS ? this.#write(line, n) : this.#signUp(line, n);
	}

	async #write(line, n) {
		const id = `c${line}-${n}`;
		const member = this.members[line % 2];
		const answer = await this.step(() => member.post('/messages', { text: id, client_id: id }), [201]);
		if (!answer) return;
		assert.equal(answer.json.data.text, id);
		this.said.set(id, answer.json.seq);
		this.done++;
	}

	async #signUp(line, n) {
		const email = `s${line}-${n}@example.org`;
		const m = new Member(this.members[0].server, email);
		const asked = await this.step(() => m.post('/signup', { email, password: PASSWORD, idempotency_key: email }), [202]);
		if (!asked) return;
		const entry = { email, user: asked.json.user_id, finished: false };
		this.signups.push(entry);
		let token;
		while (this.going && !token) [token] = await mailTokens(m.server, email, 'pairs-signup').catch(() => sleep(50, []));
		const verified = token && (await this.step(() => m.post('/verify', { token }), [200, 410]));
		entry.finished = Boolean(verified);
		this.done++;
	}
}

test('nothing acknowledged is lost, nothing is done twice, nobody is stuck', async () => {
	const random = generator(Number(process.env.KILL_SEED ?? 5));
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pairs-kill-'));
	const pairsPort = await freePort();
	const conf = { pairs: { listen: `127.0.0.1:${pairsPort}`, min_mail_interval: '0s' } };
	let server = await startPairs({ dir, conf, pairsPort });
	const at = { pairsPort, adminUrl: server.adminUrl };
	const members = await couple(at);
	const lives = new Lives(server, WRITERS + 2, members);
	server = await killWhile(lives, {
		dir, conf, rounds: ROUNDS, roundMs: ROUND_MS, random, roles: ['web', 'store', 'compute', 'store', 'courier'],
		done: () => lives.done, perRound: 4,
	});

	const events = [];
	for (let after = 0, page; after !== null; after = page.next) {
		page = (await members[0].get(`/activities?after=${after}&limit=200`)).json;
		events.push(...page.items);
	}
	assert.deepEqual(events.map((e) => e.seq), events.map((_, i) => i + 1), 'no gap');
	const texts = events.filter((e) => e.data.type === 'message').map((e) => e.data.text);
	assert.equal(new Set(texts).size, texts.length, 'nothing twice');
	for (const [id, seq] of lives.said) assert.equal(events[seq - 1].data.text, id, 'nothing lost, and where it was said to be');
	assert.ok(lives.said.size > 10 && lives.signups.length > 2, `${lives.said.size} messages, ${lives.signups.length} sign-ups`);

	// The outbox shows the newest mails only, among them those that nobody has answered yet.
	const mails = (await (await fetch(`${at.adminUrl}/outbox.json`)).json()).filter((m) => m.kind === 'pairs-signup');
	assert.equal(new Set(mails.map((m) => m.to)).size, mails.length, 'one mail for each');
	for (const { email, user, finished } of lives.signups) {
		if (!finished) {
			const [token] = await mailTokens(at, email, 'pairs-signup');
			const answer = await call(at, 'POST', '/api/v1/verify', { body: { token } });
			assert.ok([200, 410].includes(answer.status), answer.text);
		}
		const m = new Member(at, email);
		await m.logIn();
		assert.equal(m.id, user, 'who signed up is who signs in');
	}
	await server.stop();
	auditIsGood(server);
	rmSync(dir, { recursive: true, force: true });
});
