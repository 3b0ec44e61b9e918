// Random operations of several users on SQLite, on PostgreSQL and on a model: equal answers.
// SYNC_RANDOM_OPS (600; make soak takes 100,000) and SYNC_RANDOM_SEED (printed) repeat a run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { sharedPostgres } from '../harness/postgres.mjs';
import { hundredths, SECRET, SyncUser } from '../harness/sync_client.mjs';
import { Model } from './lib/sync_model.mjs';

const OPS = Number(process.env.SYNC_RANDOM_OPS ?? 600);
const SEED = Number(process.env.SYNC_RANDOM_SEED ?? 1 + (Date.now() % 1e9));
const USERS = 4;
const OPEN_BATCHES = 20;
const PATIENCE_MS = 300_000; // of Firefox, too
const REFUSALS_MAX = 5 + OPS / 200; // on a machine whose disk or database stands still for seconds
let refusals = 0;
const COLLECTIONS = ['bookmarks', 'history', 'own.name-1'];
const IDS = Array.from({ length: 24 }, (_, i) => `id ${i}/~`);

let state = SEED >>> 0;
function below(n) { // mulberry32
	state = (state + 0x6d2b79f5) >>> 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) % n;
}
const pick = (list) => list[below(list.length)];
const chance = (n) => below(n) === 0;
const path = (name, id) => `/storage/${name}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

// One user: the model and a client on each engine, whose times are mapped to the model's.
class Subject {
	constructor(servers, uid) {
		this.model = new Model();
		const expires = Math.floor(Date.now() / 1000) + 86400;
		this.sides = servers.map((server) => ({ user: Object.assign(new SyncUser(server, uid, { expires }), { patienceMs: PATIENCE_MS }), texts: ['0.00'], known: new Map([[0, 0]]), batches: [] }));
	}

	// The times in an answer as numbers of the model; a time that was never told fails.
	plain(side, value) {
		const at = side.known.get(Number(value));
		assert.ok(at !== undefined, `a time that was never told: ${value}`);
		return at;
	}

	// Asks one of the servers. Refused for now, it comes again when it was told to, as a browser would; and a write only if
	// nothing of it was done.
	async ask(side, method, target, options) {
		for (;;) {
			const answer = await side.user.request(method, target, options);
			if (answer.status !== 503) return answer;
			const after = Number(answer.headers['retry-after']);
			assert.ok(after > 0, `a 503 that does not say when to come again: ${answer.text}`);
			assert.ok(++refusals <= REFUSALS_MAX, `${refusals} refusals`);
			await sleep(after * 1000);
			if (method !== 'GET') assert.equal(this.plain(side, (await this.ask(side, 'GET', '/info/collections')).headers['x-last-modified']), this.model.storage);
		}
	}

	async both(method, target, { body, headers = () => ({}), query = () => '' } = {}) {
		return Promise.all(this.sides.map((side) => this.ask(side, method, target + query(side), {
			body, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers(side) },
		})));
	}

	// Both answers have that status; a new time is told by both and later than all before.
	expect(answers, status, { last, isNew = false, body } = {}) {
		answers.forEach((answer, i) => {
			const side = this.sides[i];
			assert.equal(answer.status, status, `${i}: ${answer.text}`);
			if (isNew) {
				const text = answer.headers['x-weave-timestamp'];
				assert.equal(side.texts.length, this.model.last);
				assert.ok(hundredths(text) > hundredths(side.texts.at(-1)), 'stamps rise');
				side.known.set(Number(text), side.texts.length);
				side.texts.push(text);
			}
			if (last !== undefined) assert.equal(this.plain(side, answer.headers['x-last-modified']), last);
			if (body !== undefined) assert.deepEqual(body(answer, side), body.expected);
		});
	}
}

function expectBody(expected, body = (answer) => answer.json) {
	return Object.assign(body, { expected });
}

// A condition of a write or read: what is sent and whether it holds against the resource's time.
function condition(s, name, id, time = s.model.time(name, id)) {
	if (!chance(3)) return { headers: () => ({}), holds: true };
	const since = chance(2) ? time : below(s.model.last + 1);
	return { headers: (side) => ({ 'X-If-Unmodified-Since': side.texts[since] }), holds: time <= since, time };
}

function randomRecord(id) {
	const r = { id };
	if (!chance(3)) r.payload = `p${below(1000)}`.padEnd(below(60), 'é');
	if (chance(4)) r.sortindex = below(20) - 10;
	if (chance(8)) r.ttl = pick([0, 1000, 999999999, null]);
	if (chance(12)) r.payload = null;
	return r;
}

function randomRecords() {
	const ids = new Set(Array.from({ length: below(9) }, () => pick(IDS)));
	return [...ids].map(randomRecord);
}

const wrong = () => pick([{ id: 'bad', payload: 1 }, { id: 'odd', x: 1 }, { id: 'é' }]);

async function put(s) {
	const [name, id] = [pick(COLLECTIONS), pick(IDS)];
	const when = condition(s, name, id);
	const { id: _, ...record } = randomRecord(id);
	const answers = await s.both('PUT', path(name, id), { body: record, headers: when.headers });
	if (!when.holds) return s.expect(answers, 412, { last: when.time });
	const t = s.model.apply(name, [{ id, ...record }], false);
	s.expect(answers, 200, { isNew: true, last: t, body: expectBody(t, (a, side) => s.plain(side, a.text)) });
}

async function post(s) {
	const name = pick(COLLECTIONS);
	const when = condition(s, name);
	const records = randomRecords();
	const bad = chance(4) ? [wrong()] : [];
	const answers = await s.both('POST', path(name), { body: [...bad, ...records], headers: when.headers, query: () => pick(['', '?batch=true&commit=true']) });
	if (!when.holds) return s.expect(answers, 412, { last: when.time });
	const t = s.model.apply(name, records, false);
	s.expect(answers, 200, { isNew: true, last: t, body: expectBody([records.map((r) => r.id), bad.map((r) => r.id)], (a) => [a.json.success, Object.keys(a.json.failed)]) });
}

async function batch(s) {
	// A user has so many uploads open at a time at most; in a long run those that nobody commits would reach it.
	const isMany = s.model.batches.filter((b) => !b.closed).length >= OPEN_BATCHES;
	const open = isMany ? s.model.batches.find((b) => !b.closed) : chance(2) ? undefined : pick(s.model.batches);
	const name = open?.collection ?? pick(COLLECTIONS);
	const commits = open !== undefined && (isMany || chance(2));
	const when = condition(s, name);
	const records = randomRecords();
	const query = (side) => `?batch=${open ? side.batches[open.n] : 'true'}${commits ? '&commit=true' : ''}`;
	const answers = await s.both('POST', path(name), { body: records, headers: when.headers, query });
	if (!when.holds) return s.expect(answers, 412, { last: when.time });
	if (open?.closed) return s.expect(answers, 400, { body: expectBody(0) });
	if (commits) {
		s.model.batches[open.n].closed = true;
		const t = s.model.apply(name, [...open.records, ...records], true);
		return s.expect(answers, 200, { isNew: true, last: t });
	}
	s.expect(answers, 202, { last: s.model.time(name) });
	if (open) open.records.push(...records);
	else {
		s.model.batches.push({ n: s.model.batches.length, collection: name, records: [...records] });
		answers.forEach((a, i) => s.sides[i].batches.push(a.json.batch));
	}
}

async function remove(s) {
	const name = pick(COLLECTIONS);
	if (chance(40)) {
		const answers = await s.both('DELETE', pick(['', '/storage']));
		s.model.deleteAll();
		return s.expect(answers, 200, { isNew: true });
	}
	if (chance(4)) {
		const when = condition(s, name);
		const answers = await s.both('DELETE', path(name), { headers: when.headers });
		if (!when.holds) return s.expect(answers, 412, { last: when.time });
		const isNew = s.model.collections.has(name);
		return s.expect(answers, 200, { last: s.model.deleteCollection(name), isNew });
	}
	if (chance(2)) {
		const ids = Array.from({ length: 1 + below(4) }, () => pick(IDS));
		const answers = await s.both('DELETE', `${path(name)}?ids=${ids.map(encodeURIComponent).join(',')}`);
		const isNew = s.model.collections.has(name);
		return s.expect(answers, 200, { last: isNew ? s.model.deleteIds(name, ids) : s.model.storage, isNew });
	}
	const id = pick(IDS);
	const when = condition(s, name, id);
	const answers = await s.both('DELETE', path(name, id), { headers: when.headers });
	if (!when.holds) return s.expect(answers, 412, { last: when.time });
	if (!s.model.collections.get(name)?.items.has(id)) return s.expect(answers, 404, { body: expectBody(0) });
	s.expect(answers, 200, { last: s.model.deleteIds(name, [id]), isNew: true });
}

const shown = (s, side, r) => ({ ...r, modified: s.plain(side, r.modified) });
const expected = ({ dies, ...r }) => ({ ...r, payload: r.payload });

async function getItem(s) {
	const [name, id] = [pick(COLLECTIONS), pick(IDS)];
	const answers = await s.both('GET', path(name, id));
	const item = s.model.collections.get(name)?.items.get(id);
	if (!item) return s.expect(answers, 404, { body: expectBody(0) });
	s.expect(answers, 200, { last: item.modified, body: expectBody(expected({ id, ...item }), (a, side) => shown(s, side, a.json)) });
}

async function getList(s) {
	const name = pick(COLLECTIONS);
	const p = { sort: pick(['newest', 'oldest', 'index']) };
	if (chance(2)) p.newer = below(s.model.last + 1);
	if (chance(4)) p.older = below(s.model.last + 1);
	if (chance(4)) p.ids = Array.from({ length: 1 + below(12) }, () => pick(IDS));
	const full = chance(2);
	const limit = chance(2) ? 1 + below(6) : undefined;
	const want = s.model.list(name, p);
	await Promise.all(s.sides.map(async (side) => {
		const query = new URLSearchParams({ sort: p.sort });
		if (p.newer !== undefined) query.set('newer', side.texts[p.newer]);
		if (p.older !== undefined) query.set('older', side.texts[p.older]);
		if (p.ids) query.set('ids', p.ids.join(','));
		if (full) query.set('full', '1');
		if (limit) query.set('limit', limit);
		const seen = [];
		for (let offset = ''; offset !== undefined;) {
			const page = await s.ask(side, 'GET', `${path(name)}?${query}${offset && `&offset=${offset}`}`);
			assert.equal(page.status, 200, page.text);
			assert.equal(s.plain(side, page.headers['x-last-modified']), s.model.time(name));
			assert.equal(Number(page.headers['x-weave-records']), page.json.length);
			assert.ok(limit === undefined || page.json.length <= limit);
			seen.push(...page.json);
			offset = page.headers['x-weave-next-offset'];
		}
		assert.deepEqual(full ? seen.map((r) => shown(s, side, r)) : seen, want.map((r) => (full ? expected(r) : r.id)));
	}));
}

async function info(s) {
	const m = s.model;
	const what = pick(['collections', 'collection_counts', 'collection_usage', 'quota']);
	const answers = await s.both('GET', `/info/${what}`);
	const used = [...m.collections.values()].reduce((sum, c) => sum + m.bytes(c), 0) / 1024;
	const want = { collections: Object.fromEntries([...m.collections].map(([name, c]) => [name, c.time])), collection_counts: m.counts(), collection_usage: m.usage(), quota: [used, 2048000] }[what];
	const read = (a, side) => (what === 'collections' ? Object.fromEntries(Object.entries(a.json).map(([name, t]) => [name, s.plain(side, t)])) : a.json);
	s.expect(answers, 200, { last: m.storage, body: expectBody(want, read) });
}

const kinds = [put, put, put, post, post, post, batch, batch, remove, remove, getItem, getItem, getList, getList, getList, info];

// What a server refused, and what it logged last.
async function said(server) {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	const refusals = text.split('\n').filter((line) => /_refusals_total.* [1-9]/.test(line));
	return [server.store?.engine ?? 'sqlite', ...refusals, server.stderr().slice(-2000)].join('\n');
}

test(`${OPS} random operations: SQLite, PostgreSQL and the model agree`, async (t) => {
	t.diagnostic(`SYNC_RANDOM_SEED=${SEED}`);
	const sync = { master_secret: SECRET };
	const servers = [await startPlimsoll({ conf: { sync } }), await startPlimsoll({ conf: { sync, store: (await sharedPostgres()).store() } })];
	const subjects = Array.from({ length: USERS }, (_, i) => new Subject(servers, i + 1));
	try {
		for (let i = 0; i < OPS; i++) {
			const kind = pick(kinds);
			try {
				await kind(pick(subjects));
			} catch (error) {
				error.message = `seed ${SEED}, operation ${i} (${kind.name}): ${error.message}\n${(await Promise.all(servers.map(said))).join('\n')}`;
				throw error;
			}
		}
		t.diagnostic(`${refusals} refusals`);
		for (const server of servers) execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
	} finally {
		for (const s of subjects) for (const side of s.sides) side.user.close();
		for (const server of servers) await server.stop();
	}
});
