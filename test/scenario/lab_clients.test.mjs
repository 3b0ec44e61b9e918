// How simulated clients behave: what they do about refusals and failures, how long they wait, and how
// long their devices keep a connection. Counted at a stand-in server.
import assert from 'node:assert/strict';
import test from 'node:test';
import { activity, byName, load, model, standIn } from './lib/lab.mjs';

const together = [];
const meanwhile = (name, fn) => together.push([name, fn]);
const visit = (body = 'browser():get("/")', head = '') => model(activity('visit', 2000, body), head);
// 20 a second, evenly; long enough for some tries.
const FLAT = ['--users', '864', '--for', '1s', '--arrivals', 'constant'];

async function run(t, handle, file, args = []) {
	let n = 0;
	const url = await standIn(t, (req, res) => handle(req, res, n++));
	const { json, stderr } = await load(file, url, [...FLAT, ...args]);
	assert.ok(json, stderr);
	return { visit: byName(json, 'visit'), requests: n, json };
}

meanwhile('blind: three more times, whatever was wrong, and at once', async (t) => {
	for (const status of [503, 500, 429]) {
		const { visit: v, requests } = await run(t, (req, res) => res.writeHead(status, { 'Retry-After': '60' }).end(), visit(), ['--retry', 'blind']);
		assert.equal(requests, 4 * v.begun);
		assert.equal(v.steps[0].retried, 3 * v.begun);
		assert.equal(status === 503 ? v.refused : v.failed, v.begun, JSON.stringify(v));
	}
	const cut = await run(t, (req) => req.socket.destroy(), visit(), ['--retry', 'blind']);
	assert.equal(cut.requests, 4 * cut.visit.begun);
	const wrong = await run(t, (req, res) => res.writeHead(404).end(), visit(), ['--retry', 'blind']);
	assert.equal(wrong.requests, wrong.visit.begun, 'what is wrong stays wrong');
});

meanwhile('backoff: random waits that double, as many tries as the model says', async (t) => {
	const at = new Map();
	const file = visit('browser():get("/?" .. random_text(8))', ', retry = "backoff", retries = 4, pause = 0.05');
	const { visit: v, requests } = await run(
		t,
		(req, res) => {
			const seen = at.get(req.url) ?? at.set(req.url, []).get(req.url);
			seen.push(performance.now());
			if (seen.length < 4) res.writeHead(502);
			res.end();
		},
		file,
	);
	assert.equal(v.done, v.begun, JSON.stringify(v));
	assert.equal(requests, 4 * v.begun);
	const waits = [...at.values()].map((s) => s[3] - s[0]);
	// At most 0.05 + 0.1 + 0.2 s, half of that on average; the machine may add to it but not take away.
	const mean = waits.reduce((a, b) => a + b, 0) / waits.length;
	assert.ok(mean > 100, `${mean}`);
	assert.ok(new Set(waits.map((w) => Math.round(w / 10))).size > 4, `not all alike: ${waits}`);
});

meanwhile('refusals that the model sees: its own clients know what to do, and the figures have both', async (t) => {
	const body = `local device = browser()
		local first = device:get("/", { refusals = "seen" })
		check(first.status == 503 and first.body == "ticket", "the refusal")
		check(device:get("/?" .. first.body, { refusals = "seen" }).status == 200, "the answer")`;
	const { visit: v, requests } = await run(t, (req, res) => (req.url === '/' ? res.writeHead(503).end('ticket') : res.end()), visit(body), ['--retry', 'blind']);
	assert.deepEqual([requests, v.done, v.refused], [2 * v.begun, v.begun, 0], JSON.stringify(v));
	assert.deepEqual([v.steps[0].refused, v.steps[0].retried], [v.begun, 0]);
});

meanwhile('none, and what the flag says in place of the model', async (t) => {
	const file = visit(undefined, ', retry = "blind"');
	const { visit: v, requests } = await run(t, (req, res) => res.writeHead(503).end(), file, ['--retry', 'none']);
	assert.equal(requests, v.begun);
	assert.equal(v.refused, v.begun);
});

meanwhile('weave: users stay away as long as they are told, by a good answer or a refusal', async (t) => {
	const few = ['--users', '8', '--for', '2s'];
	const file = model(activity('visit', 216000, 'browser():get("/" .. user.n)'), ', retry = "weave"');
	for (const [status, header] of [[200, 'X-Weave-Backoff'], [200, 'X-Backoff'], [503, 'Retry-After'], [500, 'X-None']]) {
		const who = new Set();
		const answer = (req, res) => {
			who.add(req.url);
			res.writeHead(status, { [header]: '3600.00' }).end();
		};
		const { visit: v, requests, json } = await run(t, answer, file, few);
		assert.equal(requests, who.size, `${header}: each user once`);
		assert.equal(v.begun, who.size);
		assert.equal(v.due, v.begun + v.away + v.no_user);
		assert.ok(v.away > 20, JSON.stringify(v));
		assert.ok(!json.generator.void.some((cause) => /did not begin/.test(cause)), 'silence is no fault of the generator');
		assert.equal(status === 200 ? v.done : status === 503 ? v.refused : v.failed, who.size);
	}
	const back = await run(t, (req, res) => res.writeHead(200, { 'X-Weave-Backoff': '0' }).end(), file, few);
	assert.equal(back.visit.away, 0, JSON.stringify(back.visit));
});

meanwhile('patience: the user gives up, and the connection is closed', async (t) => {
	const closed = [];
	const url = await standIn(t, (req, res) => {
		const began = performance.now();
		res.on('close', () => closed.push(performance.now() - began));
	});
	const { json, code } = await load(visit(), url, [...FLAT, '--patience', '0.4s', '--timeout', '20s']);
	const v = byName(json, 'visit');
	assert.equal(v.gave_up, v.begun);
	assert.equal(v.steps[0].gave_up, v.begun);
	assert.equal(v.failed, 0);
	assert.equal(code === 0, false);
	// Counted from the arrival: one that was sent late has been waited for already.
	assert.ok(closed.length === v.begun && Math.max(...closed) < 5000 && Math.max(...closed) > 200, `${closed}`);
	// Patience spans the tries: waits of a second and more do not fit in it.
	const tries = await run(t, (req, res) => res.writeHead(503, { 'Retry-After': '2' }).end(), visit(undefined, ', retry = "retry-after", patience = 0.5'));
	assert.equal(tries.requests, tries.visit.begun);
	assert.equal(tries.visit.refused, tries.visit.begun);
	const random = await run(t, (req, res) => setTimeout(() => res.end(), 300), visit(undefined, ', patience = { 0.3, "random" }'));
	assert.ok(random.visit.gave_up > 0 && random.visit.gave_up + random.visit.done === random.visit.begun, JSON.stringify(random.visit));
});

// Connections and requests that a stand-in sees of a model with two requests an activity.
async function connections(t, file, args) {
	const seen = { connections: 0, requests: 0 };
	const url = await standIn(
		t,
		(req, res) => {
			seen.requests++;
			res.end('x');
		},
		(server) => {
			server.keepAliveTimeout = 60000;
			server.on('connection', () => seen.connections++);
		},
	);
	const { json, stderr } = await load(file, url, args);
	assert.ok(json, stderr);
	const v = byName(json, 'visit');
	assert.equal(v.done, v.begun, JSON.stringify(json.failures));
	// The first one looks whether somebody is there.
	return { ...seen, connections: seen.connections - 1, activities: v.begun };
}

meanwhile('connections: of a request, an activity, a session', async (t) => {
	const args = ['--users', '10', '--for', '1s'];
	const two = model(activity('visit', 345600, 'local b = user:browser(1) b:get("/a") b:get("/b")'));
	const request = await connections(t, two, [...args, '--connection', 'request']);
	assert.equal(request.connections, request.requests);
	const activities = await connections(t, two, args);
	assert.equal(activities.connections, activities.activities);
	const session = await connections(t, two, [...args, '--connection', 'session']);
	assert.ok(session.connections <= 10 && session.activities > 15, JSON.stringify(session));
	const nobody = model(activity('visit', 345600, 'browser():get("/a")'), ', connection = "session"');
	const theirs = await connections(t, nobody, args);
	assert.equal(theirs.connections, theirs.activities, 'who is nobody keeps nothing');
	const forgetful = model(activity('visit', 345600, 'user:browser(1):get("/a")'), ', connection = "session", keep = 0');
	const short = await connections(t, forgetful, ['--users', '10', '--for', '3s']);
	assert.ok(short.connections > 10, JSON.stringify(short));
});

meanwhile('plain requests: one behind the other, with the retries and connections of the model', async (t) => {
	const seen = { '/a': 0, '/b?x=1': 0 };
	const url = await standIn(t, (req, res) => {
		seen[req.url]++;
		if (req.url === '/a' && seen['/a'] % 5 === 1) res.writeHead(503, { 'Retry-After': '0' });
		res.end(req.headers.host);
	});
	const file = model('activity { name = "visit", why = "w", per_day = 345600, gets = { "/a", "/b?x=1" } }', ', connection = "session", retry = "retry-after"');
	const { json, stderr } = await load(file, url, ['--users', '10', '--for', '1s']);
	assert.ok(json, stderr);
	const v = byName(json, 'visit');
	assert.equal(v.done, v.begun, JSON.stringify(json.failures));
	assert.deepEqual(v.steps.map((s) => [s.name, s.done]), [['a', v.done], ['b', v.done]]);
	assert.equal(seen['/b?x=1'], v.done);
	assert.equal(seen['/a'], v.done + v.steps[0].refused);
	assert.ok(v.steps[0].refused > 0 && json.generator.connections <= 10, JSON.stringify(json.generator));
	const wrong = byName((await load(model('activity { name = "visit", why = "w", per_day = 345600, gets = { "/c" } }'), await standIn(t, (req, res) => res.writeHead(404).end()), ['--users', '10', '--for', '1s'])).json, 'visit');
	assert.equal(wrong.failed, wrong.begun);
});

meanwhile('a kept connection that the server closes costs nobody anything', async (t) => {
	let n = 0;
	const url = await standIn(t, (req, res) => {
		n++;
		res.end('x', () => setTimeout(() => req.socket.destroy(), 30));
	});
	const file = model(activity('visit', 345600, 'user:browser(1):get("/a")'), ', connection = "session"');
	const v = byName((await load(file, url, ['--users', '10', '--for', '1s'])).json, 'visit');
	assert.equal(v.done, v.begun, JSON.stringify(v));
	assert.ok(n >= v.begun);
});

test('at the same time', { concurrency: 4 }, (t) => Promise.all(together.map(([name, fn]) => t.test(name, fn))));
