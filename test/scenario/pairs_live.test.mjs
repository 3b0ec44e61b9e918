// Live sessions of couples, in two web processes: who may join, what each hears and in which order, what a
// client that comes back is told, what is closed at once, who is there.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, couple, member, startPairs } from '../harness/pairs.mjs';
import { PATIENCE } from '../harness/patience.mjs';
import { Live } from './lib/live.mjs';

const FAST = { packets_per_second: 0, presence_lease: '3s' };

let server;
before(async () => {
	server = await startPairs({ conf: { pairs: FAST } });
});
after(() => server?.stop());

const metric = async (name) => {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	return [...text.matchAll(new RegExp(`^plimsoll_${name}\\{[^}]*\\} (\\d+)`, 'gm'))].reduce((sum, [, n]) => sum + Number(n), 0);
};
const from = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const joinAll = (...wishes) => Promise.all(wishes.map(([m, options]) => Live.join(server, m, options)));
const endAll = (...all) => all.forEach((live) => live.end());

async function until(check, what) {
	for (const end = Date.now() + 20000 * PATIENCE; !(await check()); await sleep(50)) assert.ok(Date.now() < end, what);
}

test('who may not join is told why', async () => {
	const alone = await member(server, 'alone@example.org');
	for (const [auth, message] of [[{}, 'unauthorized'], [{ token: 5 }, 'unauthorized'], [{ token: 'x'.repeat(43) }, 'unauthorized'], [{ token: '' }, 'unauthorized'], [{ token: 'x'.repeat(5000) }, 'unauthorized'], [{ token: alone.token }, 'unpaired']]) {
		const live = await Live.open(server, alone, { auth });
		assert.equal(live.refusal.message, message, JSON.stringify(auth));
		live.end();
	}
});

test('hello, then what happens: to the partner, to other devices, not to the one that did it', async () => {
	const [ada, bob] = await couple(server);
	const [one, two, other, partner] = await joinAll([ada, { worker: 0 }], [ada, { worker: 1 }], [ada, { worker: 0 }], [bob, { worker: 1 }]);
	const { user, couple: pair, head, server_time: time } = one.hello;
	assert.deepEqual([user.id, pair.id, pair.users.map((u) => u.id), user.presence], [ada.id, ada.couple, [ada.id, bob.id], 'online']);
	assert.ok(head >= 1 && Math.abs(time - Date.now()) < 20000);
	const said = await one.ask('message', { text: 'hello', client_id: 'a' });
	assert.deepEqual([said.ok, said.seq, said.answer.data.text], [true, head + 1, 'hello']);
	for (const live of [two, other, partner]) {
		const heard = await live.next('activity');
		assert.deepEqual(heard, said.answer);
		assert.deepEqual([heard.seq, heard.event, heard.user_id], [head + 1, 'activity', ada.id]);
	}
	// The same once more is the same, and nobody hears of it; as the same words in another wrapping.
	assert.deepEqual(await one.ask('message', { text: 'hello', client_id: 'a' }), said);
	assert.deepEqual((await ada.post('/messages', { text: 'hello', client_id: 'a' })).json, said.answer);
	assert.equal((await one.ask('list.add', { name: 'x', client_id: 'a' })).error.code, 'client_id_used');
	// What REST does is heard by all, those of the same member included.
	const hug = (await bob.post('/hug', {})).json;
	for (const live of [one, two, other, partner]) assert.deepEqual(await live.next('activity'), hug);
	assert.equal(hug.seq, head + 2);
	assert.deepEqual([one.seqs(), partner.seqs()], [[head + 2], [head + 1, head + 2]]);
	// The other process is told, and need not find out; but it looks from time to time, and may be first.
	const found = await metric('pairs_live_gaps_total');
	for (const n of from(1, 30)) {
		const { seq } = await one.ask('message', { text: `${n}` });
		assert.equal((await partner.next('activity')).seq, seq);
	}
	assert.ok((await metric('pairs_live_gaps_total')) - found <= 10);
	endAll(one, two, other, partner);
});

test('both write at once, in two processes: all hear all, in order, once', async () => {
	const [ada, bob] = await couple(server);
	const all = await joinAll([ada, { worker: 0 }], [bob, { worker: 1 }], [ada, { worker: 1 }], [bob, { worker: 0 }]);
	const { head } = all[0].hello;
	const N = 40;
	const acks = await Promise.all(all.map((live, i) => Promise.all(from(1, N).map((n) => live.ask('message', { text: `${i} ${n}` })))));
	const seqs = acks.flat().map((ack) => ack.seq).sort((a, b) => a - b);
	assert.deepEqual(seqs, from(head + 1, head + 4 * N));
	for (const [i, live] of all.entries()) {
		// Its own are acknowledged, in the order in which it sent them; with the others they are all.
		const own = acks[i].map((ack) => ack.seq);
		assert.deepEqual(own, own.slice().sort((a, b) => a - b));
		const last = Math.max(...seqs.filter((s) => !own.includes(s)));
		await live.toldUpTo(last);
		assert.deepEqual([...live.seqs(), ...own].sort((a, b) => a - b), seqs);
		assert.deepEqual(live.seqs(), live.seqs().slice().sort((a, b) => a - b));
	}
	endAll(...all);
});

test('a long event goes from process to process, too', async () => {
	const [ada, bob] = await couple(server);
	const [one, partner] = await joinAll([ada, { worker: 0 }], [bob, { worker: 1 }]);
	const text = '\u0001'.repeat(8000); // six bytes each in JSON
	assert.ok((await one.ask('message', { text })).ok);
	assert.equal((await partner.next('activity')).data.text, text);
	assert.equal((await one.ask('message', { text: 'x'.repeat(9000) })).error.code, 'too_large');
	endAll(one, partner);
});

test('every kind of change by an event, and what is wrong with one', async () => {
	const [ada, bob] = await couple(server);
	const [one, partner] = await joinAll([ada], [bob]);
	const ok = async (name, value) => {
		const ack = await one.ask(name, value);
		assert.ok(ack.ok, `${name}: ${JSON.stringify(ack)}`);
		return ack;
	};
	const list = (await ok('list.add', { name: 'to do' })).answer.data.id;
	const item = (await ok('list.item.add', { id: list, text: 'milk' })).answer.data.item.id;
	await ok('list.item.edit', { id: list, item, complete: true });
	await ok('list.edit', { id: list, name: 'done', if_version: 3 });
	await ok('list.item.delete', { id: list, item });
	await ok('list.delete', { id: list, if_version: 5 });
	const event = (await ok('event.add', { title: 'cinema', start: 1, end: 2 })).answer.data.id;
	await ok('event.edit', { id: event, place: 'town' });
	await ok('event.delete', { id: event });
	await ok('kiss', { points: [{ x: 0.5, y: 0.25, rotation: 3 }] });
	const hug = (await ok('hug')).answer.data.id;
	await ok('activity.delete', { id: hug });
	await ok('me.edit', { first_name: 'Ada' });
	const { seq } = await ok('read', { up_to: one.hello.head });
	await partner.toldUpTo(seq);
	assert.deepEqual(partner.events.map(([name]) => name).filter((name) => name !== 'presence'), ['list', 'list.item', 'list.item', 'list', 'list.item', 'list', 'event', 'event', 'event', 'activity', 'activity', 'activity.deleted', 'user', 'read']);
	assert.deepEqual(one.seqs(), []);
	await ok('read', { up_to: one.hello.head }); // again: nothing, and no number
	for (const [name, value, code] of [
		['message', {}, 'invalid'], ['message', { text: 5 }, 'invalid'], ['message', 'x', 'malformed'], ['message', [], 'malformed'], ['kiss', { points: [] }, 'invalid'],
		['list.edit', { id: list, name: 'x' }, 'not_found'], ['list.edit', { name: 'x' }, 'not_found'], ['list.edit', { id: 5, name: 'x' }, 'not_found'],
		['activity.delete', { id: 'x' }, 'not_found'], ['read', { up_to: 1e9 }, 'out_of_range'], ['presence', { state: 'dancing' }, 'invalid'], ['lists', {}, 'unknown_event'],
		['hug', { client_id: 'x'.repeat(5000) }, 'too_large'],
	]) {
		assert.equal((await one.ask(name, value)).error?.code, code, `${name} ${JSON.stringify(value)}`);
	}
	assert.deepEqual(await one.ask('ping2', { t: 1 }), { t: 1 });
	one.emit('ping2', 7);
	await one.until(() => one.events.some(([name, value]) => name === 'ping2' && value === 7));
	endAll(one, partner);
});

test('typing goes to the partner and to nobody else', async () => {
	const [ada, bob] = await couple(server);
	const [one, own, partner] = await joinAll([ada, { worker: 0 }], [ada, { worker: 1 }], [bob, { worker: 1 }]);
	one.emit('typing', {});
	const { user_id: who, until: when } = await partner.next('typing');
	assert.ok(who === ada.id && when > Date.now() - 20000);
	assert.equal((await ada.post('/typing')).status, 204);
	await partner.next('typing');
	await one.ask('message', { text: 'x' });
	await own.next('activity');
	assert.ok(![...one.events, ...own.events].some(([name]) => name === 'typing'));
	endAll(one, own, partner);
});

test('who comes back is told what it missed, or that it has to read', async () => {
	const [ada, bob] = await couple(server);
	const [one, partner] = await joinAll([ada, { worker: 0 }], [bob, { worker: 1 }]);
	const { head } = one.hello;
	partner.end();
	for (const n of from(1, 10)) await one.ask('message', { text: `${n}` });
	for (const worker of [0, 1]) {
		const back = await Live.join(server, bob, { after: head, worker });
		await back.toldUpTo(head + 10);
		assert.deepEqual(back.seqs(), from(head + 1, head + 10));
		assert.deepEqual(back.events.filter(([, v]) => v.seq).map(([, v]) => v.data.text), from(1, 10).map(String));
		await one.ask('hug');
		await back.next('activity');
		back.end();
	}
	const now = head + 12;
	const nothing = await Live.join(server, bob, { after: now });
	// A number that there is not yet, and a gap that is too wide.
	const ahead = await Live.join(server, bob, { after: now + 1000 });
	assert.deepEqual(await ahead.next('resync'), { head: now });
	for (let left = 501; left > 0; left -= 50) await Promise.all(from(1, Math.min(50, left)).map(() => one.ask('hug')));
	const late = await Live.join(server, bob, { after: now });
	assert.deepEqual(await late.next('resync'), { head: now + 501 });
	assert.deepEqual((await bob.get(`/activities?after=${now}&limit=1`)).json.items[0].seq, now + 1);
	await one.ask('hug');
	for (const live of [late, ahead, nothing]) await live.toldUpTo(now + 502);
	assert.deepEqual([nothing.seqs(), ahead.seqs()], [from(now + 1, now + 502), from(now + 1, now + 502)]);
	assert.deepEqual(late.seqs(), [now + 502]);
	// More than may wait for one client: what fits, then the word to read the rest.
	await Promise.all(from(1, 60).map(() => one.ask('message', { text: '\u0001'.repeat(4000) })));
	const heavy = await Live.join(server, bob, { after: now + 502 });
	assert.deepEqual(await heavy.next('resync'), { head: now + 562 });
	assert.deepEqual(heavy.seqs(), from(now + 503, now + 502 + heavy.seqs().length));
	endAll(one, late, ahead, nothing, heavy);
});

test('a session that ends, and a couple that parts, close their sockets at once', async () => {
	const [ada, bob] = await couple(server);
	const first = ada.token;
	const [one, two] = await joinAll([ada, { worker: 0 }], [ada, { worker: 1 }]);
	await ada.logIn();
	const [another, partner] = await joinAll([ada, { worker: 1 }], [bob, { worker: 0 }]);
	assert.equal((await call(server, 'POST', '/api/v1/logout', { body: {}, token: first })).status, 204);
	for (const live of [one, two]) {
		assert.deepEqual(await live.next('session'), { ended: true, reason: 'signed_out' });
		await live.closed();
		assert.ok(live.left, 'a stock client must not come back by itself');
	}
	assert.ok((await another.ask('hug')).ok);
	assert.equal((await bob.post('/logout-all')).status, 204);
	assert.deepEqual(await partner.next('session'), { ended: true, reason: 'signed_out' });
	await bob.logIn();
	const [again, here] = await joinAll([bob, { worker: 1 }], [bob, { worker: 0 }]);
	assert.equal((await bob.post('/couple/leave')).status, 204);
	for (const live of [another, again, here]) {
		assert.equal((await live.next('couple')).data.ended, true);
		assert.deepEqual(await live.next('session'), { ended: true, reason: 'parted' });
		await live.closed();
	}
	for (const m of [ada, bob]) {
		const live = await Live.open(server, m);
		assert.equal(live.refusal.message, 'unpaired');
		live.end();
	}
});

test('the oldest of twenty-one devices is signed out on its socket, too', async () => {
	const [ada] = await couple(server);
	const oldest = await Live.join(server, ada);
	for (let i = 0; i < 20; i++) await ada.logIn();
	assert.deepEqual(await oldest.next('session'), { ended: true, reason: 'signed_out' });
	oldest.end();
});

test('presence is that of all devices, wherever they are, and ends with the last', async () => {
	const [ada, bob] = await couple(server);
	const state = async () => (await bob.get('/couple')).json.users.find((u) => u.id === ada.id).presence;
	const partner = await Live.join(server, bob, { worker: 0 });
	const [one, two] = await joinAll([ada, { worker: 0 }], [ada, { worker: 1 }]);
	assert.deepEqual(await partner.next('presence').then((p) => [p.user_id, p.state]), [ada.id, 'online']);
	assert.equal(await state(), 'online');
	one.end();
	await two.ask('away');
	while ((await partner.next('presence')).state !== 'away');
	await two.ask('presence', { state: 'online' });
	while ((await partner.next('presence')).state !== 'online');
	// It lasts for longer than a lease while a device is there (a machine that stops for so long has it end and
	// begin again), and is over when none is.
	await sleep(3200);
	await until(async () => (await state()) === 'online', 'it did not last');
	two.end();
	while ((await partner.next('presence')).state !== 'offline');
	assert.equal(await state(), 'offline');
	endAll(partner);
});

test('a web process that is killed takes nothing with it but its sockets', async () => {
	const [ada, bob] = await couple(server);
	const [one, partner] = await joinAll([ada, { worker: 0 }], [bob, { worker: 1 }]);
	// It may have been there before the partner was, who then is not told but sees it in hello.
	await until(async () => (await bob.get('/couple')).json.users.find((u) => u.id === ada.id).presence === 'online', 'nobody is there');
	const { head } = partner.hello;
	const waiting = from(1, 20).map((n) => one.ask('message', { text: `${n}`, client_id: `k${n}` }).then(() => n, () => 0));
	const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
	process.kill(processes.find((p) => p.role === 'web' && p.instance === 0).pid, 'SIGKILL');
	await one.closed();
	const acknowledged = (await Promise.all(waiting)).filter((n) => n > 0).length;
	const { head: reached } = (await bob.get('/couple')).json;
	assert.ok(reached - head >= acknowledged);
	// What it had done and could not say any more is found.
	if (reached > head) await partner.toldUpTo(reached);
	assert.deepEqual(partner.seqs(), from(head + 1, reached));
	while ((await partner.next('presence')).state !== 'offline');
	const back = await Live.join(server, ada, { after: head });
	if (reached > head) await back.toldUpTo(reached);
	assert.deepEqual(back.seqs(), from(head + 1, reached));
	for (const n of from(1, 20)) await back.ask('message', { text: `${n}`, client_id: `k${n}` });
	await partner.toldUpTo(head + 20);
	assert.deepEqual(partner.events.filter(([name]) => name === 'activity').map(([, v]) => v.data.text).sort(), from(1, 20).map(String).sort());
	endAll(back, partner);
});

// These are about sockets, whatever the database is.
const SOCKETS = process.env.PLIMSOLL_TEST_ENGINE !== 'postgres';
if (SOCKETS) test('a client that does not read loses signals first, then its session; a server that ends says when to come back', async () => {
	const own = await startPairs({ conf: { web: { instances: 1 }, pairs: { ...FAST, queue_soft: '16k', queue_hard: '128k', drain: '800ms', ping_interval: '500ms', ping_timeout: '60s' } } });
	let isStopped = false;
	const counted = async (name) => Number(new RegExp(`^plimsoll_${name}\\{[^}]*\\} (\\d+)`, 'm').exec(await (await fetch(`${own.adminUrl}/metrics`)).text())[1]);
	try {
		const [ada, bob] = await couple(own);
		const [one, slow] = await Promise.all([Live.join(own, ada), Live.join(own, bob)]);
		slow.ws.raw.socket.pause();
		let last = slow.hello.head;
		for (const end = Date.now() + 20000 * PATIENCE; (await counted('realtime_closed_slow_total')) === 0; ) {
			assert.ok(Date.now() < end, 'it was not closed');
			const said = from(1, 20).map(() => (one.emit('typing', {}), one.ask('message', { text: '\u0001'.repeat(8000) })));
			last = (await Promise.all(said)).at(-1).seq;
		}
		assert.ok((await counted('realtime_packets_dropped_total')) > 0, 'no signal was dropped before');
		slow.ws.raw.socket.resume();
		await slow.closed();
		assert.match(slow.end_.message, /opcode 8: 03f5736c6f77/); // 1013, "slow"
		const seqs = slow.seqs();
		assert.deepEqual(seqs, from(slow.hello.head + 1, slow.hello.head + seqs.length));
		await until(async () => (await counted('realtime_session_bytes')) > 150, 'records of sessions are not counted');
		const back = await Live.join(own, bob, { after: seqs.at(-1) ?? slow.hello.head });
		await back.until(() => back.events.some(([name]) => name === 'resync') || back.seqs().at(-1) === last);
		endAll(one, back);

		const all = await Promise.all(from(1, 16).map((n) => Live.join(own, n % 2 ? ada : bob)));
		isStopped = true;
		const [ended, ...times] = await Promise.all([own.stop(), ...all.map(async (live) => {
			const { retry_ms: ms, reason } = await live.next('bye');
			assert.equal(reason, 'drain');
			await live.closed();
			assert.match(live.end_.message, /opcode 8: 03e9/); // 1001
			assert.ok(!live.left, 'a stock client would not come back');
			return ms;
		})]);
		assert.equal(ended.code, 0);
		assert.ok(times.every((ms) => ms >= 0 && ms <= 800) && new Set(times).size > 4, `${times}`);
	} finally {
		if (!isStopped) await own.stop();
	}
});

test('what is counted', async () => {
	await until(async () => (await metric('pairs_live_sessions')) === 0, 'sessions are still counted');
	await until(async () => (await metric('pairs_live_couples')) === 0, 'rooms are still kept');
	assert.ok((await metric('pairs_live_told_total')) > 500 && (await metric('pairs_live_replayed_total')) > 20);
	assert.ok((await metric('pairs_live_resyncs_total')) === 3 && (await metric('pairs_live_expelled_total')) >= 6);
});
