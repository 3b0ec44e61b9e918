// [identity] test_doors: what load generators and tests do that no user can, and that no server without
// the key has any of it.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { freshEmail, HOUR, isFailure, isOk, isText, PASS } from './lib/wsapi.mjs';

const DOORS = [
	['GET', 'test_user_id'],
	['GET', 'test_last_used_as'],
	['POST', 'test_check_password'],
	['POST', 'test_set_password_hash'],
	['POST', 'test_set_last_used_as'],
	['GET', 'test_provider_last_seen'],
	['POST', 'test_set_provider_last_seen'],
	['POST', 'test_set_time_offset'],
];
let server;

before(async () => {
	server = await startPlimsoll({ conf: { identity: { test_doors: 'yes', token_lifetime: '1h' } } });
});
after(() => server?.stop());

const anybody = () => new Client(server.url);
const get = (name, email) => anybody().get(`/wsapi/${name}?email=${encodeURIComponent(email)}`);
const post = (name, fields) => anybody().post(`/wsapi/${name}`, fields);

test('closed, they are calls that do not exist', async () => {
	const closed = await startPlimsoll();
	try {
		const client = new Client(closed.url);
		await client.context();
		for (const [method, name] of DOORS) {
			const answer = method === 'GET' ? await client.get(`/wsapi/${name}?email=a%40example.org`) : await client.post(`/wsapi/${name}`, { ms: 1 });
			isText(answer, 400, 'Bad Request: no such api', name);
		}
	} finally {
		await closed.stop();
	}
});

test('open, it is said loudly', () => {
	assert.match(server.stderr(), /level=warn .*test_doors_are_open/);
});

test('the number of an account, by its address', async () => {
	const email = freshEmail();
	const client = await signUp(server, email, PASS);
	const { userid } = (await client.context()).json;
	assert.deepEqual((await get('test_user_id', email.toUpperCase())).json, { success: true, userid });
	isFailure(await get('test_user_id', freshEmail()), 200, 'no such user');
});

test('when a provider was last seen at work', async () => {
	const seen = async () => (await anybody().get('/wsapi/test_provider_last_seen?domain=Provider.example')).json;
	assert.deepEqual(await seen(), { success: true, last_seen: 0 });
	isOk(await post('test_set_provider_last_seen', { domain: 'provider.EXAMPLE', ms: 1234567 }));
	assert.deepEqual(await seen(), { success: true, last_seen: 1234567 });
	isOk(await post('test_set_provider_last_seen', { domain: 'provider.example', ms: 0 }));
	assert.deepEqual(await seen(), { success: true, last_seen: 0 });
});

test('a password is checked without a log-in and without counting', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	isOk(await post('test_check_password', { email, pass: PASS }));
	for (let i = 0; i < 12; i++) isFailure(await post('test_check_password', { email, pass: 'wrong horse' }), 200, 'password mismatch');
	assert.equal((await anybody().login(email, PASS)).json.success, true, 'nobody was locked out');
	isFailure(await post('test_check_password', { email: freshEmail(), pass: PASS }), 200, 'no such user');
});

test('a hash made elsewhere takes the place of the password; sessions go on', async () => {
	const email = freshEmail();
	const client = await signUp(server, email, PASS);
	const other = freshEmail();
	await signUp(server, other, 'another horse');
	const exported = await runCommand(['user', 'export', '-c', server.confPath]);
	const hash = exported.stdout.trim().split('\n').map((line) => JSON.parse(line)).find((a) => a.emails[0].address === other).password_hash;
	for (const bad of ['', 'x', `$1$${'a'.repeat(40)}`, 'y'.repeat(200)]) {
		isFailure(await post('test_set_password_hash', { email, hash: bad }), 400, 'hash: not a bcrypt hash ($2a$, $2b$, $2y$)');
	}
	isOk(await post('test_set_password_hash', { email, hash }));
	isFailure(await post('test_check_password', { email, pass: PASS }), 200, 'password mismatch');
	isOk(await post('test_check_password', { email, pass: 'another horse' }));
	assert.equal((await client.context()).json.authenticated, true);
	isFailure(await post('test_set_password_hash', { email: freshEmail(), hash }), 200, 'no such user');
});

test('last used as', async () => {
	const email = freshEmail();
	await signUp(server, email, PASS);
	const asked = async () => (await get('test_last_used_as', email)).json;
	assert.deepEqual(await asked(), { success: true, last_used_as: 'secondary' });
	isOk(await post('test_set_last_used_as', { email, used_as: 'primary' }));
	assert.deepEqual(await asked(), { success: true, last_used_as: 'primary' });
	const info = (await get('address_info', email)).json;
	assert.equal(info.state, 'transition_to_secondary');
	isFailure(await post('test_set_last_used_as', { email, used_as: 'x' }), 400, 'used_as: must be primary or secondary');
	isOk(await post('test_set_last_used_as', { email, used_as: 'secondary' }));
});

test('a shifted clock: tokens and sessions expire in all processes, and nothing hangs', async () => {
	const email = freshEmail();
	const client = anybody();
	await client.stage(email, PASS);
	const token = await mailedToken(server, email);
	const short = await signUp(server, freshEmail(), PASS);
	await short.post('/wsapi/logout', {});
	const other = freshEmail();
	await signUp(server, other, PASS);
	assert.equal((await short.login(other, PASS, { ephemeral: true })).json.success, true);
	const before_ = (await anybody().context()).json.server_time;
	isOk(await post('test_set_time_offset', { ms: 2 * HOUR }));
	for (let i = 0; i < 10; i++) {
		const { server_time } = (await anybody().context()).json;
		assert.ok(server_time >= before_ + 2 * HOUR && server_time < before_ + 2.1 * HOUR, 'in every process');
	}
	isFailure(await client.post('/wsapi/complete_user_creation', { token }), 200, 'no such secret');
	assert.equal((await short.context()).json.authenticated, false);
	isOk(await post('test_set_time_offset', { ms: 0 }));
	assert.ok(Math.abs((await anybody().context()).json.server_time - Date.now()) < HOUR / 60);
	isFailure(await post('test_set_time_offset', { ms: 'soon' }), 400, 'ms: not a whole number');
});
