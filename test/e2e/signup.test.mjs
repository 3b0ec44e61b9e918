// The whole way of a person through Chromium: the example site, the dialog, the mail, and back.
// The example is on localhost and the service on 127.0.0.1: two sites for a browser.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { signUp as signUpPlain } from '../harness/client.mjs';
import {
	chooseNewPassword,
	confirmWith,
	enterAddress,
	enterPassword,
	newContext,
	openDialog,
	picture,
	screenShown,
	signedInAs,
} from './lib/browser.mjs';
import { verifyLocally, verifyWithJwcrypto } from './lib/browserid.mjs';
import { PASSWORD, recordPosts, startWorld } from './lib/world.mjs';

let world;
before(async () => (world = await startWorld({ whole: true })));
after(() => world?.stop());

test('sign up at a site: address, password, mail, confirmed, signed in there', async () => {
	const context = await newContext(world.browser);
	const posts = recordPosts(context);
	const site = await world.openSite(context);
	await picture(site, 'example-signed-out');

	const dialog = await openDialog(site);
	await screenShown(dialog, 'address');
	assert.equal(await dialog.textContent('[data-screen=address] h1'), 'Sign in to The tide table');
	assert.equal(await dialog.textContent('[data-screen=address] .host'), new URL(world.example.url).host);
	await picture(dialog, 'dialog-address');
	await enterAddress(dialog, 'Ada.Lovelace@Example.org');
	await screenShown(dialog, 'new');
	await picture(dialog, 'dialog-new');
	await chooseNewPassword(dialog, PASSWORD);
	await screenShown(dialog, 'mail');
	await picture(dialog, 'dialog-mail');

	const landing = await world.openLink(context, 'Ada.Lovelace@Example.org');
	await screenShown(landing, 'done');
	await picture(landing, 'verify-done');
	assert.ok(await signedInAs(site, 'Ada.Lovelace@Example.org'));
	await picture(site, 'example-signed-in');
	assert.ok(dialog.isClosed(), 'the dialog closes itself');

	const whoami = await site.evaluate(async () => (await fetch('/whoami')).json());
	assert.equal(whoami.email, 'Ada.Lovelace@Example.org');
	const { assertion } = JSON.parse(posts.find((post) => post.url === `${world.example.url}/login`).body);
	const local = await verifyLocally(world.server, assertion, world.example.url);
	assert.equal(local.email, 'Ada.Lovelace@Example.org', local.error);
	assert.equal((await verifyWithJwcrypto(world.server, assertion)).audience, world.example.url);

	const said = posts.map((post) => post.body).join('\n');
	assert.ok(!said.includes('tidal'), 'the password itself is never sent');
	const staged = JSON.parse(posts.find((post) => post.url.endsWith('/stage_user')).body);
	assert.match(staged.pass, /^[0-9a-f]{64}$/);
	assert.equal(staged.kdf, 'onepw-2');
	assert.equal(staged.site, world.example.url);

	const home = await context.newPage();
	await home.goto(world.server.url);
	await screenShown(home, 'account');
	assert.deepEqual(await home.locator('[data-address]').allTextContents(), ['Ada.Lovelace@Example.org']);
	await picture(home, 'home-signed-in');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a returning user picks the address; the key is reused; sign out forgets both', async () => {
	const email = 'returning@example.org';
	const context = await newContext(world.browser);
	const site = await world.signUp(context, email);
	await site.click('#sign-out');
	await site.locator('#out:not([hidden])').waitFor();

	const posts = recordPosts(context);
	const dialog = await openDialog(site);
	await screenShown(dialog, 'pick');
	assert.match(await dialog.textContent('[data-choices]'), /returning@example\.org.*used here last/);
	await picture(dialog, 'dialog-pick');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
	assert.ok(await signedInAs(site, email));
	assert.ok(!posts.some((post) => post.url.endsWith('/cert_key')), 'the certificate was still good');

	const home = await context.newPage();
	await home.goto(world.server.url);
	await home.click('[data-sign-out]');
	await screenShown(home, 'out');
	await site.click('#sign-out');
	await site.locator('#out:not([hidden])').waitFor();
	const again = await openDialog(site);
	await screenShown(again, 'address');
	assert.equal(await again.inputValue('#address-email'), '', 'the address is forgotten');
	await enterAddress(again, email);
	await enterPassword(again, PASSWORD);
	assert.ok(await signedInAs(site, email));
	assert.ok(posts.some((post) => post.url.endsWith('/cert_key')), 'the key was forgotten');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('the link opened in another browser asks for the password; both end signed in', async () => {
	const email = 'two.browsers@example.org';
	const first = await newContext(world.browser);
	const site = await world.openSite(first);
	await world.signUpUntilMail(site, email);

	const second = await newContext(world.browser, { phone: true });
	const landing = await world.openLink(second, email);
	await screenShown(landing, 'password');
	await picture(landing, 'verify-password-phone');
	await confirmWith(landing, 'not the password');
	await landing.locator('#verify-pass-error:not([hidden])').waitFor();
	assert.equal((await landing.locator('[data-screen=done]').isVisible()), false);
	await confirmWith(landing, PASSWORD);
	await screenShown(landing, 'done');

	assert.ok(await signedInAs(site, email), 'the first browser goes on with the password it still has');
	const elsewhere = await world.openSite(second);
	const dialog = await openDialog(elsewhere);
	await screenShown(dialog, 'pick');
	await picture(dialog, 'dialog-pick-phone');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
	assert.ok(await signedInAs(elsewhere, email));
	await Promise.all([first.close(), second.close()]);
});

test('a page that was dropped while the mail was awaited goes on with it', async () => {
	const email = 'reloaded@example.org';
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await world.signUpUntilMail(site, email);
	await dialog.reload();
	await screenShown(dialog, 'mail');
	await screenShown(await world.openLink(context, email), 'done');
	assert.ok(await signedInAs(site, email));
	await context.close();
});

test('a link that was used, or was never made, says so', async () => {
	const email = 'used@example.org';
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	await world.signUpUntilMail(site, email);
	const landing = await world.openLink(context, email);
	await screenShown(landing, 'done');
	await landing.reload();
	await screenShown(landing, 'bad');
	await picture(landing, 'verify-bad');
	await landing.goto(`${world.server.url}/verify_email_address?token=${'x'.repeat(48)}`);
	await screenShown(landing, 'bad');
	await landing.goto(`${world.server.url}/verify_email_address?token=cut`);
	await screenShown(landing, 'incomplete');
	await context.close();
});

test('an account whose password an older client sent plain signs in through the page', async () => {
	const email = 'older.client@example.org';
	await signUpPlain(world.server, email, PASSWORD);
	const context = await newContext(world.browser);
	const site = await world.openSite(context);
	const dialog = await openDialog(site);
	await enterAddress(dialog, email);
	await enterPassword(dialog, PASSWORD);
	assert.ok(await signedInAs(site, email));
	await context.close();
});
