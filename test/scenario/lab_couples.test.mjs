// The shipped model of couples against a real server: every activity over every transport, and what is left of
// it in the couples' streams; storms of sign-ups and of returns.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { Member, startPairs } from '../harness/pairs.mjs';
import { byName, load, ROOT, scratch } from './lib/lab.mjs';

const USERS = 40;
const quick = path.join(scratch, 'couples.lua');
let server;

before(async () => {
	// A copy whose waits are short.
	let text = readFileSync(path.join(ROOT, 'models/couples.lua'), 'utf8');
	for (const [usual, short] of [['SESSION = 180', 'SESSION = 0.5'], ['GAP, GAP_MOST = 5, 40', 'GAP, GAP_MOST = 0.05, 0.1'], ['MAIL, MAIL_MOST = 20, 300', 'MAIL, MAIL_MOST = 0.05, 0.1']]) {
		assert.ok(text.includes(`local ${usual}`));
		text = text.replace(`local ${usual}`, `local ${short}`);
	}
	writeFileSync(quick, text);
	server = await startPairs({ conf: { pairs: { test_doors: 'yes', packets_per_second: 0 } } });
	execFileSync(plimsollBin(), ['user', 'create-many', '0', String(USERS), '-c', server.confPath], { stdio: 'ignore' });
});
after(() => server?.stop());

function clean({ json, stderr }) {
	assert.ok(json, stderr);
	assert.deepEqual(json.failures, []);
	for (const a of json.activities) assert.equal(a.done, a.begun, a.name);
	return json;
}

const stepOf = (activity, name) => activity.steps.find((one) => one.name === name)?.done ?? 0;

// The whole stream of a user's couple.
async function streamOf(n) {
	const member = new Member(server, `${n}@loadtest.domain`);
	const { json } = await member.logIn('THE PASSWORD');
	const items = [];
	for (let more = 0; more !== null; ) {
		const page = (await member.get(`/activities?after=${more}&limit=200`)).json;
		items.push(...page.items);
		more = page.next;
	}
	return { items, head: json.couple.head };
}

test('a day of couples in three seconds: nothing fails, and the streams have what was sent, each number once', async () => {
	const json = clean(await load(quick, server.pairsUrl, ['--warm', String(USERS), '--users', '100k', '--for', '3s']));
	const session = byName(json, 'session');
	assert.ok(session.done > 10 && byName(json, 'photo').done + byName(json, 'look').done > 0);
	const streams = await Promise.all(Array.from({ length: USERS / 2 }, (_, i) => streamOf(2 * i)));
	let messages = 0;
	for (const { items, head } of streams) {
		assert.deepEqual(items.map(({ seq }) => seq), Array.from({ length: head }, (_, i) => i + 1));
		messages += items.filter(({ event, data }) => event === 'activity' && data.type === 'message').length;
	}
	assert.equal(messages, stepOf(session, 'message'));
});

test('a storm of sign-ups: who is let in becomes a member, with a partner', async () => {
	const json = clean(await load(quick, server.pairsUrl, ['--preset', 'sign-up-storm', '--users', '10k', '--for', '2s']));
	const signup = byName(json, 'signup');
	assert.ok(signup.done > 5 && stepOf(signup, 'verify') > 0);
	assert.equal(stepOf(signup, 'hug'), 2 * stepOf(signup, 'accept'));
});

test('a storm of returns: each gets its greeting', async () => {
	const json = clean(await load(quick, server.pairsUrl, ['--preset', 'reconnect-storm', '--warm', String(USERS), '--users', '400', '--for', '2s']));
	const comeback = byName(json, 'comeback');
	assert.ok(comeback.done > 10);
	assert.equal(stepOf(comeback, 'reconnect'), comeback.done);
});
