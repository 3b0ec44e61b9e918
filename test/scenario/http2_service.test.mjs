// The identity service over HTTP/2: all that a page of a site calls, on one connection.
import test from 'node:test';
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const EMAIL = 'second@example.org';
const PASS = 'correct horse';

test('sign-up, sign-in and files over HTTP/2', async () => {
	const server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: 4 } } });
	const session = http2.connect(server.url);
	try {
		await signUp(server, EMAIL, PASS, { session });
		const client = new Client(server.url, { session });
		assert.equal((await client.login(EMAIL, 'wrong')).json.success, false);
		const done = await client.login(EMAIL, PASS);
		assert.equal(done.json.success, true, done.text);
		assert.equal((await client.context()).json.authenticated, true);
		const file = await client.get('/include.js');
		assert.equal(file.status, 200);
		const again = await client.get('/include.js', { headers: { 'if-none-match': file.headers.etag } });
		assert.deepEqual([again.status, again.bytes.length], [304, 0]);
		const over1 = await fetch(`${server.url}/include.js`);
		assert.equal(Buffer.from(await over1.arrayBuffer()).toString(), file.text, 'HTTP/1.1 beside it');
		// Many at once, into every role.
		const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => client.get(i % 2 ? '/wsapi/list_emails' : `/wsapi/address_info?email=${EMAIL}`)));
		for (const answer of answers) assert.equal(answer.status, 200, answer.text);
	} finally {
		session.destroy();
		await server.stop();
	}
});
