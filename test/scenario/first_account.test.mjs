// The first start prints a link that makes the first account, the administrator's, without a mail; not
// where everybody can sign up on the own machine anyhow.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { Client } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { freshEmail, isFailure, isOk, isText, PASS } from './lib/wsapi.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-first-'));
const EMAIL = 'Owner@home.example';
const LINK = /nobody has an account yet: this link makes the administrator's, once, until .* GMT\n  (http:\/\/\S+\/first_account\?token=([A-Za-z0-9]{48}))\n/;
let server;
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

const start = async (conf = { identity: { signup: 'invite' } }) => (server = await startPlimsoll({ dir, conf }));
const printed = () => LINK.exec(server.stdout());
const complete = (fields) => new Client(server.url).post('/wsapi/complete_user_creation', fields);
const user = (...words) => runCommand(['user', ...words, '-c', server.confPath]);

test('not where sign-up works on the own machine', async () => {
	await start({});
	assert.equal(printed(), null, server.stdout());
	await server.stop();
});

test('while nobody has an account each start prints a new link; the last one works', async () => {
	await start();
	const old = printed()[2];
	await server.stop();
	await start();
	const [, link, token] = printed();
	assert.ok(link.startsWith(server.url));
	assert.notEqual(token, old);
	isFailure(await complete({ token: old, email: EMAIL, pass: PASS }), 200, 'no such secret');
	const page = await new Client(server.url).get(link.slice(server.url.length));
	assert.equal(page.status, 200);
	const told = (await new Client(server.url).get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.deepEqual([told.success, told.email, told.chooses_email, told.needs_password], [true, '', true, true]);
});

test('the link makes an account with a chosen address, verified, once', async () => {
	const token = printed()[2];
	isFailure(await complete({ token, pass: PASS }), 400, "missing required parameter: 'email'");
	isText(await complete({ token, email: EMAIL }), 401, 'Authentication Required: Provide your password');
	isFailure(await complete({ token, email: 'x', pass: PASS }), 400, 'email: not a valid email');
	isOk(await complete({ token, email: EMAIL, pass: PASS }));
	isFailure(await complete({ token, email: freshEmail(), pass: PASS }), 200, 'no such secret');
	const client = new Client(server.url);
	assert.equal((await client.login(EMAIL, PASS)).json.success, true);
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [EMAIL]);
	const { stdout } = await user('show', EMAIL);
	assert.match(stdout, /address: Owner@home\.example, verified/);
	assert.match(stdout, /^administrator: yes$/m);
});

test('no link once there is an account', async () => {
	await server.stop();
	await start();
	assert.equal(printed(), null, server.stdout());
});

test('who is an administrator says the operator', async () => {
	const show = async () => /^administrator: (.*)$/m.exec((await user('show', EMAIL)).stdout)[1];
	assert.match((await user('admin', EMAIL, 'off')).stdout, /no administrator any more/);
	assert.equal(await show(), 'no');
	assert.match((await user('admin', EMAIL, 'on')).stdout, /an administrator now/);
	assert.equal(await show(), 'yes');
	assert.match((await user('admin', EMAIL, 'maybe')).stderr, /neither on nor off/);
	assert.match((await user('admin', freshEmail(), 'on')).stderr, /no account has the address/);
});

test('an address that somebody has is not taken by it', async () => {
	await server.stop();
	rmSync(path.join(dir, 'data'), { recursive: true, force: true });
	await start();
	const token = printed()[2];
	assert.equal((await runCommand(['user', 'create', EMAIL, '-c', server.confPath], { input: `${PASS}\n` })).code, 0);
	isFailure(await complete({ token, email: EMAIL, pass: 'another horse' }), 200, 'somebody has that address');
	assert.equal((await new Client(server.url).login(EMAIL, PASS)).json.success, true);
});
