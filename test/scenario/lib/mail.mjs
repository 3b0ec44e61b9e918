// What the mail tests share.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../harness/client.mjs';
import { PATIENCE } from '../../harness/patience.mjs';

// Somebody whom a busy server asks to come again does so.
export async function stage(server, email) {
	let answer;
	while ((answer = await new Client(server.url).stage(email, 'correct horse')).status === 503) {
		assert.ok(answer.headers['retry-after'] > 0, answer.text);
		await sleep(answer.headers['retry-after'] * 1000);
	}
	assert.equal(answer.status, 200, answer.text);
	return answer;
}

export async function outbox(server) {
	return (await fetch(`${server.adminUrl}/outbox.json`)).json();
}

// The row of a mail once it passes the test.
export async function waitForRow(server, to, passes, seconds = 20) {
	let row;
	for (const end = Date.now() + seconds * PATIENCE * 1000; Date.now() < end; await sleep(50)) {
		row = (await outbox(server)).find((m) => m.to === to);
		if (row && passes(row)) return row;
	}
	throw new Error(`the mail to ${to}: ${JSON.stringify(row)}`);
}

export function waitForState(server, to, states, seconds) {
	return waitForRow(server, to, (row) => states.includes(row.state), seconds);
}
