// The preset seed-004-stored on a store that sync_fill made, small and short: what the runs of doc/capacity/sync.md
// stand on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { metrics } from '../bench/lib.mjs';
import { runLab, startStored, verbs } from '../bench/sync_stored.mjs';
import { plimsollBin } from '../harness/plimsoll.mjs';

test('users that were stored sync, get their next token, and the store is sound', async () => {
	const server = await startStored({ stored: 50, records: 10, speedUp: 200 });
	try {
		// Every token that was given out before has ended, so that each sync begins with the next one.
		const text = readFileSync(server.model, 'utf8');
		writeFileSync(server.model, text.replace('0.8 * 3600 * 1000 * math.random()', '-1').replace('0.8 * 1000 * token.duration', '-1'));
		assert.notEqual(readFileSync(server.model, 'utf8'), text);
		const before = await metrics(server);
		const json = await runLab(server, { users: 20, seconds: 3, args: ['--seed', '3'] });
		const after = await metrics(server);
		assert.deepEqual(json.failures, []);
		const sync = json.activities.find((a) => a.name === 'stored_sync');
		assert.ok(sync.done > 15, `${sync.done} syncs`);
		assert.equal(sync.done, sync.begun);
		const sent = Object.fromEntries(sync.steps.map((s) => [s.name, s.done]));
		for (const step of ['info_collections', 'get_history', 'post_history', 'delete_ids']) assert.equal(sent[step], sync.done, step);
		const [was, is] = [verbs(before), verbs(after)];
		assert.ok(is.INSERT - was.INSERT >= 2 * sync.done, 'records and the row of the user');
		assert.ok(is.SELECT - was.SELECT >= 4 * sync.done);
		assert.ok(is.DELETE - was.DELETE >= sync.done, 'ids that are there are deleted');
		assert.ok(sent.token > 0 && sent.oauth_token > 0, 'nobody asked for a token');
		const words = execFileSync(plimsollBin(), ['sync', 'usage', '-c', server.confPath], { encoding: 'utf8' });
		assert.match(words, /50 users, \d+ records/);
	} finally {
		await server.stop();
		execFileSync(plimsollBin(), ['check', '--data', '-c', server.confPath], { stdio: ['ignore', 'ignore', 'inherit'] });
		await server.end();
	}
});
