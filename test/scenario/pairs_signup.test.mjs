// More want to sign up than compute can hash passwords for: the rest is told when to come back and gets a
// ticket, and whoever comes back as told gets in; couples go on meanwhile, and logins give way.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../harness/command.mjs';
import { until } from '../harness/roles.mjs';
import { call, couple, doorMember, mailTokens, pairByDoor, PASSWORD, startPairs } from '../harness/pairs.mjs';

const CLIENTS = 20;
const GIVE_UP_MS = 120_000;
let server;

before(async () => {
	server = await startPairs({ conf: { grace: { tolerance: 1 }, compute: { instances: 1 }, accounts: { bcrypt_cost: 10 } } });
});
after(() => server?.stop());

const signUp = (email, ticket) => call(server, 'POST', '/api/v1/signup', { body: { email, password: PASSWORD, ticket } });

test('a storm of sign-ups becomes a queue that everybody gets through', async () => {
	const [one] = await couple(server);
	const started = Date.now();
	let refusals = 0;
	const worst = { messages: 0 };
	let over = false;
	const everyday = (async () => {
		for (let i = 0; !over; i++) {
			const begun = Date.now();
			const answer = await one.post('/messages', { text: `${i}` });
			assert.equal(answer.status, 201, answer.text);
			worst.messages = Math.max(worst.messages, Date.now() - begun);
			await sleep(50);
		}
	})();
	const client = async (n) => {
		const email = `storm${n}@example.org`;
		for (let ticket; Date.now() - started < GIVE_UP_MS; ) {
			const answer = await signUp(email, ticket);
			if (answer.status === 202) return;
			assert.equal(answer.status, 503, answer.text);
			const { error } = answer.json ?? {};
			if (error?.ticket === undefined) {
				await sleep(500); // the edge itself was full
				continue;
			}
			refusals++;
			assert.equal(error.code, 'overloaded');
			assert.ok(Number(answer.headers['retry-after']) >= 1 && error.retry_ms > 0 && error.slot_ms > 0, answer.text);
			ticket = error.ticket;
			await sleep(error.retry_ms);
		}
		throw new Error(`${email} is not in after ${GIVE_UP_MS} ms`);
	};
	await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
	over = true;
	await everyday;
	assert.ok(refusals > 0, 'the storm was none');
	assert.ok(worst.messages < 20_000, `${worst.messages} ms`);
});

test('a ticket that is none is no reason to refuse when there is room', async () => {
	assert.equal((await signUp('late@example.org', 'x'.repeat(54))).status, 202);
});

test('[pairs] test_doors: what is mailed is in the answer too, on this machine only, and said loudly', async () => {
	const closed = await signUp('closed@example.org');
	assert.deepEqual(Object.keys(closed.json).filter((name) => name.startsWith('test')), []);
	const open = await startPairs({ conf: { pairs: { test_doors: 'yes' } } });
	try {
		await until('the warning', () => /level=warn .*test_doors_are_open/.test(open.stderr()), 20);
		const [one, two] = [await doorMember(open, 'one@example.org'), await doorMember(open, 'two@example.org')];
		await pairByDoor(one, two);
		const { json } = await one.get('/couple');
		assert.deepEqual(json.users.map(({ id }) => id).sort(), [one.id, two.id].sort());
		assert.equal((await mailTokens(open, 'two@example.org', 'pairs-invite')).length, 1, 'the mail is sent all the same');
	} finally {
		await open.stop();
	}
	const answer = await runCommand(['check', '--set', 'plimsoll.public_url=https://id.example.org', '--set', 'pairs.test_doors=yes', '--set', 'mail.smtp=smtp://127.0.0.1:25']);
	assert.notEqual(answer.code, 0);
	assert.match(answer.stdout + answer.stderr, /\[pairs\] test_doors: needs a public_url on this machine/);
});
