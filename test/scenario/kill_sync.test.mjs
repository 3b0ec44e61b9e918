// Browsers sync without pause while web, store, signer, compute, admin, courier or everything is killed at random
// moments. No write that was acknowledged is lost, no POST and no batch is ever seen in part, times of a
// user rise over all restarts, sessions and keys stay, and the totals are right in the end.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { signUp } from '../harness/client.mjs';
import { Firefox } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { sharedPostgres } from '../harness/postgres.mjs';
import { hundredths, SECRET, SyncUser } from '../harness/sync_client.mjs';
import { auditIsGood, generator, killWhile, People } from './lib/kill.mjs';

const ROUNDS = { sqlite: Number(process.env.KILL_SYNC_ROUNDS ?? 6), postgres: Number(process.env.KILL_SYNC_ROUNDS_POSTGRES ?? 2) };
const ROUND_MS = 450;
const WRITES_EACH = 15; // acknowledged in a round, at least
const LINES = 5; // the last of them signs in and asks for tokens
// As many as every third round, which takes everything, passes none of them over; or those of KILL_SYNC_ROLES.
const ROLES = process.env.KILL_SYNC_ROLES?.split(',') ?? ['store', 'web', 'signer', 'store', 'compute', 'web', 'admin', 'store', 'courier', 'store'];
const [EMAIL, PASS] = ['ada@example.org', 'correct horse'];
const GROUP = 8; // records that are always written together
const PARTS = 3; // POSTs of a batch

// One user's store: what was acknowledged, and what may be there instead because no answer came.
class Store {
	constructor(server, uid, random) {
		Object.assign(this, { uid, random });
		this.user = new SyncUser(server, uid);
		this.reader = new SyncUser(server, uid);
		this.records = new Map(); // "collection/id" -> Set of payloads, null for none; one: acknowledged
		this.last = 0; // hundredths, of the newest write that was acknowledged
		this.count = 0;
		this.writes = 0;
	}

	ids(collection, n) {
		return Array.from({ length: n }, (_, i) => `${collection}/${i}`);
	}

	mayBe(names, payload) {
		for (const name of names) this.records.set(name, (this.records.get(name) ?? new Set([null])).add(payload));
	}

	is(names, payload, answer) {
		for (const name of names) this.records.set(name, new Set([payload]));
		if (answer.status !== 200) return; // done by a try whose answer was lost
		const stamp = hundredths(answer.headers['x-last-modified']);
		assert.ok(stamp > this.last, `user ${this.uid}: ${stamp} after ${this.last}`);
		this.last = stamp;
		this.writes++;
	}
}

class Lives extends People {
	constructor(server, lines, random) {
		super(server, lines);
		this.random = random;
		this.stores = Array.from({ length: lines - 1 }, (_, i) => new Store(server, 1001 + i, random));
		this.sessions = [];
		this.kB = null;
	}

	get writes() {
		return this.stores.reduce((sum, store) => sum + store.writes, 0) + this.sessions.length;
	}

	// One request until it is answered; what an interrupted connection still holds is not read.
	async #ask(user, method, target, body, statuses) {
		let tries = 0;
		const answer = await this.step(async () => {
			try {
				tries++;
				return await user.request(method, target, body === undefined ? {} : { body, headers: { 'Content-Type': 'application/json' } });
			} catch (error) {
				user.close();
				throw error;
			}
		}, statuses);
		return answer && Object.assign(answer, { isFirst: tries === 1 });
	}

	async put(store) {
		const [name] = store.ids('single', 1 + Math.floor(store.random() * 20)).slice(-1);
		const payload = `${++store.count}`;
		store.mayBe([name], payload);
		const answer = await this.#ask(store.user, 'PUT', `/storage/${name}`, { payload }, [200]);
		if (answer) store.is([name], payload, answer);
	}

	async remove(store) {
		const [name] = store.ids('single', 1 + Math.floor(store.random() * 20)).slice(-1);
		store.mayBe([name], null);
		const answer = await this.#ask(store.user, 'DELETE', `/storage/${name}`, undefined, [200, 404]);
		if (answer) store.is([name], null, answer);
	}

	async post(store) {
		const names = store.ids('group', GROUP);
		const payload = `${++store.count}`;
		store.mayBe(names, payload);
		const answer = await this.#ask(store.user, 'POST', '/storage/group', names.map((_, i) => ({ id: `${i}`, payload })), [200]);
		if (answer) store.is(names, payload, answer);
	}

	async batch(store) {
		const names = store.ids('batch', GROUP * PARTS);
		const payload = `${++store.count}`;
		const part = (n) => Array.from({ length: GROUP }, (_, i) => ({ id: `${n * GROUP + i}`, payload }));
		const open = await this.#ask(store.user, 'POST', '/storage/batch?batch=true', part(0), [202]);
		for (let n = 1; open && n < PARTS - 1; n++) {
			// A batch that was acknowledged is there, whoever died meanwhile.
			if (!(await this.#ask(store.user, 'POST', `/storage/batch?batch=${open.json.batch}`, part(n), [202]))) return;
		}
		if (!open || !this.going) return;
		store.mayBe(names, payload);
		const done = await this.#ask(store.user, 'POST', `/storage/batch?batch=${open.json.batch}&commit=true`, part(PARTS - 1), [200, 400]);
		if (done) {
			assert.ok(done.status === 200 || !done.isFirst, 'a commit that was refused at once');
			store.is(names, payload, done);
		}
	}

	// What was written together is read together, at whatever moment.
	async look(store) {
		for (const [collection, n] of [['group', GROUP], ['batch', GROUP * PARTS]]) {
			const answer = await this.#ask(store.reader, 'GET', `/storage/${collection}?full=1`, undefined, [200]);
			if (!answer) return;
			const payloads = new Set(answer.json.map((r) => r.payload));
			assert.ok(payloads.size <= 1 && [0, n].includes(answer.json.length), `torn: ${answer.json.length} records of ${[...payloads]}`);
		}
	}

	// The whole way of a browser, with whose session it goes on later.
	async #browser() {
		const firefox = new Firefox(this.server);
		const ask = (fn) => this.step(async () => {
			firefox.server = this.server;
			return fn();
		});
		try {
			if (!(await ask(() => firefox.signIn(EMAIL, PASS)))) return;
			assert.deepEqual(firefox.kB, this.kB);
			this.sessions.push(firefox.session);
			const access = await ask(() => firefox.accessToken());
			const token = access && (await ask(() => firefox.token(access.json.access_token)));
			if (!token) return;
			assert.equal(token.json.uid, this.uid, 'the store that its keys belong to');
			await ask(() => firefox.storage(token.json, 'PUT', '/storage/clients/one', { payload: 'x' }));
		} finally {
			firefox.close();
		}
	}

	async person(line) {
		const store = this.stores[line];
		if (!store) return this.#browser();
		const acts = [this.put, this.put, this.remove, this.post, this.post, this.batch];
		const act = acts[Math.floor(this.random() * acts.length)].call(this, store);
		await Promise.all([act, this.look(store)]);
	}
}

async function nothingIsLost(store) {
	const found = new Map();
	const counts = {};
	for (const collection of ['single', 'group', 'batch']) {
		const records = (await store.reader.get(`/storage/${collection}?full=1`)).json;
		for (const { id, payload } of records) found.set(`${collection}/${id}`, payload);
		if (records.length) counts[collection] = records.length;
	}
	for (const [name, payloads] of store.records) {
		assert.ok(payloads.has(found.get(name) ?? null), `user ${store.uid}: ${name} is ${found.get(name)}, not one of ${[...payloads]}`);
	}
	for (const name of found.keys()) assert.ok(store.records.has(name), `${name} was never written`);
	assert.deepEqual((await store.reader.get('/info/collection_counts')).json, counts);
}

async function sessionsAreGood(server, sessions) {
	const firefox = new Firefox(server);
	for (const keys of sessions) {
		const status = await firefox.signed('GET', '/v1/session/status', { keys });
		assert.equal(status.status, 200, `a session is lost: ${status.text}`);
	}
	firefox.close();
}

async function live(t, engine) {
	const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
	const random = generator(seed);
	const first = Math.floor(random() * ROLES.length);
	const roles = [...ROLES.slice(first), ...ROLES.slice(0, first)];
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-kill-sync-'));
	const conf = { sync: { master_secret: SECRET } };
	if (engine === 'postgres') conf.store = (await sharedPostgres()).store();
	let server = await startPlimsoll({ dir, conf });
	const people = new Lives(server, LINES, random);
	t.diagnostic(`seed ${seed}`);
	try {
		await signUp(server, EMAIL, PASS);
		const owner = new Firefox(server);
		await owner.signIn(EMAIL, PASS);
		await owner.setKeys();
		people.kB = owner.kB;
		people.uid = (await owner.token((await owner.accessToken()).json.access_token)).json.uid;
		owner.close();
		const rounds = ROUNDS[engine];
		server = await killWhile(people, { dir, conf, rounds, roundMs: ROUND_MS, random, roles, done: () => people.writes, perRound: WRITES_EACH });
		t.diagnostic(`killed: ${Object.entries(people.kills).map(([role, n]) => `${role} ${n} times`).join(', ')}`);
		t.diagnostic(`${people.writes} writes and sign-ins acknowledged, ${people.refused} tries refused`);
		assert.ok(people.writes >= WRITES_EACH * rounds, `only ${people.writes} writes: that tests nothing`);
		for (const store of people.stores) await nothingIsLost(store);
		await sessionsAreGood(server, people.sessions.slice(-20));
	} finally {
		await people.stop();
		for (const { user, reader } of people.stores) {
			user.close();
			reader.close();
		}
		await people.server.stop();
	}
	auditIsGood(server);
	rmSync(dir, { recursive: true, force: true });
}

for (const engine of Object.keys(ROUNDS)) {
	test(`${engine}: ${ROUNDS[engine]} kills of roles and of everything while browsers sync`, { skip: ROUNDS[engine] === 0 }, (t) => live(t, engine));
}
