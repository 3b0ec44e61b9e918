// Web push: who is away is told by the browser's push service, encrypted for the browser, by a sender that can be
// checked; one push for all that was missed, none for who is there; and what push services answer is heeded.
import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../harness/client.mjs';
import { call, couple, Member, startPairs } from '../harness/pairs.mjs';
import { decrypt, PushService } from '../harness/push_service.mjs';
import { pidOf, restarted } from '../harness/roles.mjs';

let service;
let server;
let key;

before(async () => {
	service = await PushService.start();
	server = await startPairs({ conf: { identity: { test_doors: 'yes' }, pairs: { push_private: 'yes', push_contact: 'mailto:ops@example.org', push_ttl: '2h' } } });
	key = (await call(server, 'GET', '/api/v1/push/key')).json.key;
});
after(async () => {
	await server?.stop();
	service?.stop();
});

async function subscribe(member, browser, more = {}) {
	const answer = await member.post('/push/subscriptions', { ...browser.subscription, ...more });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.id;
}

const list = async (member) => (await member.get('/push/subscriptions')).json.items;
const say = async (member, words) => (await member.post('/messages', { text: words })).json.seq;
const rows = async () => {
	const page = await (await fetch(`${server.adminUrl}/metrics`)).text();
	return Object.fromEntries([...page.matchAll(/^plimsoll_(push_\w+_total)(?:\{[^}]*role="courier"[^}]*\})? (\d+)/gm)].map((m) => [m[1], Number(m[2])]));
};

test('the reader of this test agrees with the example of the standard', () => {
	const ecdh = createECDH('prime256v1');
	ecdh.setPrivateKey('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url');
	const body = Buffer.from('DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN', 'base64url');
	assert.equal(decrypt(body, ecdh, Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url')), 'When I grow up, I want to be a watermelon');
});

test('a push is for its browser only, says who sends it, and what happened', async () => {
	const [one, two] = await couple(server);
	const browser = service.browser();
	const other = service.browser();
	const id = await subscribe(two, browser);
	await subscribe(two, browser); // as pages do at each start
	const again = new Member(server, two.email);
	await again.logIn();
	await subscribe(again, other, { text: false });
	const seq = await say(one, 'dinner at eight');
	const push = await browser.next((p) => p.json.seq === seq);
	assert.deepEqual(push.json, { user_id: two.id, couple_id: one.couple, from_user_id: one.id, seq, event: 'activity', data: push.json.data, count: 1 });
	assert.equal(push.json.data.text, 'dinner at eight');
	assert.deepEqual([push.headers.ttl, push.headers.urgency, push.headers.topic], ['7200', 'high', 'missed']);
	assert.equal(push.headers['content-type'], 'application/octet-stream');
	assert.deepEqual([push.sender.key, push.sender.aud, push.sender.sub], [key, service.origin, 'mailto:ops@example.org']);
	const left = push.sender.exp - Date.now() / 1000;
	assert.ok(left > 3600 && left <= 24 * 3600, `${left} s`);
	// Without words where they are not wanted.
	const bare = await other.next((p) => p.json.seq === seq);
	assert.deepEqual(bare.json, { user_id: two.id, couple_id: one.couple, from_user_id: one.id, seq, event: 'activity', count: 1 });
	assert.notEqual(bare.hash, push.hash);
	const all = await list(two);
	assert.deepEqual(all.map((s) => [s.text, s.service, s.this_session]), [[true, '127.0.0.1', true], [false, '127.0.0.1', false]]);
	assert.equal(all[0].id, id);
	assert.equal(service.strays, 0);
});

test('a long message is told without its words', async () => {
	const [one, two] = await couple(server);
	const browser = service.browser();
	await subscribe(two, browser);
	const seq = await say(one, 'ö'.repeat(3000));
	assert.equal((await browser.next((p) => p.json.seq === seq)).json.data, undefined);
});

test('who is there is not told, nobody of his own doings, and nothing of read marks', async () => {
	const [one, two] = await couple(server);
	const [hers, his] = [service.browser(), service.browser()];
	await subscribe(one, hers);
	await subscribe(two, his);
	await two.post('/presence', { state: 'online' });
	await say(one, 'are you there?');
	await two.post('/presence', { state: 'away' });
	await one.post('/read', { up_to: 1 });
	const told = await say(one, 'no?');
	await his.next((p) => p.json.seq === told);
	assert.deepEqual(his.pushes.map((p) => p.json.seq), [told]);
	assert.equal(hers.pushes.length, 0);
});

test('many events in a row are one push when the service is slow', async () => {
	const [one, two] = await couple(server);
	const browser = service.browser();
	await subscribe(two, browser);
	let release;
	const hold = new Promise((resolve) => { release = resolve; });
	browser.answer = () => ({ status: 201, hold });
	const first = await say(one, '1');
	await browser.next((p) => p.json.seq === first);
	for (let i = 2; i <= 5; i++) await say(one, `${i}`);
	const last = await say(one, '6');
	browser.answer = () => ({ status: 201 });
	release();
	const push = await browser.next((p) => p.json.seq === last);
	assert.equal(browser.pushes.length, 2);
	assert.equal(push.json.count, 5, 'those behind the first');
});

test('a browser that is gone is forgotten, one that is refused for now is told when the service wants it', async () => {
	const [one, two] = await couple(server);
	const [gone, busy, calm] = [service.browser(), service.browser(), service.browser()];
	await subscribe(two, gone);
	for (const browser of [busy, calm]) {
		const again = new Member(server, two.email);
		await again.logIn();
		await subscribe(again, browser);
	}
	gone.answer = () => ({ status: 410 });
	let refusals = 0;
	busy.answer = () => (refusals++ === 0 ? { status: 429, headers: { 'retry-after': '600' } } : { status: 201 });
	const seq = await say(one, 'hello');
	for (const browser of [gone, busy, calm]) await browser.next((p) => p.json.seq === seq);
	for (let i = 0; (await list(two)).length !== 2; i++) assert.ok(i < 1000 && (await sleep(20), true), 'not forgotten');
	// The courier looks again, and the others are told; ten minutes are not over.
	const second = await say(one, 'still there?');
	await calm.next((p) => p.json.seq === second);
	assert.deepEqual([gone.pushes.length, busy.pushes.length], [1, 1]);
	const shifted = await new Client(server.url).post('/wsapi/test_set_time_offset', { ms: 601_000 });
	assert.equal(shifted.status, 200, shifted.text);
	const third = await say(one, 'and now?');
	const told = await busy.next((p) => p.json.seq === third);
	assert.equal(told.json.count, 3, 'for all that it was not told');
	const counted = await rows();
	assert.ok(counted.push_gone_total >= 1 && counted.push_retried_total >= 1 && counted.push_taken_total >= 5, JSON.stringify(counted));
});

test('a subscription ends with its session, and goes to who signs in on that browser', async () => {
	const [one, two] = await couple(server);
	const browser = service.browser();
	const kept = service.browser();
	await subscribe(two, browser);
	const again = new Member(server, two.email);
	await again.logIn();
	await subscribe(again, kept);
	assert.equal((await two.post('/logout')).status, 204);
	const seq = await say(one, 'who hears this?');
	await kept.next((p) => p.json.seq === seq);
	assert.equal(browser.pushes.length, 0);
	assert.equal((await list(again)).length, 1);
	await subscribe(one, kept); // now hers
	assert.deepEqual(await list(again), []);
	const back = (await again.post('/messages', { text: 'x' })).json.seq;
	await kept.next((p) => p.json.seq === back && p.json.user_id === one.id);
	const [mine] = await list(one);
	assert.equal((await again.delete(`/push/subscriptions/${mine.id}`)).status, 404);
	assert.equal((await one.delete(`/push/subscriptions/${mine.id}`)).status, 204);
	assert.equal((await one.delete(`/push/subscriptions/${mine.id}`)).status, 404);
});

test('what is no subscription is refused', async () => {
	const [one] = await couple(server);
	const { endpoint, keys } = service.browser().subscription;
	const point = Buffer.from(keys.p256dh, 'base64url');
	point[64] ^= 1;
	const bad = [
		{ endpoint: 'http://push.example.org/x' }, { endpoint: 'ftp://127.0.0.1/x' }, { endpoint: 'https://user@127.0.0.1/x' },
		{ endpoint: `https://127.0.0.1/${'x'.repeat(1000)}` }, { endpoint: 'https://127.0.0.1/a b' }, { endpoint: undefined },
		{ keys: { p256dh: keys.p256dh } }, { keys: { ...keys, auth: 'AAAA' } }, { keys: { ...keys, p256dh: point.toString('base64url') } },
		{ keys: undefined }, { keys: [] },
	];
	for (const change of bad) {
		const answer = await one.post('/push/subscriptions', { endpoint, keys, ...change });
		assert.equal(answer.status, 400, JSON.stringify(change));
	}
	assert.deepEqual(await list(one), []);
});

test('pushes outlive the courier and the signer; the key stays', async () => {
	const [one, two] = await couple(server);
	const browser = service.browser();
	await subscribe(two, browser);
	for (const role of ['courier', 'signer']) {
		const pid = await pidOf(server, role);
		process.kill(pid, 'SIGKILL');
		await restarted(server, role, pid);
	}
	const seq = await say(one, 'still here');
	const push = await browser.next((p) => p.json.seq === seq);
	assert.equal(push.sender.key, key);
	assert.equal((await call(server, 'GET', '/api/v1/push/key')).json.key, key);
});

test('where they may go is the operator’s to say; without a public address nothing goes out; push can be off', async () => {
	const [strict, off] = await Promise.all([
		startPairs({ conf: { pairs: { push_hosts: '*.push.example.org, fcm.googleapis.com, 127.0.0.1' } } }),
		startPairs({ conf: { pairs: { push: 'no' } } }),
	]);
	try {
		const { keys } = service.browser().subscription;
		const [[one, two], [member]] = await Promise.all([couple(strict), couple(off)]);
		const tried = [['https://fcm.googleapis.com/fcm/send/x', 201], ['https://a.push.example.org/x', 201], ['https://updates.push.services.mozilla.com/x', 400], ['http://127.0.0.1:1/x', 400], ['https://127.0.0.1:444/x', 400]];
		for (const [endpoint, status] of tried) assert.equal((await one.post('/push/subscriptions', { endpoint, keys })).status, status, endpoint);
		assert.equal((await two.post('/push/subscriptions', { endpoint: 'https://127.0.0.1/x', keys })).status, 201, 'a name tells nothing');
		await one.post('/hug');
		for (let i = 0; ; i++) {
			const page = await (await fetch(`${strict.adminUrl}/metrics`)).text();
			if (/push_refused_total(\{[^}]*\})? 1/.test(page)) break;
			assert.ok(i < 400, 'not refused');
			await sleep(50);
		}
		assert.equal((await call(off, 'GET', '/api/v1/push/key')).status, 404);
		assert.equal((await member.post('/push/subscriptions', { endpoint: 'https://push.example.org/x', keys })).status, 404);
	} finally {
		await Promise.all([strict.stop(), off.stop()]);
	}
});
