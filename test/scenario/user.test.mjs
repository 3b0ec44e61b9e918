// plimsoll user: what an operator does with accounts, beside a server that runs and for one that does not.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { Client, mailedToken } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { freshEmail, isFailure, isOk, PASS, SITE } from './lib/wsapi.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-user-'));
const conf = { identity: { signup: 'invite' } };
const TO_COMPARE = '$2b$04$PGxQ8iXTCKIUI8m3SbKLa.';
let server;

before(async () => {
	server = await startPlimsoll({ dir, conf });
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

const user = (words, input) => runCommand(['user', ...words, '-c', server.confPath], { input });

async function good(words, input) {
	const end = await user(words, input);
	assert.deepEqual([end.code, end.stderr], [0, ''], words.join(' '));
	return end.stdout;
}

async function bad(words, pattern, input) {
	const end = await user(words, input);
	assert.equal(end.code, 1, words.join(' '));
	assert.match(end.stderr, pattern);
}

const login = (email, pass = PASS) => new Client(server.url).login(email, pass);

test('create: an account for somebody, in a server that takes nobody by itself', async () => {
	const email = freshEmail();
	assert.equal((await new Client(server.url).stage(email, PASS)).json.success, false);
	assert.match(await good(['create', email], `${PASS}\n`), new RegExp(`^${email}: account \\d+\\n$`));
	assert.equal((await login(email)).json.success, true);
	await bad(['create', email.toUpperCase()], /account \d+ has the address/, `${PASS}\n`);
	await bad(['create', 'nonsense'], /"nonsense" is no e-mail address/, `${PASS}\n`);
	await bad(['create', freshEmail()], /must have 8 to 80 characters/, 'short\n');
	await bad(['create', freshEmail()], /must have 8 to 80 characters/, '');
});

test('show and list', async () => {
	const email = freshEmail();
	await good(['create', email], `${PASS}\n`);
	const text = await good(['show', email.toUpperCase()]);
	assert.match(text, new RegExp(`address: ${email}, verified, last used as secondary`));
	assert.match(text, /password: plain\n/);
	assert.match(text, /locked: no\n/);
	assert.match(await good(['list']), new RegExp(`^\\d+ ${email}$`, 'm'));
	await bad(['show', 'nobody@example.org'], /no account has the address nobody@example\.org/);
});

test('lock ends sessions and keeps everybody out, by every way in; unlock opens', async () => {
	const email = freshEmail();
	await good(['create', email], `${PASS}\n`);
	const client = new Client(server.url);
	await client.login(email, PASS);
	assert.match(await good(['lock', email]), /locked/);
	assert.equal((await client.context()).json.authenticated, false);
	const locked = { success: false, reason: 'account is locked', code: 'account locked' };
	assert.deepEqual((await login(email)).json, locked);
	isOk(await client.post('/wsapi/stage_reset', { email, site: SITE }));
	const token = await mailedToken(server, email);
	assert.deepEqual((await client.post('/wsapi/complete_reset', { token, pass: 'another password' })).json, locked);
	await good(['unlock', email]);
	assert.equal((await login(email)).json.success, true);
	await bad(['lock', 'nobody@example.org'], /no account has the address/);
});

test('unlock also forgets wrong passwords', async () => {
	const email = freshEmail();
	await good(['create', email], `${PASS}\n`);
	for (let i = 0; i < 10; i++) await login(email, 'wrong password');
	assert.equal((await login(email)).json.code, 'account locked');
	await good(['unlock', email]);
	assert.equal((await login(email)).json.success, true);
});

test('delete', async () => {
	const email = freshEmail();
	await good(['create', email], `${PASS}\n`);
	assert.match(await good(['delete', email]), /deleted/);
	isFailure(await login(email), 200, 'no such user');
	await bad(['delete', email], /no account has the address/);
});

test('invite: a link, once, by which its receiver chooses a password', async () => {
	const email = freshEmail();
	const link = (await good(['invite', email])).trim();
	assert.ok(link.startsWith(`${server.url}/verify_email_address?token=`), link);
	const token = link.split('token=')[1];
	const client = new Client(server.url);
	const asked = (await client.get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.deepEqual([asked.email, asked.needs_password, asked.kdf], [email, true, 'onepw-2']);
	const none = await client.post('/wsapi/complete_user_creation', { token });
	assert.deepEqual([none.status, none.text], [401, 'Authentication Required: Provide your password']);
	isOk(await client.post('/wsapi/complete_user_creation', { token, pass: PASS }));
	isFailure(await client.post('/wsapi/complete_user_creation', { token, pass: PASS }), 200, 'no such secret');
	assert.equal((await login(email)).json.success, true);
	await bad(['invite', email], /account \d+ has the address/);
});

test('verify: an address that was to be verified again', async () => {
	const [first, second] = [freshEmail(), freshEmail()];
	await good(['import'], `${JSON.stringify({ emails: [first, { address: second, verified: false }], password_hash: `${TO_COMPARE}${'x'.repeat(31)}` })}\n`);
	assert.match(await good(['show', first]), new RegExp(`address: ${second}, not verified`));
	await good(['verify', second]);
	assert.match(await good(['show', first]), new RegExp(`address: ${second}, verified`));
});

test('export here is import there: passwords, addresses, locks', async () => {
	const [plain, locked] = [freshEmail(), freshEmail()];
	for (const email of [plain, locked]) await good(['create', email], `${PASS}\n`);
	await good(['lock', locked]);
	const lines = (await good(['export'])).trim().split('\n').filter((line) => line.includes(plain) || line.includes(locked));
	assert.equal(lines.length, 2);
	for (const email of [plain, locked]) await good(['delete', email]);
	assert.match(await good(['import'], `${lines.join('\n')}\n`), /^2 of 2 accounts taken/);
	assert.equal((await login(plain)).json.success, true);
	assert.equal((await login(locked)).json.code, 'account locked');
});

test('import: hashes of other servers are taken, lines that are none are named', async () => {
	const email = freshEmail();
	const hash = JSON.parse((await good(['export'])).split('\n')[0]).password_hash;
	const lines = [
		JSON.stringify({ emails: [email], password_hash: hash.replace('$2b$', '$2a$') }),
		'no json', '{}', '{"emails":[]}', JSON.stringify({ emails: ['x'], password_hash: hash }),
		JSON.stringify({ emails: [freshEmail()], password_hash: '{SHA}abc' }),
		JSON.stringify({ emails: [freshEmail()] }),
		JSON.stringify({ emails: [freshEmail(), email], password_hash: hash }),
	];
	const end = await user(['import'], `${lines.join('\n')}\n`);
	assert.equal(end.code, 1);
	assert.match(end.stdout, /^1 of 8 accounts taken/);
	for (let n = 2; n <= 8; n++) assert.match(end.stderr, new RegExp(`^line ${n}: `, 'm'));
	assert.equal((await login(email)).json.success, true, 'the password of the first account made here');
});

test('create-many, for load generators', async () => {
	assert.equal(await good(['create-many', '0', '2500']), '2500 accounts made\n');
	assert.equal(await good(['create-many', '2490', '2510']), '10 accounts made\n', 'those that are there stay');
	for (const n of [0, 1234, 2509]) assert.equal((await login(`${n}@loadtest.domain`, 'THE PASSWORD')).json.success, true);
	await bad(['create-many', '0', 'many'], /"many" is no whole number/);
});

test('a command line that is wrong', async () => {
	for (const words of [[], ['nonsense'], ['show'], ['show', 'a', 'b'], ['create-many', '1']]) {
		const end = await user(words);
		assert.equal(end.code, 2, words.join(' '));
		assert.match(end.stderr, /plimsoll user create-many FROM TO/);
	}
});

test('without a server: the same, also before its first start', async () => {
	const email = freshEmail();
	await server.stop();
	await good(['create', email], `${PASS}\n`);
	assert.match(await good(['list']), new RegExp(email));
	server = await startPlimsoll({ dir, conf });
	assert.equal((await login(email)).json.success, true);
	const fresh = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-user-fresh-'));
	const end = await user(['create', email, '--set', `plimsoll.data_dir=${path.join(fresh, 'data')}`], `${PASS}\n`);
	assert.deepEqual([end.code, end.stderr], [0, '']);
	rmSync(fresh, { recursive: true, force: true });
});
