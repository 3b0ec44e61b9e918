// A person's way through the pages once more, on PostgreSQL: the calls behind them are tested one by
// one in wsapi_calls_postgres.test.mjs.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { newContext, signedInAs } from './lib/browser.mjs';
import { startWorld } from './lib/world.mjs';

process.env.PLIMSOLL_TEST_ENGINE = 'postgres';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

test('sign up at a site on PostgreSQL: address, password, mail, confirmed, signed in there', async () => {
	const context = await newContext(world.browser);
	const site = await world.signUp(context, 'elephant@example.org');
	assert.ok(await signedInAs(site, 'elephant@example.org'));
	assert.equal(world.server.store.engine, 'postgres');
	assert.deepEqual(context.complaints, []);
	await context.close();
});
