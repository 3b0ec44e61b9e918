// How the pages look and are reached: phone width, dark, keyboard.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { enterAddress, newContext, picture, screenShown } from './lib/browser.mjs';
import { startWorld } from './lib/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

test('phone, dark, and keyboard: every control is reached, nothing is wider than the screen', async () => {
	for (const dark of [false, true]) {
		const context = await newContext(world.browser, { phone: true, dark });
		const name = dark ? 'phone-dark' : 'phone';
		const page = await context.newPage();
		const fits = async () => {
			const width = await page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(width <= 360, `${width} px wide`);
		};
		await page.goto(world.server.url);
		await screenShown(page, 'out');
		await page.locator('[data-facts] div').first().waitFor();
		await fits();
		await picture(page, `home-${name}`);
		await page.click('[data-screen=out] a');
		await screenShown(page, 'address');
		await fits();
		await picture(page, `dialog-address-${name}`);
		await enterAddress(page, 'a.person.with.a.very.long.address@mail.of.some.department.example.org');
		await screenShown(page, 'new');
		await fits();
		await picture(page, `dialog-new-${name}`);
		const reached = [];
		for (let i = 0; i < 6; i++) {
			reached.push(await page.evaluate(() => document.activeElement.name || document.activeElement.textContent));
			await page.keyboard.press('Tab');
		}
		assert.deepEqual(reached.slice(0, 5), ['pass', 'repeat', 'reveal', 'Create account', 'Use another address']);
		await context.close();
	}
	const desktop = await newContext(world.browser, { dark: true });
	const home = await desktop.newPage();
	await home.goto(world.server.url);
	await home.locator('[data-facts] div').first().waitFor();
	await screenShown(home, 'out');
	await picture(home, 'home-dark');
	await home.goto(`${world.server.url}/sign_in`);
	await screenShown(home, 'address');
	await picture(home, 'dialog-address-dark');
	await desktop.close();
});
