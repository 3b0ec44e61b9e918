// People sign up, add addresses, reset passwords, change them and remove addresses, while the store, the courier or
// everything is killed at random moments. Every account ends in a state of the documented machine:
// what was acknowledged is there, what was not is there whole or not at all; no mail goes out twice with
// one token, and none that nobody asked for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Client } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { auditIsGood, generator, inGroups, killWhile, People } from './lib/kill.mjs';

const LINES = 6;
const ROUNDS = Number(process.env.KILL_ACCOUNT_ROUNDS ?? 5);
const ROUND_MS = 1200;
const ACCOUNTS_EACH = 3; // in a round, at least
const SITE = 'http://site.example';

// One account: what the server has acknowledged, and what was under way when nobody answered any more.
class Account {
	constructor(name) {
		this.name = name;
		this.first = `${name}@example.org`;
		this.emails = new Set([this.first]); // acknowledged
		this.maybe = new Set(); // may be in or out
		this.passwords = ['password 0']; // the first that is in force is one of these; else exactly one
		this.unverified = new Set(); // since a reset
		this.count = 0;
	}
	get password() {
		return this.passwords.at(-1);
	}
}

class Lives extends People {
	accounts = []; // those that sign-up was acknowledged for
	tries = new Map(); // email -> how often a mail to it was asked for

	constructor(server, lines, random) {
		super(server, lines);
		this.random = random;
	}

	// Asks for a mail until that is acknowledged; resolves to the newest token.
	async #mailed(email, fn) {
		const answer = await this.step(() => {
			this.tries.set(email, (this.tries.get(email) ?? 0) + 1);
			return fn();
		});
		if (!answer) return null;
		assert.equal(answer.json.success, true, `${email}: ${answer.text}`);
		return this.token(email, this.used);
	}

	// Uses a token up. True: done, now or by a try whose answer was lost.
	async #completed(client, call, token, more) {
		const answer = await this.step(() => client.post(`/wsapi/${call}`, { token, ...more }));
		if (!answer) return false;
		assert.ok(answer.json.success || answer.json.reason === 'no such secret', `${call}: ${answer.text}`);
		this.changes++;
		this.used.push(token);
		return true;
	}

	used = [];
	changes = 0; // sign-ups, additions and resets that went through

	async #signUp(client, account) {
		const token = await this.#mailed(account.first, () => client.stage(account.first, account.password));
		return token && this.#completed(client, 'complete_user_creation', token);
	}

	async #login(client, account) {
		client.csrf = null;
		const answer = await this.step(() => client.login(account.first, account.password), [200, 403]);
		if (answer?.status === 403) return this.#login(client, account);
		if (answer) assert.equal(answer.json.success, true, `${account.first}: ${answer.text}`);
		return answer;
	}

	async #add(client, account) {
		const email = `${account.name}.${++account.count}@example.org`;
		account.maybe.add(email);
		if (!(await this.#login(client, account))) return;
		const token = await this.#mailed(email, () => client.post('/wsapi/stage_email', { email, site: SITE }));
		if (!token || !(await this.#completed(client, 'complete_email_confirmation', token))) return;
		account.maybe.delete(email);
		account.emails.add(email);
	}

	async #reset(client, account) {
		const next = `password ${++account.count}`;
		const token = await this.#mailed(account.first, () => client.post('/wsapi/stage_reset', { email: account.first, site: SITE }));
		if (!token) return;
		account.passwords.push(next);
		const others = [...account.emails].filter((email) => email !== account.first);
		if (!(await this.#completed(client, 'complete_reset', token, { pass: next }))) return;
		account.passwords = [next];
		others.forEach((email) => account.unverified.add(email));
	}

	async #change(client, account) {
		if (!(await this.#login(client, account))) return;
		const [old, next] = [account.password, `password ${++account.count}`];
		account.passwords.push(next);
		// 400, 403: the session ended with the old password, by a try whose answer was lost.
		const answer = await this.step(() => client.post('/wsapi/update_password', { oldpass: old, newpass: next }), [200, 400, 403]);
		if (!answer) return;
		if (answer.status === 200) assert.equal(answer.json.success, true, answer.text);
		account.passwords = [next];
	}

	async #remove(client, account) {
		const email = [...account.emails].find((one) => one !== account.first);
		if (!email || !(await this.#login(client, account))) return;
		account.emails.delete(email);
		account.maybe.add(email);
		// 400: gone already, by a try whose answer was lost.
		if (await this.step(() => client.post('/wsapi/remove_email', { email }), [200, 400])) account.maybe.delete(email);
		account.unverified.delete(email);
	}

	async person(line, n) {
		const agent = new http.Agent({ keepAlive: true });
		const client = new Client(this.server.url, { agent });
		const account = new Account(`a${line}.${n}`);
		const acts = [this.#add, this.#add, this.#reset, this.#change, this.#remove];
		try {
			if (!(await this.#signUp(client, account))) return;
			this.accounts.push(account);
			for (let i = 0; i < 5 && this.going; i++) {
				await acts[Math.floor(this.random() * acts.length)].call(this, client, account);
			}
		} finally {
			agent.destroy();
		}
	}
}

async function isWhole(server, account) {
	const client = new Client(server.url);
	let signedIn = false;
	for (const password of [...account.passwords].reverse()) {
		signedIn ||= (await client.login(account.first, password)).json?.success === true;
	}
	assert.ok(signedIn, `${account.first}: none of ${account.passwords} is its password`);
	const emails = new Set((await client.get('/wsapi/list_emails')).json.emails);
	for (const email of account.emails) assert.ok(emails.has(email), `${email} was acknowledged and is lost`);
	for (const email of emails) assert.ok(account.emails.has(email) || account.maybe.has(email), `${email} was removed and is back`);
	for (const email of account.unverified) {
		const { state } = (await client.get(`/wsapi/address_info?email=${email}`)).json;
		assert.equal(state, 'unverified', `${email} after a reset`);
	}
}

// Every mail that is in the outbox, sent or not: [recipient, link].
function mails(server) {
	const script = 'import json, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); '
		+ 'print(json.dumps(db.execute("SELECT recipient, link FROM outbox").fetchall()))';
	return JSON.parse(execFileSync('python3', ['-c', script, path.join(server.dataDir, 'db/plimsoll.db')], { encoding: 'utf8' }));
}

test(`accounts live through ${ROUNDS} kills of roles and of everything`, async (t) => {
	const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
	const random = generator(seed);
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-kill-accounts-'));
	const conf = { identity: { min_mail_interval: '0s' } };
	let server = await startPlimsoll({ dir, conf });
	const people = new Lives(server, LINES, random);
	t.diagnostic(`seed ${seed}`);
	try {
		server = await killWhile(people, { dir, conf, rounds: ROUNDS, roundMs: ROUND_MS, random, roles: ['store', 'store', 'courier', 'store'], done: () => people.accounts.length, perRound: ACCOUNTS_EACH });
		t.diagnostic(`${people.changes} changes by mail, ${people.accounts.length} accounts, ${people.tries.size} addresses, ${people.refused} tries refused`);
		assert.ok(people.accounts.length >= ACCOUNTS_EACH * ROUNDS, `only ${people.accounts.length} accounts: that tests nothing`);
		await inGroups(people.accounts, LINES, (account) => isWhole(server, account));
	} finally {
		people.going = false;
		await people.server.stop();
	}
	auditIsGood(server);
	const all = mails(server).filter(([to]) => to !== 'probe@example.org');
	assert.equal(new Set(all.map(([, link]) => link)).size, all.length, 'a mail went out twice');
	for (const [to, tries] of people.tries) {
		assert.ok(all.filter(([recipient]) => recipient === to).length <= tries, `more mails to ${to} than were asked for`);
	}
	rmSync(dir, { recursive: true, force: true });
});
