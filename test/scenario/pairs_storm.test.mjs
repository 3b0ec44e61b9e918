// A small storm of sign-ups while each role is killed once: everybody who comes back as told gets in, every sign-up
// that was taken can be finished by its mail, nobody gets two accounts, and couples go on meanwhile.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { couple, Member, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { pidOf, restarted } from '../harness/roles.mjs';
import { auditIsGood, inGroups } from './lib/kill.mjs';

const ROLES = ['compute', 'courier', 'web', 'signer', 'store'];
const CLIENTS_EACH = 8; // that come while one role is killed; all mails fit the page of the outbox
const GIVE_UP_MS = 60_000;
const PAUSE_MS = 100; // after no answer
const KIND = 'pairs-signup';

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pairs-storm-'));
let server;
before(async () => (server = await startPairs({ dir, conf: { grace: { tolerance: 1 }, compute: { instances: 2 }, accounts: { bcrypt_cost: 8 } } })));
after(async () => {
	await server?.stop().catch(() => {}); // if the test has not come so far
	rmSync(dir, { recursive: true, force: true });
});

// A step until it is done: slots of refused sign-ups are kept, other refusals and cut connections tried again.
async function persist(step, statuses, onSlot = () => {}) {
	for (const end = Date.now() + GIVE_UP_MS; Date.now() < end; ) {
		const answer = await step().catch(() => null); // nobody listens, or the connection was cut
		if (answer && statuses.includes(answer.status)) return answer;
		assert.ok(!answer || answer.status === 503, answer?.text);
		const error = answer?.json?.error;
		if (error?.ticket) onSlot(error.ticket);
		await sleep(error?.retry_ms ?? PAUSE_MS);
	}
	throw new Error('not done in time');
}

class Newcomer extends Member {
	refusals = 0;

	async signUp() {
		let ticket;
		const { email } = this;
		const fields = () => ({ email, password: PASSWORD, first_name: 'New', idempotency_key: email, ticket });
		const answer = await persist(() => this.post('/signup', fields()), [202], (given) => {
			this.refusals++;
			ticket = given;
		});
		this.user = answer.json.user_id;
	}

	async finish(token) {
		// A verification whose answer was lost has used the token; then the account stands.
		const answer = await persist(() => this.post('/verify', { token }), [200, 410]);
		if (answer.status === 410) await persist(() => this.logIn(), [200]);
		else this.keep(answer);
		assert.equal(this.id, this.user, `${this.email}: who signed up is who got in`);
	}
}

async function mails(least) {
	for (const end = Date.now() + GIVE_UP_MS; ; await sleep(50)) {
		const rows = await (await fetch(`${server.adminUrl}/outbox.json`)).json().catch(() => []);
		const found = rows.filter((m) => m.kind === KIND);
		if (found.length >= least) return found;
		assert.ok(Date.now() < end, `${found.length} of ${least} mails`);
	}
}

test('a storm with a kill of each role: all are in, nothing is stuck, couples go on', async () => {
	const [one] = await couple(server);
	const known = (await mails(2)).length;
	let over = false;
	const said = [];
	const everyday = (async () => {
		for (let n = 0; !over; n++) {
			const answer = await persist(() => one.post('/messages', { text: `${n}`, client_id: `m${n}` }), [201]);
			said.push(answer.json.seq);
			await sleep(20);
		}
	})();
	const newcomers = [];
	const storm = [];
	for (const role of ROLES) {
		const pid = await pidOf(server, role);
		for (let i = 0; i < CLIENTS_EACH; i++) {
			const who = new Newcomer(server, `${role}${i}@example.org`);
			newcomers.push(who);
			storm.push(who.signUp());
		}
		process.kill(pid, 'SIGKILL');
		await restarted(server, role, pid);
	}
	await Promise.all(storm);

	const found = await mails(known + newcomers.length);
	assert.equal(new Set(found.map((m) => m.to)).size, found.length, 'one mail for each');
	const tokenOf = new Map(found.map((m) => [m.to, m.link.split('=').at(-1)]));
	await inGroups(newcomers, 8, (who) => who.finish(tokenOf.get(who.email)));
	assert.equal(new Set(newcomers.map((who) => who.id)).size, newcomers.length);

	over = true;
	await everyday;
	assert.ok(said.length > 5, `${said.length}`);
	assert.deepEqual(said, said.map((_, i) => said[0] + i), 'everyday traffic: each once, in order');
	await server.stop();
	auditIsGood(server);
});
