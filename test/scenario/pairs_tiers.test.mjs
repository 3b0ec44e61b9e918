// Sessions apart from requests: with [web] realtime_instances sessions stand in processes that do nothing else, however
// their clients came; either kind goes on while the other is held still, and each is restarted by itself.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { couple, startPairs } from '../harness/pairs.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { processes, until } from '../harness/roles.mjs';
import { Polling } from './lib/engineio.mjs';
import { Live, workerOf } from './lib/live.mjs';

const REQUESTS = 1; // processes
const SESSIONS = 2;

let server;
let members;
before(async () => {
	server = await startPairs({ conf: { web: { instances: REQUESTS + SESSIONS, realtime_instances: SESSIONS } } });
	members = await couple(server);
});
after(() => server?.stop());

const webs = async () => (await processes(server, 'web')).sort((a, b) => a.instance - b.instance);
const held = async (pids, fn) => {
	pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
	try {
		return await fn();
	} finally {
		pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
	}
};

test('sessions stand in their own processes, in turn, over both transports; requests do not come there', async () => {
	const owners = new Set();
	for (let i = 0; i < 4; i++) {
		const live = await Live.join(server, members[i % 2]);
		owners.add(live.worker);
		live.end();
		const polling = await Polling.open(server.pairsPort, '/socket.io/');
		owners.add(workerOf(polling.sid));
		await polling.post(`40{"token":"${members[0].token}"}`);
		assert.match((await polling.get()).body, /^40\{"sid"/);
		await polling.post('1');
	}
	assert.deepEqual([...owners].sort(), [1, 2]);
	for (let i = 0; i < 20; i++) assert.equal((await members[0].get('/me')).status, 200);
	const pids = (await webs()).map((p) => p.pid);
	await held(pids.slice(REQUESTS), async () => {
		for (let i = 0; i < 20; i++) assert.equal((await members[0].post('/messages', { text: `${i}` })).status, 201);
	});
});

test('sessions go on while no request is answered', async () => {
	const [one, two] = await Promise.all(members.map((m) => Live.join(server, m)));
	const pids = (await webs()).map((p) => p.pid);
	await held(pids.slice(0, REQUESTS), async () => {
		const { seq } = await one.ask('message', { text: 'still here' });
		assert.equal((await two.next('activity')).seq, seq);
	});
	one.end();
	two.end();
});

test('a process of sessions that dies is passed over; what comes back finds the other one, and then both', async () => {
	const [, , last] = await webs();
	const live = await Live.join(server, members[0]);
	process.kill(last.pid, 'SIGKILL');
	// A connection that was on its way to it just then is cut, and its client tries again.
	const join = () => until('a session', () => Live.join(server, members[1]));
	for (let i = 0; i < 3; i++) (await join()).end();
	await until('another one', async () => (await webs()).some((p) => p.instance === last.instance && p.pid !== last.pid && p.state === 'serving'));
	await until('a session in it', async () => {
		const one = await join();
		one.end();
		return one.worker === last.instance;
	});
	live.end();
});

test('at least one process is for requests', async () => {
	const refused = await startPlimsoll({ bin: plimsollBin(), conf: { web: { instances: 2, realtime_instances: 2 } } }).then(() => null, (error) => error);
	assert.match(String(refused), /realtime_instances/);
});
