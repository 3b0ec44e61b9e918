// Sign-up first: under a load that is held, everyday requests give way one kind after the other, all of them before
// a newcomer who wants to sign up; whoever was put off comes back in its slot and gets in where newcomers do not;
// and messages never give way. The load is held by stopping compute: what waits for it is then as many jobs as the
// test has put there, and nothing changes until it puts one more.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, couple, member, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { pidOf } from '../harness/roles.mjs';

let server;
let one;
let compute;

before(async () => {
	server = await startPairs({
		conf: {
			plimsoll: { watchdog: '0s' },
			web: { instances: 1 },
			compute: { instances: 1 },
			accounts: { bcrypt_cost: 8, max_failed_logins: 1000 },
			pairs: { signup_reserve: 100 }, // whatever this machine's processors do
		},
	});
	[one] = await couple(server);
	await (await member(server, 'known@example.org')).logIn(); // so that it is known what a hash takes
	compute = await pidOf(server, 'compute');
});
after(async () => {
	if (compute) process.kill(compute, 'SIGCONT');
	await server?.stop();
});

const signUp = (email, ticket) => call(server, 'POST', '/api/v1/signup', { body: { email, password: PASSWORD, ticket } });

// A request that may have to wait for compute: its answer if it has one, or null once it is sure that it waits. The
// one web process takes its requests in order, so one that was refused is answered before three others that follow.
async function answerOf(pending) {
	let answer = null;
	pending.then((a) => (answer = a));
	for (let i = 0; i < 3; i++) await call(server, 'GET', '/api/v1/push/key');
	await sleep(20);
	return answer;
}

const isRefused = (answer) => {
	assert.ok(answer.status < 300 || answer.status === 503, answer.text);
	return answer.status === 503;
};

// What is tried at each level of the load, in the order in which it has to give way.
const kinds = {
	signals: async () => isRefused(await one.post('/presence', { state: 'online' })),
	'old pages': async () => isRefused(await one.get('/activities?before=2')),
	uploads: async () => (await one.request('POST', '/media', 'no picture', { 'content-type': 'image/jpeg' })).status === 503,
	'new sessions': async () => isRefused(await call(server, 'GET', '/socket.io/?EIO=4&transport=polling')),
	logins: async () => (await answerOf(call(server, 'POST', '/api/v1/login', { body: { email: 'known@example.org', password: PASSWORD } })))?.status === 503,
};

test('what can wait gives way first, a newcomer last, messages never', async () => {
	const gaveWay = new Map(); // kind -> level
	const waiting = [];
	process.kill(compute, 'SIGSTOP');
	let level = 0;
	for (; level < 60 && !gaveWay.has('sign-ups'); level++) {
		for (const [kind, isShed] of Object.entries(kinds)) {
			if (gaveWay.has(kind)) continue;
			if (await isShed()) gaveWay.set(kind, level);
		}
		const pending = signUp(`newcomer${level}@example.org`);
		const answer = await answerOf(pending);
		if (answer) {
			assert.equal(answer.status, 503, answer.text);
			assert.ok(answer.json.error.ticket, answer.text);
			gaveWay.set('sign-ups', level);
		} else {
			waiting.push(pending);
		}
		assert.equal((await one.post('/messages', { text: `${level}` })).status, 201);
	}
	const order = [...gaveWay].sort(([, a], [, b]) => a - b).map(([kind]) => kind);
	const levels = [...gaveWay.values()];
	assert.deepEqual(order, [...Object.keys(kinds), 'sign-ups'], JSON.stringify([...gaveWay]));
	// Where a hash takes so long that a few of them are the whole room, steps fall together, in the same order.
	const [signals, pages, , , logins, signUps] = levels;
	const isFine = signUps > 8;
	assert.ok(signals > 0 && (!isFine || (signals < pages && pages < signUps && logins < signUps)), JSON.stringify([...gaveWay]));
	process.kill(compute, 'SIGCONT');
	for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 202, 'who was let in is in');
});

test('who comes back in its slot gets in where newcomers do not', async () => {
	process.kill(compute, 'SIGSTOP');
	const waiting = [];
	let refused;
	for (let i = 0; i < 60 && !refused; i++) {
		const pending = signUp(`crowd${i}@example.org`);
		refused = await answerOf(pending);
		if (!refused) waiting.push(pending);
	}
	assert.equal(refused?.status, 503);
	const { ticket, retry_ms: retryMs, slot_ms: slotMs } = refused.json.error;
	const email = `crowd${waiting.length}@example.org`;
	assert.ok(retryMs > 0 && retryMs < 10_000 && slotMs >= 60_000, refused.text);
	// Not before its time, and not for another address.
	assert.equal((await signUp(email, ticket)).status, 503);
	await sleep(retryMs);
	assert.equal((await signUp('another@example.org', ticket)).status, 503);
	assert.equal((await signUp('newcomer@example.org')).status, 503);
	const back = signUp(email, ticket);
	assert.equal(await answerOf(back), null, 'it waits for its hash like those before it');
	assert.equal((await signUp('late@example.org')).status, 503);
	process.kill(compute, 'SIGCONT');
	for (const answer of await Promise.all([...waiting, back])) assert.equal(answer.status, 202);
});

test('when it is over everything is served again', async () => {
	for (const [kind, isShed] of Object.entries(kinds)) {
		for (let i = 0; await isShed(); i++) {
			assert.ok(i < 200, kind);
			await sleep(50);
		}
	}
});
