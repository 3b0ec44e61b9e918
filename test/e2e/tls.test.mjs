// The way of a person through Chromium with the service on https, as it is in public.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { makeCertificate } from '../harness/certificates.mjs';
import { startTls } from '../scenario/lib/tls.mjs';
import { newContext, openDialog, screenShown, signedInAs } from './lib/browser.mjs';
import { startWorld } from './lib/world.mjs';

// The example site's server asks the service whether an assertion holds, and trusts this one.
const pair = makeCertificate(['127.0.0.1', 'localhost']);

let world;
before(async () => {
	world = await startWorld({
		start: () => startTls({ pairs: [pair], tls: { http_redirect: 'yes' } }),
		caFile: pair.certificate,
		flags: ['--ignore-certificate-errors'],
	});
});
after(() => world?.stop());

test('sign up, sign out and back in over https, with cookies that stay on https', async () => {
	const email = 'grace@example.org';
	const context = await newContext(world.browser);
	const site = await world.signUp(context, email);
	const whoami = await site.evaluate(async () => (await fetch('/whoami')).json());
	assert.equal(whoami.email, email);

	const cookies = (await context.cookies()).filter((c) => c.domain === '127.0.0.1' && c.httpOnly);
	assert.ok(cookies.length > 0);
	for (const cookie of cookies) assert.ok(cookie.secure, cookie.name);

	await site.click('#sign-out');
	await site.locator('#out:not([hidden])').waitFor();
	const dialog = await openDialog(site);
	await screenShown(dialog, 'pick');
	await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
	assert.ok(await signedInAs(site, email));

	// The old address leads to the new one, where WebCrypto is.
	const home = await context.newPage();
	await home.goto(`${world.server.plainUrl}/`);
	assert.equal(new URL(home.url()).origin, world.server.url);
	assert.equal(await home.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h2');
	assert.equal(await home.evaluate(() => isSecureContext && typeof crypto.subtle), 'object');
	await screenShown(home, 'account');
	assert.deepEqual(context.complaints, []);
	await context.close();
});
