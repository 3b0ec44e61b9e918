// What Sync does as the load grows: asks some to stay away while all are served, then refuses those that begin and
// serves those that have begun.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET, SyncUser } from '../harness/sync_client.mjs';
import { Raw } from './lib/raw.mjs';

const start = (sync = {}, conf = {}) => startPlimsoll({ conf: { ...conf, sync: { master_secret: SECRET, ...sync } } });

async function within(seconds, what, ask) {
	for (const end = Date.now() + seconds * 1000; ; await sleep(50)) {
		const value = await ask();
		if (value) return value;
		assert.ok(Date.now() < end, what);
	}
}

const metric = async (server, name) =>
	[...(await (await fetch(`${server.adminUrl}/metrics`)).text()).matchAll(new RegExp(`^plimsoll_${name}(?:\\{[^}\\n]*\\})? (\\d+)`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0);

const token = (headers = {}) => {
	const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
	return `GET /token/1.0/sync/1.5 HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n`;
};

// The storage of version 1.1.
const old = (name, password = 'correct horse') =>
	`GET /1.1/${name}/info/collections HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic ${Buffer.from(`${name}:${password}`).toString('base64')}\r\n\r\n`;

const between = (text, low, high) => {
	assert.match(text, /^\d+$/);
	assert.ok(Number(text) >= low && Number(text) <= high, text);
};

test('a server with room asks nobody to stay away', async () => {
	const server = await start();
	const user = new SyncUser(server, 42);
	try {
		for (const answer of [await user.get('/info/collections'), await user.put('/storage/c/a', {}), await user.get('/storage/c')]) {
			assert.equal(answer.status, 200);
			assert.ok(!('x-weave-backoff' in answer.headers));
		}
	} finally {
		user.close();
		await server.stop();
	}
});

test('whoever is asked to stay away is served, and hears it with every answer', async () => {
	const server = await start({ backoff_from: 0, backoff_full: 0, backoff_min: '100s', backoff_max: '200s', old_api: 'open' });
	const user = new SyncUser(server, 42);
	const others = [];
	const raw = await Raw.connect(server.ports.web);
	try {
		// Both web processes have to see it.
		const users = Array.from({ length: 20 }, (_, i) => new SyncUser(server, 100 + i));
		others.push(...users);
		const answers = await within(20, 'nobody is asked', async () => {
			const all = await Promise.all(users.map((one) => one.get('/info/collections')));
			return all.every((answer) => 'x-weave-backoff' in answer.headers) && all;
		});
		const told = new Set();
		for (const answer of answers) {
			assert.equal(answer.status, 200);
			between(answer.headers['x-weave-backoff'], 100, 200);
			told.add(answer.headers['x-weave-backoff']);
		}
		assert.ok(told.size > 5, 'all are told the same');
		for (const [answer, status] of [[await user.put('/storage/c/a', { payload: 'x' }), 200], [await user.get('/storage/c/b'), 404], [await user.get('/storage/c?sort=x'), 400], [await new SyncUser(server, 42, null).get('/storage/c'), 401]]) {
			assert.equal(answer.status, status);
			between(answer.headers['x-weave-backoff'], 100, 200);
		}
		const answer = await raw.exchange(token());
		assert.equal(answer.status, 401);
		between(answer.headers['x-backoff'], 100, 200);
		between((await raw.exchange(old('somebody'))).headers['x-weave-backoff'], 100, 200);
		assert.ok((await metric(server, 'sync_backoff_asked_total')) > 20);
		assert.equal(await metric(server, 'sync_backoff_refused_total'), 0);
		// The accounts server is not meant.
		const page = await raw.exchange('GET /.well-known/fxa-client-configuration HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
		assert.ok(!('x-backoff' in page.headers) && !('x-weave-backoff' in page.headers));
	} finally {
		raw.destroy();
		for (const one of [...others, user]) one.close();
		await server.stop();
	}
});

// The store stands still, and writes pile up before it. Those for whom there is no place are refused.
async function stopStore(server, n = 60) {
	const status = await (await fetch(`${server.adminUrl}/status`)).json();
	const { pid } = status.processes.find((p) => p.role === 'store');
	process.kill(pid, 'SIGSTOP');
	const writers = Array.from({ length: n }, (_, i) => new SyncUser(server, 1000 + i));
	const body = '{"payload":"x"}';
	// Many come some at a time: all at once would be a peak in the web process.
	for (const [i, writer] of writers.entries()) {
		const head = writer.head('PUT', `${writer.prefix}/storage/c/a`, { 'Content-Type': 'text/plain' }, body);
		await (await writer.connection()).send(head + body);
		if (n > 100 && i % 10 === 9) await sleep(30);
	}
	return {
		async end() {
			process.kill(pid, 'SIGCONT');
			const refused = [];
			for (const writer of writers.splice(0)) {
				const answer = await writer.raw.read();
				if (answer.status !== 200) refused.push(answer);
				writer.close();
			}
			return refused;
		},
	};
}

// Users who have begun, and read all the time: work that goes on however many others are refused.
async function readers(server, n) {
	const users = Array.from({ length: n }, (_, i) => new SyncUser(server, 500 + i));
	const bad = [];
	let isOver = false;
	for (const user of users) assert.equal((await user.get('/info/collections')).status, 200);
	const reading = users.map(async (user) => {
		for (; !isOver; await sleep(20)) {
			const { status } = await user.get('/info/collections');
			if (status !== 200) bad.push(status);
		}
		user.close();
	});
	return {
		async end() {
			isOver = true;
			await Promise.all(reading);
			return bad;
		},
	};
}

test('beyond the line those that begin are refused, and those that have begun are served', async () => {
	const server = await start({ backoff_wait: '1ms', retry_after_min: '300s', retry_after_max: '900s', old_api: 'open' });
	const begun = new SyncUser(server, 42);
	const raw = await Raw.connect(server.ports.web);
	const busy = [];
	let load = null, reads = null;
	try {
		await begun.put('/storage/c/a', { payload: 'x' });
		const made = JSON.stringify({ password: 'correct horse', email: 'somebody@example.org' });
		assert.equal((await raw.exchange(`PUT /user/1.0/somebody HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${made.length}\r\n\r\n${made}`)).status, 200);
		assert.equal((await raw.exchange(old('somebody'))).status, 200);
		reads = await readers(server, 20);
		load = await stopStore(server);
		// Both web processes see it by what is asked of them; whoever was served once has begun.
		let next = 2000;
		const begin = () =>
			Promise.all(
				connections.map(async (raw) => {
					const user = new SyncUser(server, next++);
					return raw.exchange(user.head('GET', `${user.prefix}/info/collections`, {}));
				}),
			);
		const connections = await Promise.all(Array.from({ length: 40 }, () => Raw.connect(server.ports.web)));
		busy.push(...connections);
		const refused = await within(40, 'new syncs are not refused', async () => {
			assert.equal((await begun.get('/info/collections')).status, 200);
			assert.equal((await raw.exchange(old('somebody'))).status, 200);
			const answers = (await begin()).filter((answer) => answer.status !== 200);
			return answers.length > 30 && answers;
		});
		// One in fifty is let in all the same.
		const refuses = (who, ask) =>
			within(40, `${who} is not refused`, async () => {
				const answer = await ask(next++);
				return answer.status === 503 && answer;
			});
		for (const { status, body, headers } of refused) {
			assert.equal(status, 503);
			assert.equal(body.toString(), '0');
			assert.match(headers['x-weave-timestamp'], /^\d+\.\d\d$/);
			assert.ok(!('x-weave-backoff' in headers));
			between(headers['retry-after'], 300, 900);
		}
		assert.ok(new Set(refused.map((answer) => answer.headers['retry-after'])).size > 5, 'all are told the same');

		// Nobody looked at a signature: without one it is the same.
		await refuses('who signs nothing', (uid) => raw.exchange(`GET /1.5/${uid}/info/collections HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`));
		const tokens = await refuses('who wants a token', () => raw.exchange(token({ Authorization: 'Bearer nonsense' })));
		between(tokens.headers['retry-after'], 300, 900);
		between(tokens.headers['x-backoff'], 300, 900);
		assert.equal(JSON.parse(tokens.body).status, 'error');

		const older = await refuses('who comes by the old API', (n) => raw.exchange(old(`another${n}`, 'wrong')));
		assert.ok(older.headers['retry-after'] && older.headers['x-weave-backoff']);
		assert.equal((await raw.exchange(old('somebody'))).status, 200);

		// Nor at a body: the answer comes before it.
		await refuses('who writes', async (uid) => {
			const writer = await Raw.connect(server.ports.web);
			busy.push(writer);
			await writer.send(`PUT /1.5/${uid}/storage/c/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n`);
			return writer.read();
		});

		// Who has begun goes on; a signature is asked for.
		for (const path of ['/info/collections', '/storage/c?full=1', '/storage/c/a', '/info/configuration']) assert.equal((await begun.get(path)).status, 200, path);
		assert.equal((await new SyncUser(server, 42, null).get('/info/collections')).status, 401);
		// And so does an upload, whoever has forgotten the user meanwhile.
		assert.equal((await new SyncUser(server, 3000, null).post('/storage/c?batch=12', [])).status, 401);

		assert.ok((await metric(server, 'sync_backoff_refused_total')) >= 30);
		assert.ok((await metric(server, 'http_refusals_total\\{[^}]*why="service"[^}]*\\}')) >= 30);
		assert.deepEqual(await reads.end(), [], 'who goes on is refused');
		reads = null;
		// The last of them may have come when those who begin were refused already; nobody who was let in is cut.
		for (const { status, headers } of await load.end()) {
			assert.equal(status, 503);
			between(headers['retry-after'], 300, 900);
		}
		load = null;
		await within(40, 'it stays', async () => (await begin()).some((answer) => answer.status === 200));
	} finally {
		await reads?.end();
		await load?.end();
		for (const one of [...busy, raw]) one.destroy();
		begun.close();
		await server.stop();
	}
});

test('a store that stands still sends all who begin away for seconds only, and few after them', async () => {
	const server = await start({ backoff_wait: '1ms' }, { web: { instances: 1 }, plimsoll: { watchdog: '0s' } });
	const raw = await Raw.connect(server.ports.web);
	let load = null;
	try {
		let next = 2000;
		const begin = async () => {
			const user = new SyncUser(server, next++);
			return (await raw.exchange(user.head('GET', `${user.prefix}/info/collections`, {}))).status;
		};
		assert.equal(await begin(), 200);
		load = await stopStore(server);
		await within(20, 'nobody is refused', async () => (await begin()) === 503);
		// What reads is served without the store: refusing it lost work and shortened no wait.
		let served = 0;
		await within(40, 'nearly all are refused for as long as it stands', async () => {
			served += (await begin()) === 200;
			return served === 60; // of 800 at the most: by chance, were one in fifty let in, never
		});
		const writers = load;
		load = null;
		await writers.end(); // whatever they were told: some may have waited for all of their time
		await within(20, 'it stays', async () => (await metric(server, 'sync_backoff_refused_permille')) === 0);
	} finally {
		await load?.end();
		raw.destroy();
		await server.stop();
	}
});

test('beginnings are refused where their steps would find no place, and those that have begun find one', async () => {
	// No share of users is refused here: waits may stand for a minute.
	const server = await start({ backoff_wait: '1m', retry_after_min: '300s', retry_after_max: '900s' }, { web: { instances: 1 } });
	const begun = Array.from({ length: 20 }, (_, i) => new SyncUser(server, 100 + i));
	const raw = await Raw.connect(server.ports.web);
	let load = null;
	try {
		for (const user of begun) assert.equal((await user.get('/info/collections')).status, 200);
		load = await stopStore(server, 450);
		let next = 2000;
		const begin = () => {
			const user = new SyncUser(server, next++);
			return raw.exchange(user.head('GET', `${user.prefix}/info/collections`, {}));
		};
		const refused = await within(20, 'new syncs are not refused', async () => {
			const answer = await begin();
			return answer.status === 503 && answer;
		});
		between(refused.headers['retry-after'], 300, 900);
		assert.equal((await raw.exchange(token({ Authorization: 'Bearer nonsense' }))).status, 503);
		assert.equal((await raw.exchange(new SyncUser(server, next++).head('GET', `/1.5/${next - 1}/storage/c`, {}))).status, 200, 'what reads only, and begins nothing');
		assert.equal(await metric(server, 'http_refusals_total\\{[^}]*why="service"[^}]*\\}'), 0);
		assert.ok((await metric(server, 'http_refusals_total\\{[^}]*why="store"[^}]*\\}')) >= 2);

		// Those that have begun ask once more what is there, and upload.
		const steps = begun.map(async (user) => {
			const again = await user.get('/info/collections');
			const answer = await user.post('/storage/c', [{ id: 'a', payload: 'x' }]);
			return [again.status, answer.status];
		});
		await within(20, 'their uploads are not under way', async () => (await metric(server, 'http_requests_total\\{[^}]*op="sync.info_collections"[^}]*\\}')) >= 40);
		const others = await load.end();
		load = null;
		assert.ok(others.length > 0 && others.every(({ status }) => status === 503), 'there was a place for all');
		for (const statuses of await Promise.all(steps)) assert.deepEqual(statuses, [200, 200]);
		await within(20, 'nobody may begin when all is over', async () => (await begin()).status === 200);
	} finally {
		await load?.end();
		raw.destroy();
		for (const user of begun) user.close();
		await server.stop();
	}
});

test('limits that contradict each other are refused in words', async () => {
	for (const sync of [{ backoff_from: 90, backoff_full: 80 }, { backoff_min: '2h' }, { retry_after_min: '31m' }]) {
		await assert.rejects(start(sync), /\[sync\] what begins must not be above its end/);
	}
});
