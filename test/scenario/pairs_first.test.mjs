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

async function start(cost) {
	server = await startPairs({
		conf: {
			grace: { tolerance: 1 },
			plimsoll: { watchdog: '0s' },
			web: { instances: 1 },
			compute: { instances: 1 },
			accounts: { bcrypt_cost: cost, max_failed_logins: 1000 },
			pairs: { signup_reserve: 100 }, // whatever this machine's processors do
		},
	});
	[one] = await couple(server);
	const known = await member(server, 'known@example.org');
	for (let i = 0; i < 5; i++) await known.logIn(); // so that it is known what a hash takes
	compute = await pidOf(server, 'compute');
}

// How many newcomers are let wait for a hash.
async function roomFor() {
	const waiting = [];
	process.kill(compute, 'SIGSTOP');
	let refused;
	for (let i = 0; i < 60 && !refused; i++) {
		const pending = signUp(`room${i}@example.org`);
		refused = await answerOf(pending);
		if (!refused) waiting.push(pending);
	}
	process.kill(compute, 'SIGCONT');
	await Promise.all(waiting);
	if (refused) await sleep(refused.json.error.retry_ms); // until nobody has a slot any more
	return waiting.length;
}

before(async () => {
	// Some dozens of hashes have to fill the room, on a machine of any speed.
	for (let cost = 9, tries = 0; ; tries++) {
		await start(cost);
		const room = await roomFor();
		if ((room >= 8 && room <= 32) || tries === 3) break;
		await server.stop();
		cost += room < 8 ? -2 : 1;
	}
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
	// Logins wait in that queue themselves and may be refused sooner, for what else it holds.
	const seen = JSON.stringify([...gaveWay]);
	const order = [...gaveWay].sort(([, a], [, b]) => a - b).map(([kind]) => kind).filter((kind) => kind !== 'logins');
	assert.deepEqual(order, [...Object.keys(kinds).filter((kind) => kind !== 'logins'), 'sign-ups'], seen);
	assert.ok(gaveWay.get('logins') <= gaveWay.get('sign-ups'), seen);
	// Where a hash takes so long that a few of them are the whole room, steps fall together, in the same order.
	const [signals, pages, signUps] = ['signals', 'old pages', 'sign-ups'].map((kind) => gaveWay.get(kind));
	assert.ok(signals > 0 && (signUps <= 8 || (signals < pages && pages < signUps)), seen);
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
	// What was known of compute when it stopped is forgotten meanwhile: the room is filled again.
	for (let i = 0, full = false; !full; i++) {
		const pending = signUp(`more${i}@example.org`);
		full = Boolean(await answerOf(pending));
		if (!full) waiting.push(pending);
	}
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
