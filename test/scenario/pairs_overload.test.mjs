// More clients who join at once than may wait for it: those too many are told so, with a time to come again, and get in
// when they do. The process is held still while they all ask, so that no clock decides.
import assert from 'node:assert/strict';
import test from 'node:test';
import { couple, startPairs } from '../harness/pairs.mjs';
import { pidOf, until } from '../harness/roles.mjs';
import { Ws } from './lib/engineio.mjs';

const WAITING_MAX = 4096; // LIVE_READY_MAX
const MORE = 300; // some may be under way before all have asked
const AT_ONCE = 50;

test('who joins when too many wait is refused with a time, and gets in afterwards', async () => {
	const server = await startPairs({ conf: { grace: { tolerance: 1 }, web: { instances: 1 }, http: { max_connections_per_address: 0 }, pairs: { connect_timeout: '10m' } } });
	const all = [];
	try {
		const [ada] = await couple(server);
		while (all.length < WAITING_MAX + MORE) {
			const group = await Promise.all(Array.from({ length: AT_ONCE }, () => Ws.open(server.pairsPort, '', { path: '/socket.io/' })));
			await Promise.all(group.map((ws) => ws.packet()));
			all.push(...group);
		}
		const web = await pidOf(server, 'web');
		process.kill(web, 'SIGSTOP');
		for (const ws of all) ws.send(`40{"token":"${'x'.repeat(43)}"}`);
		await until('all to be written', () => all.every((ws) => ws.raw.socket.writableLength === 0));
		process.kill(web, 'SIGCONT');
		const answers = (await Promise.all(all.map((ws) => ws.packet()))).map((packet) => ({ is44: packet.startsWith('44'), ...JSON.parse(packet.slice(2)) }));
		assert.ok(answers.every((a) => a.is44));
		const refused = answers.filter((a) => a.message === 'overloaded');
		assert.ok(refused.length > 20 && refused.length <= all.length - WAITING_MAX, `${refused.length} of ${all.length}`);
		assert.ok(answers.every((a) => a.message === 'overloaded' || a.message === 'unauthorized'));
		assert.ok(refused.every(({ data }) => data.retry_ms >= 1000 && data.retry_ms < 5000));
		assert.ok(new Set(refused.map(({ data }) => data.retry_ms)).size > refused.length / 2, 'they come apart');

		const again = all[answers.findIndex((a) => a.message === 'overloaded')];
		again.send(`40{"token":"${ada.token}"}`);
		assert.match(await again.packet(), /^40\{"sid"/);
		assert.match(await again.packet(), /^42\["hello"/);
	} finally {
		for (const ws of all) ws.end();
		await server.stop();
	}
});
