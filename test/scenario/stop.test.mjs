// SIGTERM at the worst moments: when a process has died and the supervisor has not seen it yet, and when one has just been
// started and has read nothing of what it was told. All end in order, and nobody has to be killed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { childrenOf, pidOf, processes, until } from '../harness/roles.mjs';

const ROLES = ['web', 'store', 'signer', 'compute', 'courier', 'admin'];

// With the line that says that it stops.
const start = () => startPlimsoll({ conf: { log: { level: 'info' } } });

async function endsInOrder(server) {
	const end = await server.ended;
	assert.deepEqual([end.code, end.signal], [0, null], server.stderr());
	assert.doesNotMatch(server.stderr(), /drain_overdue|how="at once"/);
	await server.stop(); // removes its folder, and throws at what sanitizers found
}

// Kills the process of a role and stops the one that takes its place before it serves; its pid.
async function stopSuccessor(server, role) {
	for (;;) {
		const before = childrenOf(server.pid);
		process.kill(await pidOf(server, role), 'SIGKILL');
		let pid;
		while ((pid = childrenOf(server.pid).find((child) => !before.includes(child))) === undefined) await sleep(1);
		process.kill(pid, 'SIGSTOP');
		if (role === 'admin' || !(await processes(server, role)).some((p) => p.pid === pid && p.state === 'serving')) return pid;
		process.kill(pid, 'SIGCONT'); // it was quicker than we
	}
}

describe('a stop', { concurrency: 3 }, () => {
	for (const role of ROLES) {
		test(`in the moment in which ${role} dies`, async () => {
			const server = await start();
			const pid = await pidOf(server, role);
			process.kill(server.pid, 'SIGSTOP'); // so that it finds all of it at once
			process.kill(pid, 'SIGKILL');
			process.kill(server.pid, 'SIGTERM');
			process.kill(server.pid, 'SIGCONT');
			await endsInOrder(server);
		});

		test(`while another ${role} is just being started`, async () => {
			const server = await start();
			const pid = await stopSuccessor(server, role);
			process.kill(server.pid, 'SIGTERM');
			await until('the line that says so', () => /event=stopping/.test(server.stderr()), 60);
			process.kill(pid, 'SIGCONT');
			await endsInOrder(server);
		});
	}
});
