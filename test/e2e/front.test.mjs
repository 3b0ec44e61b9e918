// A person signs up and in with Chromium at a service behind nginx and HAProxy, over https and HTTP/2.
import assert from 'node:assert/strict';
import test from 'node:test';
import { newContext, openDialog, screenShown, signedInAs } from './lib/browser.mjs';
import { startWorld } from './lib/world.mjs';

for (const [front, protocol] of [['nginx', 'h2'], ['haproxy', 'h2'], ['haproxy-proxy-protocol', 'http/1.1']]) {
	test(`sign up at a site and again sign in, the service behind ${front}`, async () => {
		const email = `behind.${front}@example.org`;
		const world = await startWorld({ front });
		try {
			const context = await newContext(world.browser, { anyCertificate: true });
			const protocols = new Set();
			const site = await world.signUp(context, email);
			await site.click('#sign-out');
			await site.locator('#out:not([hidden])').waitFor();
			const dialog = await openDialog(site);
			await screenShown(dialog, 'pick');
			for (const name of await dialog.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol))) protocols.add(name);
			await Promise.all([dialog.waitForEvent('close'), dialog.click('[data-screen=pick] button[type=submit]')]);
			assert.ok(await signedInAs(site, email));
			assert.ok(protocols.has(protocol), [...protocols].join());
			const [session] = (await context.cookies()).filter(({ name }) => name.startsWith('browserid_state'));
			assert.equal(session.secure, true);
			assert.deepEqual(context.complaints, []);
			await context.close();
		} finally {
			await world.stop();
		}
	});
}
