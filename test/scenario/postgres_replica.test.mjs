// Reads from a replica: web asks the first host of read_url that is one, the primary when there is
// none, and nobody notices which.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { REPLICABLE, startPostgres } from '../harness/postgres.mjs';
import { until } from '../harness/roles.mjs';

const PASS = 'correct horse';
const EMAIL = 'reader@example.org';

const readersAt = (pg) => Number(pg.sql("SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'plimsoll_web'"));

test('web reads from a replica, and from the primary when there is none', async () => {
	const primary = await startPostgres({ args: REPLICABLE });
	let replica, server;
	try {
		const name = primary.newDatabase();
		replica = await primary.replica();
		// A commit is acknowledged when the replica shows it, as the runbook asks for.
		primary.set('synchronous_standby_names', '*');
		primary.set('synchronous_commit', 'remote_apply');
		const hosts = [replica, primary].map((pg) => path.join(pg.dir, 'socket')).join(',');
		server = await startPlimsoll({
			conf: {
				store: {
					...primary.store(name),
					read_url: `postgresql://plimsoll_web@/${name}?host=${hosts}&target_session_attrs=prefer-standby`,
				},
			},
		});
		for (let i = 0; i < 5; i++) await signUp(server, `${i}.${EMAIL}`, PASS);
		const client = new Client(server.url);
		assert.equal((await client.login(`0.${EMAIL}`, PASS)).json.success, true);
		assert.ok(readersAt(replica) > 0, 'nobody reads from the replica');
		assert.equal(readersAt(primary), 0, 'somebody reads from the primary');

		primary.set('synchronous_standby_names', null); // or commits would wait for the one that goes
		await replica.halt('SIGQUIT');
		await until('reads from the primary', async () => (await client.get('/wsapi/list_emails')).status === 200);
		assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [`0.${EMAIL}`]);
		await signUp(server, `last.${EMAIL}`, PASS);
		assert.ok(readersAt(primary) > 0);
		await server.stop();
		server = null;
	} finally {
		await server?.stop();
		await replica?.remove();
		await primary.remove();
	}
});
