// Far beyond the line whoever has begun is served before those who would begin: a browser that signed in a moment
// ago may give its password while others are told to come later.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

const EMAIL = 'ada@example.org';
const PASS = 'correct horse';
const FLOOD = 16; // callers who begin anew each time
const FLOOD_MS = 8000;
const GOING_ON = 2;

const login = (client) => client.post('/wsapi/authenticate_user', { email: EMAIL, pass: PASS, ephemeral: false });

test('who has signed in a moment ago is served where beginnings are refused', async () => {
	const server = await startPlimsoll({ conf: { grace: { tolerance: 1 }, web: { instances: 1 }, compute: { instances: 1 }, accounts: { bcrypt_cost: 10 } } });
	try {
		await signUp(server, EMAIL, PASS);
		const begun = await Promise.all(Array.from({ length: GOING_ON }, async () => {
			const client = new Client(server.url);
			await client.context();
			assert.ok((await login(client)).json.success);
			return client;
		}));
		const counts = { plain: [0, 0], begun: [0, 0] }; // served, refused
		const end = performance.now() + FLOOD_MS;
		const count = (who, answer) => {
			assert.ok(answer.status === 200 || answer.status === 503, `${answer.status}`);
			if (answer.status === 503) assert.ok(Number(answer.headers['retry-after']) >= 1);
			counts[who][answer.status === 200 ? 0 : 1]++;
		};
		const agent = new http.Agent({ keepAlive: true });
		const beginning = Array.from({ length: FLOOD }, async () => {
			while (performance.now() < end) {
				const client = new Client(server.url, { agent });
				await client.context();
				count('plain', await login(client));
				await sleep(10);
			}
		});
		const goingOn = begun.map(async (client) => {
			await sleep(2000); // the queue stands
			while (performance.now() < end) {
				count('begun', await login(client));
				await sleep(700);
			}
		});
		await Promise.all([...beginning, ...goingOn]);
		agent.destroy();
		const share = ([served, refused]) => served / (served + refused);
		assert.ok(share(counts.plain) < 0.2, JSON.stringify(counts));
		assert.ok(share(counts.begun) > 3 * share(counts.plain), JSON.stringify(counts));
	} finally {
		await server.stop();
	}
});
