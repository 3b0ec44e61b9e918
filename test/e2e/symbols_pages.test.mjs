// The pages of the symbol server in a browser: signing in through the window of identity, uploads and their
// files, what is missing, tokens, searching; at the width of a phone, light and dark.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { until } from '../harness/roles.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { startWithPages } from '../harness/symbols_people.mjs';
import { enterAddress, enterPassword, launchBrowser, look, newContext } from './lib/browser.mjs';

const LEAD = 'lead@example.org';
const PASS = 'correct horse';
const ID = '44E4EC8C2F41492B9369D6B9A059577C2';

let browser;
let server;
let key;
before(async () => {
	browser = await launchBrowser();
	server = await startWithPages();
	await signUp(server, LEAD, PASS);
	key = makeToken(server, 'build@example.org', 'upload_symbols');
	for (let i = 0; i < 23; i++) {
		await uploadFiles(server, key, { [`xul.pdb/${ID}${i}/xul.sym`]: `MODULE windows x86_64 ${ID}${i} xul.pdb\nINFO CODE_ID 5F84C1B2ABC0${i} xul.dll\nINFO GENERATOR dump_syms 2.3.7\n${'x'.repeat(i * 900)}`, 'all-symbols.txt': 'x', [`libnss3.so/${ID}/libnss3.so.sym`]: 'MODULE Linux x86_64 x libnss3.so\n' });
	}
	await uploadFiles(server, makeToken(server, 'try@example.org', 'upload_try_symbols'), { [`xul.pdb/${ID}/xul.sym`]: 'try' });
	for (let i = 0; i < 3; i++) await get(server, `/gkcodecs.pdb/${ID}${i}/gkcodecs.sym?code_file=gkcodecs.dll&code_id=5F84C1B2AB${i}`);
});
after(async () => {
	await browser?.close();
	await server?.stop();
});

const title = (page, text) => page.locator(`main h1:text-is("${text}")`).waitFor();

async function signIn(context) {
	const page = await context.newPage();
	await page.goto(server.symbolsUrl);
	await page.locator('main button:text-is("Sign in"):not([disabled])').waitFor();
	const [dialog] = await Promise.all([page.waitForEvent('popup'), page.click('main button:text-is("Sign in")')]);
	await enterAddress(dialog, LEAD);
	await enterPassword(dialog, PASS);
	await page.locator(`.who:has-text("${LEAD}")`).waitFor();
	return page;
}

test('a stranger sees what this is, lines to paste, and what is missing', async () => {
	const context = await newContext(browser);
	const page = await context.newPage();
	await page.goto(server.symbolsUrl);
	await title(page, 'Symbols');
	assert.match(await page.textContent('main'), new RegExp(`curl -H 'Auth-Token: KEY' --form symbols\\.zip=@symbols\\.zip ${server.symbolsUrl}/upload/`));
	assert.deepEqual(await page.locator('.top nav a').allTextContents(), ['Missing']);
	await look(page, 'symbols-front');
	await until('counted misses', async () => (await get(server, '/missingsymbols/')).json.total_count === 3);
	await page.click('.top nav a:text-is("Missing")');
	await title(page, 'Missing symbols');
	assert.equal(await page.locator('.list tbody tr').count(), 3);
	assert.match(await page.textContent('.list'), /gkcodecs\.pdb/);
	assert.match((await get(server, '/missingsymbols.csv')).text, /^gkcodecs\.pdb,44E4/m);
	await look(page, 'symbols-missing');
	await page.goto(`${server.symbolsUrl}/#/tokens`);
	await title(page, 'Symbols');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('signed in and allowed nothing: the page says what whoever runs the server has to type', async () => {
	const context = await newContext(browser);
	const page = await signIn(context);
	await title(page, 'Welcome');
	assert.match(await page.textContent('main'), new RegExp(`plimsoll symbols token add ${LEAD} upload_symbols,view_all_uploads,manage_tokens -c FILE`));
	await look(page, 'symbols-welcome');
	await page.click('.who button');
	await page.locator('main button:text-is("Sign in")').waitFor();
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('uploads, one of them, its file, the search; keyboard, pages, what is wrong', async () => {
	makeToken(server, LEAD, 'view_all_uploads,upload_symbols,manage_tokens');
	const context = await newContext(browser);
	const page = await signIn(context);
	await title(page, 'Uploads');
	assert.deepEqual(await page.locator('.top nav a').allTextContents(), ['Uploads', 'Files', 'Search', 'Missing', 'Tokens', 'Use']);
	assert.equal(await page.locator('.list tbody tr').count(), 20);
	assert.equal(await page.locator('.list tbody tr:first-child .badge').textContent(), 'try');
	await look(page, 'symbols-uploads');
	await page.click('.pager a:text-is("Next")');
	await until('the second page', async () => (await page.locator('.list tbody tr').count()) === 4);
	await page.goBack();
	await until('the first page', async () => (await page.locator('.list tbody tr').count()) === 20);
	await page.fill('input[name=user]', 'build');
	await page.fill('input[name=size]', '>nonsense');
	await page.press('input[name=size]', 'Enter');
	await title(page, 'That did not work');
	assert.match(await page.textContent('main'), /size: Unable to parse/);
	await page.goto(`${server.symbolsUrl}/#/uploads?user=build`);
	await title(page, 'Uploads');
	await page.click('.list tbody tr:first-child th a');
	await page.locator('h2:text-is("Files")').waitFor();
	assert.equal(await page.evaluate(() => document.activeElement.tagName), 'MAIN');
	await page.click('details summary');
	assert.match(await page.textContent('details[open]'), /libnss3\.so/);
	await look(page, 'symbols-upload');
	await page.click('.list tbody th a');
	await title(page, `xul.pdb/${ID}22/xul.sym`);
	assert.match(await page.textContent('.facts'), /dump_syms 2\.3\.7/);
	await look(page, 'symbols-file');
	await page.click('.top nav a:text-is("Files")');
	await title(page, 'Files uploaded');
	await look(page, 'symbols-files');
	await page.click('.top nav a:text-is("Search")');
	await page.fill('input[name=name]', 'xul');
	await page.fill('input[name=id]', '5f84c1b2abc07');
	await page.press('input[name=id]', 'Enter');
	await page.locator('.list tbody tr').waitFor();
	assert.deepEqual([await page.locator('.list tbody tr').count(), await page.locator('.list tbody th a').getAttribute('href')], [1, `${server.symbolsUrl}/xul.pdb/${ID}7/xul.sym`]);
	await look(page, 'symbols-search');
	assert.deepEqual(context.complaints, []);
	await context.close();
});

test('a token is made, works, is shown once, and is revoked', async () => {
	assert.equal((await runCommand(['user', 'admin', LEAD, 'on', '-c', server.confPath])).code, 0);
	const context = await newContext(browser);
	const page = await signIn(context);
	await page.click('.top nav a:text-is("Tokens")');
	await title(page, 'Tokens');
	await page.locator('input[name=permission]').first().uncheck();
	await page.click('button:text-is("Make it")');
	await page.locator('.wrong:has-text("a token needs permissions")').waitFor();
	await page.locator('input[name=permission]').first().check();
	await page.fill('input[name=notes]', '<i>nightly</i>');
	await page.fill('input[name=user]', 'robot@example.org');
	await page.click('button:text-is("Make it")');
	const shown = page.locator('.key code').first();
	await shown.waitFor();
	const made = await shown.textContent();
	assert.match(made, /^[0-9a-f]{32}$/);
	await look(page, 'symbols-token');
	assert.equal((await uploadFiles(server, made, { 'n/AB12/n.sym': 'new' })).status, 201);
	await page.selectOption('select[name=user]', 'all');
	await page.click('.filters button');
	const row = page.locator('.list tbody tr:has-text("robot@example.org")');
	await row.waitFor();
	assert.ok(!(await page.textContent('main')).includes(made), 'never again');
	assert.match(await row.textContent(), /<i>nightly<\/i>/);
	await look(page, 'symbols-tokens');
	await row.locator('button:text-is("Revoke")').click();
	await row.locator('button:text-is("Really revoke?")').click();
	await row.waitFor({ state: 'detached' });
	assert.equal((await uploadFiles(server, made, { 'n/AB12/n.sym': 'new' })).status, 403);
	assert.deepEqual(context.complaints, []);
	await context.close();
});
