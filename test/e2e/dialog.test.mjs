// The dialog for people who have an account: a forgotten password, one more address, an address that has
// to be confirmed again, one whose provider has gone. Each link is opened in the same browser or in another.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { assertion, bundle, MINUTE, newKey, signed } from '../harness/assertion.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { runCommand } from '../harness/command.mjs';
import {
	chooseNewPassword,
	comeBack,
	confirmWith,
	enterAddress,
	enterPassword,
	look,
	newContext,
	openDialog,
	screenShown,
	signedInAs,
} from './lib/browser.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

const NEW_PASSWORD = 'ebb and flöw 8';
const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-dialog-'));
const provider = newKey();
let world;
const user = (words, input) => runCommand(['user', ...words, '-c', world.server.confPath], { input });

// With a provider that speaks for primary.example.
before(async () => {
	const document = path.join(dir, 'provider.json');
	writeFileSync(document, JSON.stringify({ 'public-key': provider.publicKey, authentication: '/in', provisioning: '/prov' }));
	const shims = `primary.example|https://primary.example|${document}`;
	world = await startWorld({ start: () => startPlimsoll({ conf: { identity: { shimmed_primaries: shims } } }) });
});
after(async () => {
	await world?.stop();
	rmSync(dir, { recursive: true, force: true });
});

// The dialog of the example site, opened in a context.
async function ask(context) {
	const site = await world.openSite(context);
	return [site, await openDialog(site)];
}

async function importAccount(account) {
	const { stdout, stderr } = await user(['import'], `${JSON.stringify(account)}\n`);
	assert.match(stdout, /^1 of 1/, stderr);
}

const notice = (dialog, screen, words) => dialog.locator(`[data-screen=${screen}] [data-notice]:has-text("${words}")`).waitFor();
const click = (dialog, screen, button) => dialog.click(`[data-screen=${screen}] [data-${button}]`);
const pick = (dialog, email) => dialog.check(`[data-screen=pick] input[value="${email}"]`);
const submitPick = (dialog) => dialog.click('[data-screen=pick] button[type=submit]');

async function enterMore(dialog, email) {
	await screenShown(dialog, 'add');
	await dialog.fill('#add-email', email);
	await dialog.press('#add-email', 'Enter');
}

test('forgotten password: a new one by mail, and the dialog goes on by itself', async () => {
	const email = 'forgetful@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	const [site, dialog] = await ask(context);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'password');
	await look(dialog, 'dialog-password');
	await click(dialog, 'password', 'forgot');
	await screenShown(dialog, 'mail');
	assert.match(await dialog.textContent('[data-screen=mail]'), /choose a new password there/);
	await look(dialog, 'dialog-mail-reset');
	await dialog.reload();
	await screenShown(dialog, 'mail');
	const landing = await world.openLink(context, email, '/reset_password');
	await chooseNewPassword(landing, NEW_PASSWORD);
	await screenShown(landing, 'done');
	await comeBack(dialog);
	assert.ok(await signedInAs(site, email));
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('forgotten password: chosen in another browser, this one asks for it; too many mails are told', async () => {
	const email = 'forgetful.too@example.org';
	await signUp(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	const [site, dialog] = await ask(context);
	await enterAddress(dialog, email);
	await screenShown(dialog, 'password');
	await click(dialog, 'password', 'forgot');
	await screenShown(dialog, 'mail');
	await click(dialog, 'mail', 'again');
	await notice(dialog, 'mail', 'less than a minute ago');

	const second = await context.newPage();
	await second.goto(`${world.server.url}/sign_in`);
	await enterAddress(second, email);
	await screenShown(second, 'password');
	await click(second, 'password', 'forgot');
	await notice(second, 'password', 'less than a minute ago');
	await look(second, 'dialog-password-too-soon');

	const elsewhere = await newContext(world.browser);
	const landing = await world.openLink(elsewhere, email, '/reset_password');
	await chooseNewPassword(landing, NEW_PASSWORD);
	await screenShown(landing, 'done');
	await comeBack(dialog);
	await notice(dialog, 'password', 'Enter your new password');
	await look(dialog, 'dialog-password-after-reset');
	await enterPassword(dialog, NEW_PASSWORD);
	assert.ok(await signedInAs(site, email));
	await Promise.all([context.close(), elsewhere.close()]);
});

test('one more address while signed in: added by its mail in this browser', async () => {
	const [email, more] = ['one@example.org', 'one.more@example.org'];
	const client = await signUp(world.server, email, PASSWORD);
	const context = await world.contextOf(client);
	const [site, dialog] = await ask(context);
	await screenShown(dialog, 'pick');
	await look(dialog, 'dialog-pick');
	await click(dialog, 'pick', 'add');
	await screenShown(dialog, 'add');
	assert.equal(await dialog.evaluate(() => document.activeElement.id), 'add-email');
	await look(dialog, 'dialog-add');
	await dialog.keyboard.press('Escape');
	await screenShown(dialog, 'pick');
	await click(dialog, 'pick', 'add');
	await enterMore(dialog, 'no address');
	await dialog.locator('#add-email-error:not([hidden])').waitFor();
	await enterMore(dialog, more);
	await screenShown(dialog, 'mail');
	await click(dialog, 'mail', 'change');
	await screenShown(dialog, 'pick');
	await click(dialog, 'pick', 'add');
	await enterMore(dialog, more);
	await dialog.locator('#add-email-error:has-text("less than a minute ago")').waitFor();
	await look(dialog, 'dialog-add-too-soon');
	await dialog.reload();
	await screenShown(dialog, 'pick');
	await screenShown(await world.openLink(context, more, '/confirm'), 'done');
	await dialog.reload();
	await screenShown(dialog, 'pick');
	await pick(dialog, more);
	await submitPick(dialog);
	assert.ok(await signedInAs(site, more));
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('one more address while signed in: the link is opened in another browser', async () => {
	const [email, more] = ['two@example.org', 'two.more@example.org'];
	const client = await signUp(world.server, email, PASSWORD);
	const [context, elsewhere] = [await world.contextOf(client), await newContext(world.browser)];
	const [site, dialog] = await ask(context);
	await screenShown(dialog, 'pick');
	await click(dialog, 'pick', 'add');
	await enterMore(dialog, more);
	await screenShown(dialog, 'mail');
	await dialog.reload();
	await screenShown(dialog, 'mail');
	const landing = await world.openLink(elsewhere, more, '/confirm');
	await confirmWith(landing, PASSWORD);
	await screenShown(landing, 'done');
	await comeBack(dialog);
	assert.ok(await signedInAs(site, more));
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails.sort(), [more, email].sort());
	await Promise.all([context.close(), elsewhere.close()]);
});

test('an address that is to be confirmed again: picked, or after the password', async () => {
	const hash = await hashOf('hash@example.org');
	for (const signedIn of [true, false]) {
		const [email, again] = [`verified.${signedIn}@example.org`, `again.${signedIn}@example.org`];
		await importAccount({ emails: [email, { address: again, verified: false }], password_hash: hash });
		const client = new Client(world.server.url);
		await client.login(email, PASSWORD);
		const context = signedIn ? await world.contextOf(client) : await newContext(world.browser);
		const [site, dialog] = await ask(context);
		if (signedIn) {
			await screenShown(dialog, 'pick');
			await pick(dialog, again);
			await submitPick(dialog);
		} else {
			await enterAddress(dialog, again);
			await enterPassword(dialog, PASSWORD);
		}
		await screenShown(dialog, 'mail');
		assert.match(await dialog.textContent('[data-screen=mail]'), /confirmed once more/);
		if (signedIn) await look(dialog, 'dialog-mail-reverify');
		await click(dialog, 'mail', 'again');
		await notice(dialog, 'mail', 'sent again');
		const landing = await world.openLink(context, again, '/confirm');
		await screenShown(landing, 'done');
		await comeBack(dialog);
		assert.ok(await signedInAs(site, again));
		await context.close();
	}
});

async function hashOf(email) {
	await user(['create', email], `${PASSWORD}\n`);
	const { stdout } = await user(['export']);
	return JSON.parse(stdout.split('\n').find((line) => line.includes(`"${email}"`))).password_hash;
}

test('an address whose provider has gone gets a password, here and in another browser', async () => {
	for (const other of [false, true]) {
		const email = `provided.${other}@example.org`;
		await importAccount({ emails: [{ address: email, kind: 'primary', verified: true }], password_hash: null });
		const [context, elsewhere] = [await newContext(world.browser), await newContext(world.browser)];
		const posts = recordPosts(context);
		const [site, dialog] = await ask(context);
		await enterAddress(dialog, email);
		await screenShown(dialog, 'new');
		assert.match(await dialog.textContent('[data-screen=new]'), /by its own provider/);
		if (!other) await look(dialog, 'dialog-new-transition');
		await chooseNewPassword(dialog, PASSWORD);
		await screenShown(dialog, 'mail');
		const landing = await world.openLink(other ? elsewhere : context, email, '/complete_transition');
		if (other) await confirmWith(landing, PASSWORD);
		await screenShown(landing, 'done');
		await comeBack(dialog);
		assert.ok(await signedInAs(site, email));
		assert.match(JSON.parse(posts.find((post) => post.url.endsWith('/stage_transition')).body).pass, /^[0-9a-f]{64}$/);
		await Promise.all([context.close(), elsewhere.close()]);
	}
});

test('a plain account becomes a stretched one when its owner signs in by the page', async () => {
	const email = 'plain@example.org';
	await signUp(world.server, email, PASSWORD);
	const kdf = async () => (await new Client(world.server.url).get(`/wsapi/password_kdf?email=${email}`)).json.kdf;
	assert.equal(await kdf(), 'plain');
	const sent = [];
	for (let i = 0; i < 2; i++) {
		const context = await newContext(world.browser);
		const posts = recordPosts(context);
		const [site, dialog] = await ask(context);
		await enterAddress(dialog, email);
		await enterPassword(dialog, PASSWORD);
		assert.ok(await signedInAs(site, email));
		sent.push(JSON.parse(posts.find((post) => post.url.endsWith('/authenticate_user')).body));
		assert.equal(await kdf(), 'onepw-2');
		await context.close();
	}
	assert.equal(sent[0].pass, PASSWORD);
	assert.match(sent[0].verifier, /^[0-9a-f]{64}$/);
	assert.deepEqual([sent[1].pass, sent[1].kdf, sent[1].verifier], [sent[0].verifier, 'onepw-2', undefined]);
});

// A client that signed in by the assertion of its provider: an account without a password.
async function signInByProvider(email) {
	const key = newKey();
	const times = { iat: Date.now() - MINUTE, exp: Date.now() + 10 * MINUTE };
	const certificate = signed({ 'public-key': key.publicKey, principal: { email }, iss: 'primary.example', ...times }, provider);
	const client = new Client(world.server.url);
	const answer = await client.post('/wsapi/auth_with_assertion', {
		assertion: bundle([certificate], assertion(key, world.server.url)),
		ephemeral: false,
	});
	assert.equal(answer.json?.success, true, answer.text);
	return client;
}

test('the first address without a provider brings the account its password', async () => {
	for (const other of [false, true]) {
		const [email, more] = [`somebody.${other}@primary.example`, `without.provider.${other}@example.org`];
		const client = await signInByProvider(email);
		const [context, elsewhere] = [await world.contextOf(client), await newContext(world.browser)];
		const [site, dialog] = await ask(context);
		await screenShown(dialog, 'pick');
		await click(dialog, 'pick', 'add');
		await enterMore(dialog, more);
		await screenShown(dialog, 'new');
		assert.match(await dialog.textContent('[data-screen=new]'), /has no password here yet/);
		assert.equal(await dialog.textContent('[data-screen=new] button[type=submit]'), 'Next');
		if (!other) await look(dialog, 'dialog-new-first');
		await chooseNewPassword(dialog, PASSWORD);
		await screenShown(dialog, 'mail');
		const landing = await world.openLink(other ? elsewhere : context, more, '/confirm');
		await confirmWith(landing, PASSWORD);
		await screenShown(landing, 'done');
		await comeBack(dialog);
		assert.ok(await signedInAs(site, more));
		await Promise.all([context.close(), elsewhere.close()]);
	}
});
