// The page behind the link that the server prints at its first start: the administrator's account, with an
// address that is typed and a password that does not leave the browser.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { launchBrowser, newContext, picture, screenShown } from './lib/browser.mjs';

const EMAIL = 'owner@home.example';
let server;
let browser;

before(async () => {
	server = await startPlimsoll({ conf: { identity: { signup: 'invite' } } });
	browser = await launchBrowser();
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

test('address, password twice, signed in; the link works once', async () => {
	const link = /(http:\/\/\S+\/first_account\?token=\w{48})/.exec(server.stdout())[1];
	const context = await newContext(browser, { phone: true });
	const page = await context.newPage();
	await page.goto(link);
	await screenShown(page, 'first');
	await picture(page, 'first_account');
	await page.fill('#first-email', 'nobody');
	await page.fill('#first-pass', 'correct horse');
	await page.fill('#first-repeat', 'correct house');
	await page.press('#first-repeat', 'Enter');
	await page.locator('#first-email-error:not([hidden])').waitFor();
	await page.fill('#first-email', EMAIL);
	await page.press('#first-repeat', 'Enter');
	await page.locator('#first-repeat-error:not([hidden])').waitFor();
	await page.fill('#first-repeat', 'correct horse');
	await page.press('#first-repeat', 'Enter');
	await screenShown(page, 'done');
	assert.match(await page.textContent('[data-screen=done]'), /owner@home\.example/);
	const told = await page.evaluate(async () => (await fetch('/wsapi/password_kdf?email=owner%40home.example')).json());
	assert.equal(told.kdf, 'onepw-2', 'stretched');
	const context_ = await page.evaluate(async () => (await fetch('/wsapi/session_context')).json());
	assert.deepEqual([context_.authenticated, context_.auth_level], [true, 'password']);
	await page.goto(link);
	await screenShown(page, 'bad');
	assert.deepEqual(context.complaints, []);
});
