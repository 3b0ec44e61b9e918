// The health listener: what it says, that load never makes it say no, that a lost database and a stop
// do, that an upgrade does not show, and what HAProxy and nginx make of it.
import assert from 'node:assert/strict';
import https from 'node:https';
import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { startFront } from '../harness/front.mjs';
import { askHealth, askWeight, watchHealth } from '../harness/health.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf, status, until } from '../harness/roles.mjs';
import { startUpgradable } from '../harness/upgradable.mjs';

const EMAIL = 'somebody@example.org';
const PASS = 'correct horse';

const servers = new Set();
async function start(conf = {}) {
	const server = await startPlimsoll({ conf });
	servers.add(server);
	return server;
}
async function stop(server) {
	servers.delete(server);
	await server.stop();
}
after(async () => {
	for (const server of servers) await server.kill();
});

const metric = async (server, name) => (await status(server)).families[name].value;
const readyIs = (server, wanted) => until(`/ready ${wanted}`, async () => (await askHealth(server.ports.health)).status === wanted);

// Logins on that many connections, each beginning again at once, until stopped: far more than the cores can hash.
// Every answer is one of outcomes: { 200: n, 503: n, ... }, with "error" for none; bodies of other 5xx in strange.
function flood(url, clients, options = {}) {
	let going = true;
	const outcomes = {};
	const strange = [];
	const ends = Array.from({ length: clients }, async () => {
		const client = new Client(url, options.agent ? { agent: options.agent() } : {});
		while (going) {
			const answer = await client.login(EMAIL, PASS).catch((error) => ({ status: 'error', text: error.message }));
			outcomes[answer.status] = (outcomes[answer.status] ?? 0) + 1;
			const own = answer.status === 503 && answer.headers['retry-after'] && !/not there at the moment|<html>/.test(answer.text);
			if (answer.status !== 200 && !own) strange.push(`${answer.status} ${answer.text.slice(0, 80)}`);
			if (answer.status !== 200) await sleep(50);
		}
		client.agent.destroy();
	});
	return {
		outcomes,
		strange,
		async stop() {
			going = false;
			await Promise.all(ends);
		},
	};
}

test('it says ok with the load, on the paths that monitors know too, and nothing else', async () => {
	const server = await start();
	const port = server.ports.health;
	for (const path of ['/ready', '/live', '/__heartbeat__', '/__lbheartbeat__']) {
		const answer = await askHealth(port, path);
		assert.deepEqual([answer.status, answer.text], [200, 'ok'], path);
		assert.match(answer.headers['x-load'], /^[01]\.\d\d$/);
		assert.equal(answer.headers['cache-control'], 'no-store');
		const head = await askHealth(port, path, { method: 'HEAD' });
		assert.deepEqual([head.status, head.text], [200, '']);
	}
	assert.match(await askWeight(port), /^(5[2-9]|[6-9]\d|100)%\n$/);
	assert.equal((await askHealth(port, '/metrics')).status, 404);
	assert.equal((await askHealth(port, '/ready', { method: 'POST' })).status, 405);
	// The paths on the service itself go on as before.
	for (const path of ['/__heartbeat__', '/__lbheartbeat__']) assert.equal((await new Client(server.url).get(path)).status, 200);
	await until('counters', async () => (await metric(server, 'health_answers_total')) >= 11 && (await metric(server, 'health_ready')) === 1);
	await stop(server);
});

test('a flood is no reason to be taken out, directly and behind both proxies', async () => {
	const server = await start({ accounts: { bcrypt_cost: 10 }, http: { trusted_proxies: '127.0.0.1' } });
	const fronts = [];
	try {
		await signUp(server, EMAIL, PASS);
		for (const kind of ['nginx', 'haproxy']) fronts.push(await startFront(kind, server.ports.web, { healthPort: server.ports.health }));
		const watch = watchHealth(server);
		const alive = watchHealth(server, { path: '/live' });
		const floods = fronts.map((front) => flood(front.url, 24, { agent: () => new https.Agent({ keepAlive: true, ca: front.ca }) }));
		await until('a full server', async () => (await askHealth(server.ports.health)).load >= 0.9, 40);
		await until('refusals', async () => floods.every((f) => f.outcomes[503] > 20), 40);
		await sleep(3000); // three looks that would be bad
		// Compute gives way to whatever else the machine does, so this may take a while.
		await until('somebody served behind each', async () => floods.every((f) => f.outcomes[200] > 0), 60);
		for (const f of floods) await f.stop();
		const seen = [await watch.stop(), await alive.stop()];
		for (const s of seen) assert.deepEqual([s.bad, s.changes], [[], 0]);
		assert.ok(seen[0].answers > 50 && Math.max(...seen[0].load) <= 1.2);
		assert.equal(await metric(server, 'health_changes_total'), 0);
		for (const f of floods) assert.deepEqual(f.strange, []);
		const { status: state, chkdown, weight } = await fronts[1].stats();
		assert.deepEqual([state, chkdown], ['UP', '0']);
		await until('the weight', async () => Number((await fronts[1].stats()).weight) <= 100, 10);
		assert.ok(Number(weight) >= 52, weight);
	} finally {
		for (const front of fronts) await front.stop();
		await stop(server);
	}
});

test('a lost database takes it out after three looks, and HAProxy sees it; two good ones bring it back', async () => {
	const server = await start();
	const front = await startFront('haproxy', server.ports.web, { healthPort: server.ports.health });
	const pid = await pidOf(server, 'store');
	try {
		await readyIs(server, 200);
		process.kill(pid, 'SIGSTOP');
		await readyIs(server, 503);
		assert.equal((await askHealth(server.ports.health)).text, 'no database');
		assert.equal((await askHealth(server.ports.health, '/live')).status, 200);
		await until('HAProxy to see it', async () => (await front.stats()).status === 'DOWN', 30);
		process.kill(pid, 'SIGCONT');
		await readyIs(server, 200);
		await until('HAProxy to take it back', async () => (await front.stats()).status === 'UP', 30);
		await until('two changes', async () => (await metric(server, 'health_changes_total')) === 2);
		assert.match(server.stderr(), /event=not_ready why="no database"/);
	} finally {
		process.kill(pid, 'SIGCONT');
		await front.stop();
		await stop(server);
	}
});

test('a stop gives notice first: not ready, but serving; a second request does not wait', async () => {
	for (const hurried of [false, true]) {
		const server = await start({ health: { notice: hurried ? '10m' : '3s' } });
		await readyIs(server, 200);
		process.kill(server.pid, 'SIGTERM');
		await readyIs(server, 503);
		assert.equal((await askHealth(server.ports.health)).text, 'draining');
		assert.equal((await askHealth(server.ports.health, '/live')).status, 200);
		assert.equal((await new Client(server.url).get('/wsapi/session_context')).status, 200);
		if (hurried) {
			await sleep(300); // less is the same request, sent to a group
			process.kill(server.pid, 'SIGTERM');
		}
		assert.equal((await server.ended).code, 0);
		servers.delete(server);
		await server.stop();
	}
});

test('an upgrade does not show', async () => {
	const server = await startUpgradable({});
	const watch = watchHealth(server, { everyMs: 3 });
	try {
		for (const version of ['next', 'next']) {
			server.use(version);
			await server.upgrade();
			await sleep(500);
		}
		const { bad, answers } = await watch.stop();
		assert.deepEqual(bad, []);
		assert.ok(answers > 50, String(answers));
	} finally {
		await watch.stop();
		await server.stop();
	}
});
