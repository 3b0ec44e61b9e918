// The account manager and addresses whose domain has an identity provider of its own: added by what that
// says, in a hidden frame or on its page, and never by a mail of ours.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, signUp } from '../harness/client.mjs';
import { launchBrowser, look, newContext, screenShown } from './lib/browser.mjs';
import { KEEPER, startWithProviders } from './lib/provider.mjs';
import { PASSWORD, recordPosts } from './lib/world.mjs';

let server;
let browser;
before(async () => {
	server = await startWithProviders();
	browser = await launchBrowser();
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

const isKnown = async (email) => (await new Client(server.url).get(`/wsapi/have_email?email=${email}`)).json.email_known;
const operations = (posts) => posts.map(({ url }) => url.split('/').pop());
const notice = (page, screen) => page.locator(`[data-screen=${screen}] [data-notice]:not([hidden])`).textContent();

// The page of a new account, at "add an address".
async function adding(email) {
	const client = await signUp(server, email, PASSWORD);
	const context = await newContext(browser);
	const [name, value] = client.session;
	await context.addCookies([{ name, value, url: server.url, httpOnly: true }]);
	const page = await context.newPage();
	await page.goto(server.url);
	await screenShown(page, 'account');
	await page.click('[data-add]');
	return { context, page, client, posts: recordPosts(context) };
}

async function enter(page, email) {
	await screenShown(page, 'add');
	await page.fill('#add-email', email);
	await page.press('#add-email', 'Enter');
}

const leaveFor = (page) => page.click('[data-screen=provider] button[type=submit]');

async function isAdded(page, email, added) {
	await screenShown(page, 'account');
	assert.deepEqual((await page.locator('[data-address]').allTextContents()).sort(), [email, added].sort());
	assert.equal(await notice(page, 'account'), `${added} is yours to use now.`);
	assert.equal(page.url(), `${server.url}/`);
}

test('the user signs in at the provider, comes back to the account, and the address is there', async () => {
	const email = 'keeps@manage.example';
	const { context, page, client, posts } = await adding(email);
	await enter(page, KEEPER.email);
	await screenShown(page, 'provider');
	assert.match(await page.textContent('[data-screen=provider] h2'), /^Sign in at localhost/);
	await look(page, 'manage-provider');
	await leaveFor(page);
	await page.locator(`#email:has-text("${KEEPER.email}")`).waitFor();
	await page.fill('#password', KEEPER.password);
	await page.press('#password', 'Enter');
	await isAdded(page, email, KEEPER.email);
	assert.deepEqual(operations(posts), ['session', 'certificate', 'add_email_with_assertion']);
	assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails.sort(), [email, KEEPER.email].sort());
	await page.reload();
	await screenShown(page, 'account');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a provider that knows this browser is asked in a hidden frame only', async () => {
	const [email, own] = ['frame@manage.example', 'frame@classic.example'];
	server.classic.users.add(own);
	const { context, page, posts } = await adding(email);
	await enter(page, own);
	await isAdded(page, email, own);
	assert.deepEqual(operations(posts), ['cert', 'add_email_with_assertion']);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('cancelled there: the address again, with a notice; back without words', async () => {
	const email = 'cancels@manage.example';
	const { context, page } = await adding(email);
	await enter(page, KEEPER.email);
	await screenShown(page, 'provider');
	await page.keyboard.press('Escape');
	await screenShown(page, 'account');
	await page.click('[data-add]');
	await enter(page, KEEPER.email);
	await screenShown(page, 'provider');
	await leaveFor(page);
	await page.click('#cancel');
	await screenShown(page, 'add');
	assert.match(await notice(page, 'add'), /did not sign in/);
	assert.equal(await page.inputValue('#add-email'), KEEPER.email);
	assert.equal(page.url(), `${server.url}/`);
	await page.click('[data-screen=add] [data-back]');
	await screenShown(page, 'account');
	assert.deepEqual(await page.locator('[data-address]').allTextContents(), [email]);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a provider that does not vouch: why, and once more', async () => {
	const [email, own] = ['doubt@manage.example', 'doubt@classic.example'];
	const { context, page } = await adding(email);
	await enter(page, own);
	await screenShown(page, 'provider');
	await leaveFor(page);
	await page.click('#in');
	await screenShown(page, 'unvouched');
	assert.match(await page.textContent('[data-screen=unvouched] [data-why]'), /nobody is signed in/);
	await look(page, 'manage-unvouched');
	server.classic.users.add(own);
	await page.click('[data-screen=unvouched] [data-again]');
	await isAdded(page, email, own);
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a session that ended on the way: told as such, and no account is made of the address', async () => {
	const own = 'late@classic.example';
	const { context, page, posts } = await adding('late@manage.example');
	await enter(page, own);
	await screenShown(page, 'provider');
	await leaveFor(page);
	await page.locator('#in').waitFor();
	await context.clearCookies();
	server.classic.users.add(own);
	await page.click('#in');
	await screenShown(page, 'out');
	assert.match(await notice(page, 'out'), /signed out/);
	assert.equal(await isKnown(own), false);
	assert.ok(!operations(posts).includes('auth_with_assertion'));
	await context.close();
});
