// The couples' REST API (realtime.md 1.4): signing up and in, pairing, the stream, messages, lists,
// calendar, read marks, presence, publishing; every status that it may answer.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { after, before } from 'node:test';
import { call, couple, mailTokens, Member, member, pairUp, PASSWORD, startPairs } from '../harness/pairs.mjs';

const KEY = 'key-of-the-app';
let server;
let ada;
let bob;

before(async () => {
	server = await startPairs({ conf: { pairs: { publish_key_sha256: createHash('sha256').update(KEY).digest('hex') } } });
	[ada, bob] = await couple(server);
});
after(() => server?.stop());

function refused(answer, status, code) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.error.code, code, answer.text);
	assert.equal(typeof answer.json.error.message, 'string');
	assert.match(answer.headers['content-type'], /^application\/json/);
}

const head = async (m) => (await m.get('/couple')).json.head;

test('a sign-up is answered alike whether or not the address has an account', async () => {
	const email = 'twice@example.org';
	const first = await new Member(server, email).post('/signup', { email, password: PASSWORD, first_name: 'T', idempotency_key: 'k1' });
	assert.equal(first.status, 202);
	assert.equal(first.json.state, 'unverified');
	const again = await new Member(server, email).post('/signup', { email, password: PASSWORD, idempotency_key: 'k1' });
	assert.deepEqual([again.status, again.json.user_id], [202, first.json.user_id], 'the same request once more');
	const [token] = await mailTokens(server, email, 'pairs-signup');
	refused(await call(server, 'POST', '/api/v1/login', { body: { email, password: PASSWORD } }), 403, 'unverified');
	refused(await call(server, 'POST', '/api/v1/login', { body: { email, password: 'wrong password' } }), 401, 'wrong_credentials');
	const signedIn = await new Member(server, email).post('/verify', { token });
	assert.equal(signedIn.json.couple, null);
	assert.match(signedIn.headers['set-cookie'][0], /^pairs_session=[^;]+; Path=\/; Max-Age=15552000; HttpOnly; SameSite=Strict$/);
	refused(await new Member(server, email).post('/verify', { token }), 410, 'gone');
	refused(await new Member(server, email).post('/verify', { token: 'x'.repeat(48) }), 400, 'bad_token');
	const known = await new Member(server, email).post('/signup', { email, password: PASSWORD });
	assert.deepEqual([known.status, Object.keys(known.json), known.json.state], [202, ['user_id', 'state', 'avatar_token'], 'unverified']);
	await mailTokens(server, email, 'pairs-known');
	for (const [body, status] of [
		[{ email: 'no address', password: PASSWORD }, 400], [{ email: 'a@b@c', password: PASSWORD }, 400],
		[{ email, password: 'short' }, 400], [{ email }, 400], [{ email, password: 7 }, 400],
	]) refused(await new Member(server, email).post('/signup', body), status, 'invalid');
});

test('the mail of a sign-up is sent again on demand, and nobody learns for whom', async () => {
	const email = 'again@example.org';
	await new Member(server, email).post('/signup', { email, password: PASSWORD });
	await mailTokens(server, email, 'pairs-signup');
	for (const to of [email, 'nobody@example.org', ada.email]) {
		assert.equal((await new Member(server, to).post('/verify/resend', { email: to })).status, 202);
	}
	const tokens = await mailTokens(server, email, 'pairs-signup', 2);
	assert.equal((await new Member(server, email).post('/verify', { token: tokens.at(-1) })).status, 200, 'the first one is good still');
});

test('a session is a bearer token or a cookie of the same origin, until it is ended', async () => {
	const m = await member(server, 'session@example.org');
	const cookie = `pairs_session=${m.token}`;
	const withCookie = (method, path, headers) => call(server, method, `/api/v1${path}`, { body: method === 'GET' ? undefined : {}, headers: { cookie, ...headers } });
	assert.equal((await withCookie('GET', '/me')).json.user.id, m.id);
	refused(await withCookie('POST', '/logout', { origin: 'https://evil.example' }), 401, 'unauthorized');
	assert.equal((await withCookie('GET', '/me')).status, 200);
	for (const token of [undefined, 'x', `${m.token}x`, 'y'.repeat(300)]) {
		refused(await call(server, 'GET', '/api/v1/me', { token }), 401, 'unauthorized');
	}
	const other = new Member(server, m.email);
	await other.logIn();
	assert.equal((await withCookie('POST', '/logout', { origin: server.pairsUrl })).status, 204);
	refused(await m.get('/me'), 401, 'unauthorized');
	assert.equal((await other.get('/me')).status, 200);
	await m.logIn();
	assert.equal((await other.post('/logout-all')).status, 204);
	refused(await other.get('/me'), 401, 'unauthorized');
	refused(await m.get('/me'), 401, 'unauthorized');
});

test('an account that guesses are made at is closed for a while', async () => {
	const m = await member(server, 'guessed@example.org');
	let last;
	for (let i = 0; i < 20 && last?.status !== 429; i++) {
		last = await call(server, 'POST', '/api/v1/login', { body: { email: m.email, password: `guess number ${i}` } });
		assert.ok([401, 429].includes(last.status), last.text);
	}
	refused(last, 429, 'locked');
	assert.ok(Number(last.headers['retry-after']) > 0);
});

test('two become a couple by an invitation, and part', async () => {
	const [one, two, three] = await Promise.all(['p1', 'p2', 'p3'].map((n) => member(server, `${n}@example.org`)));
	refused(await one.get('/couple'), 404, 'unpaired');
	await pairUp(server, one, two);
	const seen = (await one.get('/couple')).json;
	assert.deepEqual(seen.users.map((u) => [u.id, u.first_name]), [[one.id, 'p1'], [two.id, 'p2']]);
	assert.equal(seen.head, 1);
	refused(await one.post('/couple/invite', { email: three.email }), 409, 'already_paired');
	const [used] = await mailTokens(server, two.email, 'pairs-invite');
	refused(await three.post('/couple/accept', { token: used }), 404, 'not_found');
	refused(await two.post('/couple/accept', { token: used }), 410, 'gone');
	refused(await two.post('/couple/accept', { token: 'none' }), 404, 'not_found');
	await three.post('/couple/invite', { email: two.email });
	const [late] = await mailTokens(server, two.email, 'pairs-invite', 2);
	refused(await two.post('/couple/accept', { token: late }), 409, 'already_paired');
	assert.equal((await two.post('/couple/leave')).status, 204);
	for (const m of [one, two]) {
		refused(await m.get('/activities'), 404, 'unpaired');
		assert.equal((await m.get('/me')).json.couple, null);
	}
	assert.equal((await two.post('/couple/accept', { token: late })).status, 200);
});

test('what happens has numbers without gaps, and is read behind any of them', async () => {
	const [one, two] = await couple(server);
	const seqs = [];
	for (let i = 0; i < 6; i++) {
		const sent = await (i % 2 ? one : two).post('/messages', { text: `m${i}` });
		assert.equal(sent.status, 201, sent.text);
		seqs.push(sent.json.seq);
	}
	assert.deepEqual(seqs, [2, 3, 4, 5, 6, 7]);
	const page = (await one.get('/activities?after=2&limit=3')).json;
	assert.deepEqual(page.items.map((i) => i.seq), [3, 4, 5]);
	assert.deepEqual([page.next, page.head], [5, 7]);
	assert.equal((await one.get('/activities?after=5')).json.next, null);
	assert.deepEqual((await two.get('/activities?before=4')).json.items.map((i) => i.event), ['activity', 'activity', 'couple']);
	assert.deepEqual((await two.get('/activities')).json.items.map((i) => i.seq), [7, 6, 5, 4, 3, 2, 1]);
	for (const query of ['after=1&before=3', 'after=x', 'after=-1', 'limit=201', 'limit=0']) {
		refused(await one.get(`/activities?${query}`), 400, 'invalid');
	}
	const [last] = (await one.get('/activities?limit=1')).json.items;
	assert.deepEqual([last.user_id, last.data.type, last.data.text], [one.id, 'message', 'm5']);
	refused(await two.delete(`/activities/${last.data.id}`), 403, 'not_own');
	assert.equal((await one.delete(`/activities/${last.data.id}`)).status, 204);
	refused(await one.delete(`/activities/${last.data.id}`), 404, 'not_found');
	const after = (await two.get('/activities?after=6')).json.items;
	assert.deepEqual(after.map((i) => [i.seq, i.event, i.data.deleted ?? i.data.id]), [[7, 'activity', true], [8, 'activity.deleted', last.data.id]]);
});

test('many at once: one number each', async () => {
	const [one, two] = await couple(server);
	const all = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? one : two).post('/messages', { text: `${i}`, client_id: `c${i >> 2}` })));
	assert.ok(all.every((a) => a.status === 201));
	// Two members, ten names each for two messages of theirs.
	assert.equal(new Set(all.map((a) => a.json.seq)).size, 20);
	const items = (await one.get('/activities?after=0')).json.items;
	assert.deepEqual(items.map((i) => i.seq), Array.from({ length: 21 }, (_, i) => i + 1));
});

test('a message has 8 KiB at most, and is said once however often it is sent', async () => {
	const text = 'é'.repeat(4096);
	assert.equal((await ada.post('/messages', { text })).json.data.text, text);
	refused(await ada.post('/messages', { text: `${text}x` }), 413, 'too_large');
	refused(await ada.post('/messages', { text: '' }), 400, 'invalid');
	refused(await ada.post('/messages', {}), 400, 'invalid');
	refused(await ada.request('POST', '/messages', 'not json', { 'content-type': 'application/json' }), 400, 'malformed');
	refused(await ada.request('POST', '/messages', '<x/>', { 'content-type': 'text/xml' }), 400, 'malformed');
	const form = await ada.request('POST', '/messages', 'text=by+form', { 'content-type': 'application/x-www-form-urlencoded' });
	assert.equal(form.json.data.text, 'by form');
	const first = await bob.post('/messages', { text: 'once', client_id: 'id' });
	const second = await bob.post('/messages', { text: 'once', client_id: 'id' });
	assert.deepEqual(second.json, first.json);
	refused(await bob.post('/hug', { client_id: 'id' }).then((a) => (a.status === 201 ? bob.post('/lists', { name: 'x', client_id: 'id' }) : a)), 409, 'client_id_used');
});

test('hugs and kisses', async () => {
	assert.equal((await ada.post('/hug')).json.data.type, 'hug');
	const points = [{ x: 0, y: 1, rotation: 45 }, { x: 0.5, y: 0.25 }];
	assert.deepEqual((await ada.post('/kiss', { points })).json.data.points, points);
	for (const bad of [[], [{ x: 2, y: 0 }], [{ x: 0 }], [{ x: '0', y: 0 }], Array(21).fill({ x: 0, y: 0 }), {}]) {
		refused(await ada.post('/kiss', { points: bad }), 400, 'invalid');
	}
});

test('a list is changed by both, with versions', async () => {
	const made = await ada.post('/lists', { name: 'Shopping' });
	assert.equal(made.status, 201);
	const list = `/lists/${made.json.data.id}`;
	const items = [];
	for (const text of ['milk', 'bread', 'salt']) items.push((await bob.post(`${list}/items`, { text })).json.data.item.id);
	const order = async () => (await ada.get(list)).json.items.map((i) => i.text);
	assert.deepEqual(await order(), ['milk', 'bread', 'salt']);
	const moved = await ada.patch(`${list}/items/${items[2]}`, { index: 0, complete: true });
	assert.equal(moved.status, 200, moved.text);
	assert.deepEqual(await order(), ['salt', 'milk', 'bread']);
	assert.equal(moved.json.data.version, 5);
	refused(await bob.patch(`${list}/items/${items[0]}`, { text: 'oat milk', if_version: 4 }), 409, 'stale_version');
	assert.equal((await bob.patch(`${list}/items/${items[0]}`, { text: 'oat milk', if_version: 5 })).status, 200);
	refused(await ada.patch(`${list}/items/${items[0]}`, { index: 3 }), 400, 'out_of_range');
	refused(await ada.patch(`${list}/items/${items[0]}`, {}), 400, 'invalid');
	refused(await ada.patch(list, { name: 'x', if_version: 1 }), 409, 'stale_version');
	assert.equal((await ada.patch(list, { name: 'Food' })).json.data.name, 'Food');
	assert.equal((await ada.delete(`${list}/items/${items[1]}`)).status, 204);
	assert.deepEqual(await order(), ['salt', 'oat milk']);
	assert.deepEqual((await bob.get('/lists')).json.lists.map((l) => [l.name, l.version]), [['Food', 8]]);
	refused(await ada.delete(`${list}?if_version=1`), 409, 'stale_version');
	assert.equal((await ada.delete(list)).status, 204);
	refused(await ada.get(list), 404, 'not_found');
	refused(await ada.get('/lists/99999999999999999999'), 404, 'not_found');
	refused(await ada.get('/lists/x'), 404, 'not_found');
});

test('a calendar', async () => {
	const event = { title: 'Dinner', start: 1_800_000_000_000, end: 1_800_003_600_000, place: 'Home', rrule: 'FREQ=WEEKLY', reminders: [{ minutes: 30 }] };
	const made = await ada.post('/calendar', event);
	assert.equal(made.status, 201, made.text);
	const { id } = made.json.data;
	assert.equal((await bob.patch(`/calendar/${id}`, { place: 'Out', if_version: 1 })).json.data.version, 2);
	refused(await bob.patch(`/calendar/${id}`, { place: 'Out', if_version: 1 }), 409, 'stale_version');
	refused(await ada.post('/calendar', { ...event, end: 1 }), 400, 'invalid');
	refused(await ada.post('/calendar', { title: 'x' }), 400, 'invalid');
	assert.deepEqual((await ada.get('/calendar')).json.events.map(({ title, start, end, place, rrule, reminders }) => ({ title, start, end, place, rrule, reminders })), [{ ...event, place: 'Out' }]);
	assert.equal((await ada.delete(`/calendar/${id}`)).status, 204);
	refused(await ada.delete(`/calendar/${id}`), 404, 'not_found');
});

test('read marks, names and presence are seen by the partner', async () => {
	const now = await head(ada);
	assert.equal((await ada.post('/read', { up_to: now })).status, 204);
	assert.equal((await ada.post('/read', { up_to: 1 })).status, 204, 'never back');
	assert.equal(await head(ada), now + 1, 'one event');
	refused(await ada.post('/read', { up_to: now + 100 }), 400, 'out_of_range');
	const edited = await ada.patch('/me', { first_name: 'Ada', options: { quiet: true } });
	assert.equal(edited.status, 200, edited.text);
	refused(await ada.patch('/me', {}), 400, 'invalid');
	assert.equal((await ada.post('/presence', { state: 'away' })).json.state, 'away');
	const seen = (await bob.get('/couple')).json.users.find((u) => u.id === ada.id);
	assert.deepEqual([seen.first_name, seen.options, seen.read_seq, seen.presence], ['Ada', { quiet: true }, now, 'away']);
	await ada.post('/presence', { state: 'offline' });
	assert.equal((await bob.get('/couple')).json.users.find((u) => u.id === ada.id).presence, 'offline');
	refused(await ada.post('/presence', { state: 'dancing' }), 400, 'invalid');
	assert.equal((await ada.post('/typing')).status, 204);
});

test('presence is a lease: it ends by itself', async () => {
	const own = await startPairs({ conf: { pairs: { presence_lease: '1s' } } });
	try {
		const [one, two] = await couple(own);
		const { until } = (await one.post('/presence', { state: 'online' })).json;
		const state = async () => (await two.get('/couple')).json.users.find((u) => u.id === one.id).presence;
		for (let seen = await state(); seen !== 'offline'; seen = await state()) assert.equal(seen, 'online');
		assert.ok(Date.now() >= until);
	} finally {
		await own.stop();
	}
});

test('the app’s own server publishes to a couple by its key', async () => {
	const publish = (body, token = KEY) => call(server, 'POST', '/api/v1/publish', { body, token });
	const said = await publish({ couple: ada.couple, data: { offer: 1 }, client_id: 'p' });
	assert.equal(said.status, 201, said.text);
	assert.deepEqual([said.json.user_id, said.json.data.type, said.json.data.data], ['0', 'app', { offer: 1 }]);
	assert.deepEqual((await publish({ couple: ada.couple, data: { offer: 1 }, client_id: 'p' })).json, said.json);
	refused(await publish({ couple: '1', data: {} }), 404, 'not_found');
	refused(await publish({ couple: 'x', data: {} }), 400, 'invalid');
	refused(await publish({ couple: ada.couple, data: {} }, ada.token), 401, 'unauthorized');
	refused(await publish({ couple: ada.couple, data: {} }, 'another'), 401, 'unauthorized');
	assert.equal((await bob.get('/activities?limit=1')).json.items[0].seq, said.json.seq);
});
