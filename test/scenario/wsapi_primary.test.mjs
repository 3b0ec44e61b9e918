// Addresses whose domain has an identity provider of its own, which the configuration names: signing in
// and adding by the provider's assertion, moving to this server and back, and who may speak for whom.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { askCertificate, assertion, bundle, MINUTE, newKey, signed } from '../harness/assertion.mjs';
import { Client, mailedToken, signUp } from '../harness/client.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { freshEmail, isFailure, isOk, isText, PASS, SITE, TOKEN } from './lib/wsapi.mjs';

const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-primary-'));
const providerKey = newKey();
const userKey = newKey();
const ORIGIN = 'https://idp.primary.example:8443';
let server;

function document(name, content) {
	const file = path.join(dir, name);
	writeFileSync(file, JSON.stringify(content));
	return file;
}

before(async () => {
	const own = document('primary.json', { 'public-key': providerKey.publicKey, authentication: '/in', provisioning: '/prov' });
	const gone = document('gone.json', { disabled: true });
	const delegated = document('delegated.json', { authority: 'primary.example' });
	const circle = document('circle.json', { authority: 'circle.example' });
	const shims = [`primary.example|${ORIGIN}|${own}`, `gone.example|https://gone.example|${gone}`, `delegated.example|https://x.example|${delegated}`, `circle.example|https://x.example|${circle}`];
	const list = path.join(dir, 'shims');
	writeFileSync(list, `${shims.join('\n')}\n`);
	server = await startPlimsoll({ conf: { identity: { shimmed_primaries: `@${list}`, proxy_idps: 'mail.example=primary.example', test_doors: 'yes' } } });
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

let counter = 0;
const primaryEmail = (domain = 'primary.example') => `p${++counter}@${domain}`;
const newClient = () => new Client(server.url);
const cert = (email, { iss = 'primary.example', key = providerKey, of = userKey, principal = { email } } = {}) =>
	signed({ 'public-key': of.publicKey, principal, iat: Date.now() - MINUTE, exp: Date.now() + 10 * MINUTE, iss }, key);
const proof = (email, { aud = server.url, ...more } = {}) => bundle([cert(email, more)], assertion(userKey, aud));
const signIn = (client, email, more = {}) => client.post('/wsapi/auth_with_assertion', { assertion: proof(email, more), ephemeral: false });
const info = async (email) => (await newClient().get(`/wsapi/address_info?email=${encodeURIComponent(email)}`)).json;
const emailsOf = async (client) => (await client.get('/wsapi/list_emails')).json.emails;

test('signing in by the provider: an account without a password, at level assertion', async () => {
	const email = primaryEmail();
	assert.deepEqual(await info(email), { type: 'primary', issuer: 'primary.example', auth: `${ORIGIN}/in`, prov: `${ORIGIN}/prov`, state: 'unknown' });
	const client = newClient();
	const answer = await signIn(client, email);
	assert.equal(answer.json?.success, true, answer.text);
	assert.deepEqual(Object.keys(answer.json).sort(), ['success', 'suppress_ask_if_users_computer', 'userid']);
	const context = (await client.context()).json;
	assert.deepEqual([context.auth_level, context.has_password, context.userid], ['assertion', false, answer.json.userid]);
	assert.deepEqual(await emailsOf(client), [email]);
	assert.equal((await info(email)).state, 'known');
	assert.equal((await signIn(newClient(), email.toUpperCase())).json.userid, answer.json.userid, 'the same account again');
	isFailure(await newClient().login(email, PASS), 200, 'no password set for user');
	isText(await askCertificate(client, email, userKey), 400, 'Bad Request: requires authentication', 'level password is needed');
	isFailure(await client.post('/wsapi/update_password', { oldpass: PASS, newpass: 'another password' }), 200, 'no password set for user');
});

test('delegated and bridged domains speak through their authority', async () => {
	for (const domain of ['delegated.example', 'mail.example', 'Mail.Example']) {
		const email = primaryEmail(domain);
		assert.deepEqual([(await info(email)).type, (await info(email)).issuer], ['primary', 'primary.example'], domain);
		assert.equal((await signIn(newClient(), email)).json.success, true, domain);
	}
});

test('auth_with_assertion: what it refuses, in words', async () => {
	const email = primaryEmail();
	const refused = async (fields, reason) => isFailure(await signIn(newClient(), email, fields), 200, reason);
	await refused({ aud: 'http://other.example' }, "can't log in with an assertion for 'http://other.example'");
	await refused({ key: newKey() }, 'bad signature in chain');
	await refused({ iss: 'unknown.example' }, "can't get public key for unknown.example: this server looks up no other identity providers");
	await refused({ principal: { email: 'victim@else.example' } }, "issuer 'primary.example' may not speak for emails from 'else.example'");
	await refused({ principal: { 'unverified-email': email } }, 'unverified email');
	await refused({ iss: 'circle.example' }, "can't get public key for circle.example: too many delegations, or they lead in a circle");
	await refused({ iss: 'gone.example' }, "can't get public key for gone.example: the domain has switched its identity provider off");
	const expired = bundle([cert(email)], assertion(userKey, server.url, { exp: Date.now() - MINUTE }));
	isFailure(await newClient().post('/wsapi/auth_with_assertion', { assertion: expired, ephemeral: false }), 200, 'assertion has expired');
	isFailure(await newClient().post('/wsapi/auth_with_assertion', { assertion: 'short', ephemeral: false }), 400, 'assertion: not a valid assertion');
	isFailure(await newClient().post('/wsapi/auth_with_assertion', { assertion: proof(email), ephemeral: 'no' }), 400, 'ephemeral: boolean required');
	assert.equal((await info(email)).state, 'unknown', 'and no account was made');
});

test('a certificate of our own opens no account, and does not speak for a domain with a provider', async () => {
	const email = freshEmail();
	const client = await signUp(server, email, PASS);
	const own = (await askCertificate(client, email, userKey)).text;
	const answer = await newClient().post('/wsapi/auth_with_assertion', { assertion: bundle([own], assertion(userKey, server.url)), ephemeral: false });
	isFailure(answer, 200, "can't log in with an assertion of this server's own");
});

test('an address is added by its provider, and taken from whoever had it', async () => {
	const email = primaryEmail();
	const loser = newClient();
	await signIn(loser, email);
	const winner = await signUp(server, freshEmail(), PASS);
	isOk(await winner.post('/wsapi/add_email_with_assertion', { assertion: proof(email) }));
	assert.ok((await emailsOf(winner)).includes(email));
	assert.equal((await loser.context()).json.authenticated, false, 'it was the last one');
	isFailure(await winner.post('/wsapi/add_email_with_assertion', { assertion: proof(email, { key: newKey() }) }), 200, 'bad signature in chain');
	isText(await newClient().post('/wsapi/add_email_with_assertion', { assertion: proof(email) }), 400, 'Bad Request: requires authentication');
	assert.equal((await winner.context()).json.auth_level, 'password', 'an assertion lowers nothing');
});

test('the first password of an account comes with its first secondary address', async () => {
	const [primary, secondary] = [primaryEmail(), freshEmail()];
	const client = newClient();
	await signIn(client, primary);
	const stage = (more) => client.post('/wsapi/stage_email', { email: secondary, site: SITE, ...more });
	isFailure(await stage({}), 200, 'user must choose a password');
	isOk(await stage({ pass: PASS }));
	const token = await mailedToken(server, secondary);
	const asked = (await client.get(`/wsapi/email_for_token?token=${token}`)).json;
	assert.deepEqual([asked.must_auth, asked.needs_password], [true, false], 'an assertion is not enough');
	isText(await client.post('/wsapi/complete_email_confirmation', { token }), 401, 'Authentication Required: password required');
	isText(await client.post('/wsapi/complete_email_confirmation', { token, pass: 'wrong password' }), 401, 'Authentication Required: password mismatch');
	isOk(await client.post('/wsapi/complete_email_confirmation', { token, pass: PASS }));
	const context = (await client.context()).json;
	assert.deepEqual([context.auth_level, context.has_password], ['password', true]);
	assert.equal((await newClient().login(secondary, PASS)).json.success, true);
	isFailure(await stage({ pass: PASS }), 200, 'a password may not be set at this time');
	isFailure(await client.post('/wsapi/stage_transition', { email: primary, site: SITE, pass: PASS }), 200, 'a password may not be set at this time');
});

test('the provider has gone: a password by mail takes its place', async () => {
	const email = primaryEmail();
	const old = newClient();
	await signIn(old, email);
	const client = newClient();
	const status = async () => (await client.get(`/wsapi/transition_status?email=${email}`)).json.status;
	assert.equal(await status(), 'mustAuth');
	const stage = (who) => client.post('/wsapi/stage_transition', { email: who, site: SITE, pass: PASS });
	isFailure(await stage(freshEmail()), 200, 'No such email address.');
	isOk(await stage(email));
	assert.equal((await stage(email)).status, 429);
	assert.equal(await status(), 'pending');
	isFailure(await newClient().login(email, PASS), 200, 'no password set for user', 'not before the mail is answered');
	const token = await mailedToken(server, email);
	assert.equal((await client.get(`/wsapi/email_for_token?token=${token}`)).json.must_auth, false);
	const other = newClient();
	isText(await other.post('/wsapi/complete_transition', { token }), 401, 'Authentication Required: Provide your password');
	isText(await other.post('/wsapi/complete_transition', { token, pass: 'wrong password' }), 401, 'Authentication Required: password mismatch');
	isOk(await client.post('/wsapi/complete_transition', { token }));
	isFailure(await client.post('/wsapi/complete_transition', { token }), 200, 'no such secret');
	assert.equal(await status(), 'complete');
	assert.equal((await newClient().login(email, PASS)).json.success, true);
	isText(await old.get('/wsapi/list_emails'), 400, 'Bad Request: requires authentication', 'the sessions of before are over');
	assert.equal((await info(email)).state, 'transition_to_primary', 'and the provider is there again');
	isOk(await client.post('/wsapi/used_address_as_primary', { email }));
	assert.equal((await info(email)).state, 'known');
	isFailure(await client.post('/wsapi/complete_transition', { token: TOKEN }), 200, 'no such secret');
});

test('used_address_as_primary; no certificate of ours for an address with a provider', async () => {
	const [primary, secondary] = [primaryEmail(), freshEmail()];
	const client = await signUp(server, secondary, PASS);
	isOk(await client.post('/wsapi/add_email_with_assertion', { assertion: proof(primary) }));
	const own = await askCertificate(client, primary, userKey);
	isText(own, 400, 'Bad Request: Invalid issuer, unable to issue certificate');
	isText(await askCertificate(client, primary, userKey, { forceIssuer: 'primary.example' }), 400, 'Bad Request: Invalid issuer, unable to issue certificate');
	isOk(await client.post('/wsapi/used_address_as_primary', { email: primary }));
	assert.equal((await info(primary)).state, 'known');
	isText(await client.post('/wsapi/used_address_as_primary', { email: secondary }), 400, 'Bad Request: the domain of that email is not a primary');
	isText(await client.post('/wsapi/used_address_as_primary', { email: primaryEmail() }), 400, 'Bad Request: that email does not belong to you');
});

test('a verified assertion of a provider: /verify believes it', async () => {
	const email = primaryEmail();
	const verify = async (text) => (await newClient().request('POST', '/verify', { body: JSON.stringify({ assertion: text, audience: SITE }) })).json;
	const good = await verify(proof(email, { aud: SITE }));
	assert.deepEqual([good.status, good.email, good.issuer], ['okay', email, 'primary.example'], JSON.stringify(good));
});

test('discovery: the provider of a domain, or this server', async () => {
	const of = async (domain) => (await newClient().get(`/wsapi/discovery?domain=${domain}`)).json;
	const theirs = { 'public-key': providerKey.publicKey, authentication: `${ORIGIN}/in`, provisioning: `${ORIGIN}/prov` };
	for (const domain of ['primary.example', 'delegated.example', 'mail.example']) assert.deepEqual(await of(domain), theirs);
	const ours = { 'public-key': (await newClient().get('/pk')).json, authentication: `${server.url}/auth#NATIVE`, provisioning: `${server.url}/provision` };
	for (const domain of ['else.example', 'gone.example', 'circle.example']) assert.deepEqual(await of(domain), ours);
	isFailure(await newClient().get('/wsapi/discovery?domain=-bad-'), 400, 'domain: not a valid hostname');
	assert.equal((await info('x@gone.example')).disabled, true);
});

test('the door fake_verification tells the token that was mailed', async () => {
	const email = freshEmail();
	const client = newClient();
	const ask = () => newClient().get(`/wsapi/fake_verification?email=${encodeURIComponent(email.toUpperCase())}`);
	assert.deepEqual([(await ask()).status, (await ask()).text], [400, '']);
	isOk(await client.stage(email, PASS));
	const answer = await ask();
	assert.equal(answer.status, 200);
	assert.equal(answer.text, await mailedToken(server, email));
	isOk(await client.post('/wsapi/complete_user_creation', { token: answer.text }));
	assert.equal((await ask()).status, 400);
	assert.match(server.stderr(), /test_doors_are_open/);
});

test('who may make an account: domains, invitations, nobody', async () => {
	const rows = [
		[{ signup: 'domains', signup_domains: 'good.example, Primary.Example' }, 'this server makes no accounts for addresses of that domain'],
		[{ signup: 'invite' }, 'this server makes accounts by invitation only'],
		[{ signup: 'closed' }, 'this server makes no new accounts'],
	];
	const own = document('primary.json', { 'public-key': providerKey.publicKey, authentication: '/in', provisioning: '/prov' });
	const port = await freePort();
	for (const [identity, reason] of rows) {
		const other = await startPlimsoll({ conf: { identity: { ...identity, shimmed_primaries: `primary.example|${ORIGIN}|${own}` } }, ports: { web: port, admin: await freePort() } });
		try {
			const client = new Client(other.url);
			isFailure(await client.stage('a@bad.example', PASS), 200, reason);
			isFailure(await client.stage('a@bad.example', PASS, { allowUnverified: true }), 200, reason);
			const allowed = identity.signup === 'domains';
			assert.equal((await client.stage('a@GOOD.example', PASS)).json.success, allowed);
			const primary = await signIn(client, primaryEmail(), { aud: other.url });
			assert.equal(primary.json.success, allowed, primary.text);
		} finally {
			await other.stop();
		}
	}
});
