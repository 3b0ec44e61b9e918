// Only the two members ever see anything: every call of the OpenAPI document, made with what belongs
// to another couple, by another couple, by somebody without a partner and by nobody. The cases are
// made from the document, so a call that is added is tested by being in it; and the document is held
// against what the server does. The same for the events that calls may come as (x-event).
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { call, couple, member, startPairs } from '../harness/pairs.mjs';
import { halves } from '../harness/pictures.mjs';
import { Live } from './lib/live.mjs';

// Of the example of RFC 8291.
const PUSH_KEYS = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };

let server;
let document;
let owners; // a couple that has one of everything
let others;
let alone;
let things; // by the path's first word: { id, item }
let avatarToken; // of a sign-up
const PICTURE = halves(16, 16);

before(async () => {
	server = await startPairs();
	document = (await call(server, 'GET', '/api/v1/openapi.json')).json;
	[owners, others, alone] = await Promise.all([couple(server), couple(server), member(server, 'alone@example.org')]);
	things = await makeThings(owners[0]);
});
after(() => server?.stop());

async function makeThings(m) {
	const made = async (path, body) => {
		const answer = await m.post(path, body);
		assert.equal(answer.status, 201, answer.text);
		return answer.json.data;
	};
	const { id } = (await m.upload(PICTURE)).json;
	assert.equal((await m.picture(id)).state, 'ready');
	avatarToken = (await m.post('/signup', { email: 'soon@example.org', password: 'correct horse' })).json.avatar_token;
	const list = (await made('/lists', { name: 'ours' })).id;
	const push = await m.post('/push/subscriptions', { endpoint: 'https://push.example.org/x', keys: PUSH_KEYS });
	assert.equal(push.status, 201, push.text);
	return {
		push: { id: push.json.id },
		activities: { id: (await made('/messages', { text: 'for us alone' })).id },
		lists: { id: list, item: (await made(`/lists/${list}/items`, { text: 'ours' })).item.id },
		media: { id, size: 'tiny' },
		calendar: { id: (await made('/calendar', { title: 'ours', start: 1, end: 2 })).id },
	};
}

const calls = () => Object.entries(document.paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, about]) => ({ path, method: method.toUpperCase(), about })));

// The path with the numbers of what the owners have; null: it names nothing.
function ofOwners(path) {
	const names = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
	if (names.length === 0) return null;
	const thing = things[path.split('/')[3]];
	assert.ok(thing, `${path}: a test has to make one of these`);
	return names.reduce((text, name) => text.replace(`{${name}}`, thing[name]), path);
}

// A body that the call's fields allow.
const EXAMPLES = { points: [{ x: 0.5, y: 0.5 }], data: {}, media_id: '0', options: {}, reminders: [], state: 'online', end: 2, couple: '1', endpoint: 'https://push.example.org/y', keys: PUSH_KEYS };
function bodyOf(about, { required = false } = {}) {
	if (about.requestBody?.content['image/*']) return PICTURE;
	const schema = about.requestBody?.content['application/json'].schema;
	if (!schema) return undefined;
	const value = (name, field) => EXAMPLES[name] ?? { string: 'x'.repeat(Math.max(1, field.minLength ?? 1)), integer: field.minimum, boolean: true }[field.type];
	const names = Object.keys(schema.properties).filter((n) => n !== 'if_version' && n !== 'client_id' && n !== 'index');
	return Object.fromEntries(names.filter((n) => !required || schema.required.includes(n)).map((n) => [n, value(n, schema.properties[n])]));
}

async function everything(m) {
	const paths = ['/activities?after=0', '/lists', '/calendar', '/couple', `/lists/${things.lists.id}`, '/media', `/media/${things.media.id}`];
	// Presence comes and goes by itself.
	return Promise.all(paths.map(async (p) => (await m.get(p)).text.replaceAll(/"presence":"\w+"/g, '')));
}

test('the document has a call for every row, and says of each who may make it', () => {
	const ids = calls().map((c) => c.about.operationId);
	assert.equal(new Set(ids).size, ids.length);
	assert.ok(ids.length >= 34, `${ids.length}`);
	for (const { about } of calls()) {
		assert.ok(['anybody', 'member', 'couple', 'server'].includes(about['x-who']), about.operationId);
		assert.ok(about.summary.length > 5 && Object.keys(about.responses).length > 0);
	}
});

test('nobody without a token gets in', async () => {
	for (const { path, method, about } of calls()) {
		if (about['x-who'] === 'anybody') continue;
		for (const token of [undefined, 'x'.repeat(43)]) {
			const answer = await call(server, method, ofOwners(path) ?? path, { body: bodyOf(about), token });
			assert.deepEqual([answer.status, answer.json?.error?.code], [401, 'unauthorized'], `${method} ${path}`);
			assert.ok(about.responses[401], `${method} ${path}: 401 is in the document`);
		}
	}
});

test('who has no partner finds nothing', async () => {
	let tried = 0;
	for (const { path, method, about } of calls()) {
		if (about['x-who'] !== 'couple') continue;
		const answer = await call(server, method, ofOwners(path) ?? path, { body: bodyOf(about), token: alone.token });
		assert.equal(answer.status, 404, `${method} ${path}: ${answer.text}`);
		assert.ok(about.responses[404], `${method} ${path}: 404 is in the document`);
		tried++;
	}
	assert.ok(tried >= 20);
});

test('another couple’s number is 404, whatever the call, and changes nothing', async () => {
	const before = await everything(owners[0]);
	let tried = 0;
	for (const { path, method, about } of calls()) {
		const target = ofOwners(path);
		if (!target) continue;
		for (const stranger of others) {
			const answer = await call(server, method, target, { body: bodyOf(about), token: stranger.token });
			assert.deepEqual([answer.status, answer.json?.error?.code], [404, 'not_found'], `${method} ${path}: ${answer.text}`);
			tried++;
		}
	}
	assert.ok(tried >= 18, `${tried}`);
	assert.deepEqual(await everything(owners[0]), before);
	// The very same calls are no mistake: their owner may make them.
	assert.equal((await owners[0].get(`/lists/${things.lists.id}`)).status, 200);
});

test('another couple’s number in an event is not found, and nobody hears anything', async () => {
	const before = await everything(owners[0]);
	const [listener, partner] = await Promise.all(owners.map((m) => Live.join(server, m)));
	const strangers = await Promise.all(others.map((m) => Live.join(server, m)));
	let tried = 0;
	for (const { path, about } of calls().filter((c) => c.about['x-event'])) {
		const name = about['x-event'];
		const thing = ofOwners(path) ? things[path.split('/')[3]] : undefined;
		// Whatever else an event might name a couple by is nobody's business.
		const body = { ...bodyOf(about), ...thing, couple: owners[0].couple, couple_id: owners[0].couple, user_id: owners[0].id, room: owners[0].couple };
		for (const stranger of strangers) {
			const ack = await stranger.ask(name, body);
			if (thing) assert.deepEqual([ack.error?.code, JSON.stringify(ack).includes('ours')], ['not_found', false], `${name}: ${JSON.stringify(ack)}`);
			else assert.ok(ack.ok || ack.error.code === 'out_of_range', `${name}: ${JSON.stringify(ack)}`);
			tried++;
		}
	}
	assert.ok(tried >= 30, `${tried}`);
	assert.deepEqual(await everything(owners[0]), before);
	// What the strangers did was told to them alone: the next that the owners hear is their own.
	const { seq } = await listener.ask('hug');
	assert.equal((await partner.next('activity')).seq, seq);
	assert.deepEqual([listener.seqs(), partner.seqs(), seq], [[], [seq], listener.hello.head + 1]);
	for (const live of [listener, partner]) {
		const names = live.events.map(([name, value]) => [name, value.user_id]);
		assert.ok(names.every(([, user]) => owners.some((m) => m.id === user)), JSON.stringify(names));
	}
	for (const stranger of strangers) {
		const text = JSON.stringify([stranger.hello, stranger.events]);
		for (const word of ['for us alone', owners[0].couple, owners[0].id, owners[1].id]) assert.ok(!text.includes(word), text);
	}
	[listener, partner, ...strangers].forEach((live) => live.end());
});

test('a namespace, a room or a number in the place of a token opens nothing', async () => {
	const [one] = owners;
	for (const auth of [{ couple: one.couple }, { token: one.couple }, { token: one.id }, { token: others[0].token, couple: one.couple, room: one.couple, after: 0 }, { token: others[0].token, after: 1 }]) {
		const live = await Live.open(server, one, { auth });
		if (live.refusal) assert.equal(live.refusal.message, 'unauthorized');
		else await live.toldUpTo(live.hello.head);
		const text = JSON.stringify([live.hello, live.events, live.refusal]);
		for (const word of ['for us alone', one.couple, one.id, owners[1].id]) assert.ok(!text.includes(word), text);
		live.end();
	}
});

test('nothing that a stranger reads has a word of the couple', async () => {
	for (const { path, method, about } of calls()) {
		if (method !== 'GET' || about['x-who'] === 'anybody') continue;
		for (const m of [...others, alone]) {
			const { text } = await call(server, method, ofOwners(path) ?? path, { token: m.token });
			for (const word of ['for us alone', 'ours', owners[0].couple, owners[0].id, owners[1].id]) {
				assert.ok(!text.includes(word), `${path}: ${text}`);
			}
		}
	}
});

test('every status that a call answers with is in its document', async () => {
	const seen = new Map();
	const note = (c, answer) => {
		assert.ok(c.about.responses[answer.status], `${c.method} ${c.path}: ${answer.status} ${answer.text}`);
		seen.set(c.about.operationId, (seen.get(c.about.operationId) ?? new Set()).add(answer.status));
	};
	const last = ['pairs.delete_item', 'pairs.delete_list', 'pairs.delete_event', 'pairs.delete_activity', 'pairs.delete_media', 'pairs.delete_push', 'pairs.log_out', 'pairs.leave', 'pairs.log_out_all'];
	const sorted = calls().sort((a, b) => last.indexOf(a.about.operationId) - last.indexOf(b.about.operationId));
	const [one, two] = owners;
	for (const c of sorted) {
		const path = ofOwners(c.path) ?? c.path;
		const schema = c.about.requestBody?.content['application/json']?.schema;
		// Ends a session, so it is made with one of its own.
		const token = /log_out/.test(c.about.operationId) ? (await two.logIn(), two.token) : /signup_avatar/.test(c.about.operationId) ? avatarToken : one.token;
		for (const name of schema?.required ?? []) {
			const body = bodyOf(c.about);
			delete body[name];
			const answer = await call(server, c.method, path, { body, token: one.token });
			note(c, answer);
			assert.ok([400, 401].includes(answer.status), `${c.about.operationId} without ${name}: ${answer.text}`);
		}
		for (const [name, field] of Object.entries(schema?.properties ?? {})) {
			if (field.maxLength === undefined) continue;
			const answer = await call(server, c.method, path, { body: { ...bodyOf(c.about), [name]: 'x'.repeat(field.maxLength + 1) }, token: one.token });
			note(c, answer);
			assert.ok([400, 401, 413].includes(answer.status), `${c.about.operationId} with a long ${name}: ${answer.text}`);
		}
		note(c, await call(server, c.method, path, { body: bodyOf(c.about), token }));
		if (c.about.operationId === 'pairs.log_out_all') break;
	}
	// The right call of a member succeeds, but for those that need a mail's token or the app's key.
	const needsMore = ['pairs.verify', 'pairs.accept', 'pairs.publish', 'pairs.sign_up', 'pairs.resend', 'pairs.log_in', 'pairs.invite'];
	for (const { about } of calls()) {
		if (needsMore.includes(about.operationId)) continue;
		const good = [...(seen.get(about.operationId) ?? [])].some((s) => s < 300);
		assert.ok(good, `${about.operationId}: ${[...(seen.get(about.operationId) ?? [])]}`);
	}
});

test('paths and methods that are none', async () => {
	for (const path of ['/api/v1/', '/api/v1/nothing', '/api/v2/me', '/nothing', '/pairs/nothing.js', '/api/v1/lists/1/2']) {
		const answer = await call(server, 'GET', path, { token: alone.token });
		assert.deepEqual([answer.status, answer.json?.error?.code], [404, 'not_found'], path);
	}
	const answer = await call(server, 'PUT', '/api/v1/me', { body: {}, token: alone.token });
	assert.deepEqual([answer.status, answer.json?.error?.code], [405, 'method_not_allowed']);
	assert.match(answer.headers.allow ?? 'GET', /GET/);
});
