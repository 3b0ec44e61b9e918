// Debian's own Firefox, unmodified, on this server alone: two profiles sign in on the page by typing,
// and what one bookmarks the other has.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signUp } from '../harness/client.mjs';
import { stretch } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { Firefox } from './lib/marionette.mjs';

const EMAIL = 'ada@example.org';
const PASS = 'correct horse';
const NEW_PASS = 'another horse';
let server, owner, one, two;
const browsers = [];

before(async () => {
	server = await startPlimsoll({ conf: { accounts: { bcrypt_cost: 4, bcrypt_cost_stretched: 4 } } });
	owner = await signUp(server, EMAIL, PASS);
});
after(async () => {
	await Promise.all(browsers.map((browser) => browser.stop()));
	await server?.stop();
});

const IMPORTS = `
	const { getFxAccountsSingleton } = ChromeUtils.importESModule('resource://gre/modules/FxAccounts.sys.mjs');
	const { FxAccounts } = ChromeUtils.importESModule('resource://gre/modules/FxAccounts.sys.mjs');
	const { Weave } = ChromeUtils.importESModule('resource://services-sync/main.sys.mjs');
	const { PlacesUtils } = ChromeUtils.importESModule('resource://gre/modules/PlacesUtils.sys.mjs');
	const fxAccounts = getFxAccountsSingleton();
`;

// base: what the preference names, with or without the folder.
async function openFirefox(base) {
	const origin = server.url.replace(/\/$/, '');
	const firefox = await Firefox.start({
		prefs: { 'identity.fxaccounts.autoconfig.uri': origin + base, 'identity.fxaccounts.allowHttp': true },
	});
	browsers.push(firefox);
	return firefox;
}

// As the menu "Sign in to Sync" does, up to the page.
async function openPage(firefox) {
	const url = await firefox.chrome(`${IMPORTS} return FxAccounts.config.promiseConnectAccountURI('test');`);
	await firefox.goTo(url);
	await firefox.screen('password');
}

async function signIn(firefox, password) {
	await firefox.type('#password-email', EMAIL);
	await firefox.type('#password-pass', password);
	await firefox.click('[data-screen=password] button[type=submit]');
}

// Signs in again where the server has ended the session; the page has seen this browser before.
async function signInAgain(firefox, password) {
	await openPage(firefox);
	await signIn(firefox, password);
}

const sync = (firefox) => firefox.chrome(`${IMPORTS}
	for (let i = 0; i < 100 && !(await fxAccounts.getSignedInUser())?.verified; i++) {
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	await Weave.Service.promiseInitialized;
	while (Weave.Service.locked) {
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	await Weave.Service.sync({ why: 'user' });
	return { service: Weave.Status.service, sync: Weave.Status.sync, login: Weave.Status.login, engines: Weave.Status.engines };
`);

const GOOD = { service: 'success.status_ok', sync: 'success.sync', login: 'success.login', engines: {} };

const bookmark = (firefox, url, title) => firefox.chrome(`${IMPORTS}
	await PlacesUtils.bookmarks.insert({ parentGuid: PlacesUtils.bookmarks.unfiledGuid, url: args[0], title: args[1] });
`, url, title);

const titleOf = (firefox, url) => firefox.chrome(`${IMPORTS} return (await PlacesUtils.bookmarks.fetch({ url: args[0] }))?.title ?? null;`, url);

test('a bookmark made in one Firefox is in the other; renamed there it comes back', async () => {
	one = await openFirefox('/firefox');
	await openPage(one);
	await signIn(one, 'the wrong horse');
	await one.screen('password', /not the right password/);
	await one.command('WebDriver:ExecuteScript', { script: 'document.querySelector("#password-email").value = ""; document.querySelector("#password-pass").value = "";', args: [] });
	await signIn(one, PASS);
	await one.screen('recovery', /[0-9A-Z]{4}(-[0-9A-Z]{4}){7}/);
	await one.click('[data-screen=recovery] [data-go]');
	await one.screen('done');
	await bookmark(one, 'https://example.org/a', 'Made in one');
	assert.deepEqual(await sync(one), GOOD);

	// The other one has the preference without the folder.
	two = await openFirefox('');
	await openPage(two);
	await signIn(two, PASS);
	await two.screen('done');
	assert.deepEqual(await sync(two), GOOD);
	assert.equal(await titleOf(two, 'https://example.org/a'), 'Made in one');
	await two.chrome(`${IMPORTS}
		const { guid } = await PlacesUtils.bookmarks.fetch({ url: 'https://example.org/a' });
		await PlacesUtils.bookmarks.update({ guid, title: 'Renamed in two' });
	`);
	assert.deepEqual(await sync(two), GOOD);
	assert.deepEqual(await sync(one), GOOD);
	assert.equal(await titleOf(one, 'https://example.org/a'), 'Renamed in two');

	const devices = await one.chrome(`${IMPORTS} await fxAccounts.device.refreshDeviceList({ ignoreCached: true }); return fxAccounts.device.recentDeviceList.map((d) => [d.type, d.isCurrentDevice]);`);
	assert.deepEqual(devices.sort(), [['desktop', false], ['desktop', true]]);
	const profile = await one.chrome(`${IMPORTS} return (await fxAccounts.getSignedInUser()).email;`);
	assert.equal(profile, EMAIL);
});

test('a new password: both sign in again, the first one with the former password once; nothing is lost', async () => {
	const { salt } = (await owner.get(`/wsapi/password_kdf?email=${EMAIL}`)).json;
	const stretched = (password) => stretch(password, `identity.mozilla.com/picl/v1/quickStretchV2:${salt}`).authPW;
	const changed = await owner.post('/wsapi/update_password', {
		oldpass: stretched(PASS), kdf: 'onepw-2', newpass: stretched(NEW_PASS), newkdf: 'onepw-2',
	});
	assert.equal(changed.json?.success, true, changed.text);
	await bookmark(one, 'https://example.org/b', 'Made while signed out');

	await signInAgain(one, NEW_PASS);
	await one.screen('changed');
	await one.type('#changed-former', 'not the former one');
	await one.click('[data-screen=changed] button[type=submit]');
	await one.screen('changed', /does not open/);
	await one.command('WebDriver:ExecuteScript', { script: 'document.querySelector("#changed-former").value = "";', args: [] });
	await one.type('#changed-former', PASS);
	await one.click('[data-screen=changed] button[type=submit]');
	await one.screen('done');
	assert.deepEqual(await sync(one), GOOD);

	await signInAgain(two, NEW_PASS);
	await two.screen('done');
	assert.deepEqual(await sync(two), GOOD);
	assert.equal(await titleOf(two, 'https://example.org/b'), 'Made while signed out');
	assert.equal(await titleOf(two, 'https://example.org/a'), 'Renamed in two');
});

test('the page of devices: both are listed, one is signed out there', async () => {
	const url = await one.chrome(`${IMPORTS} return FxAccounts.config.promiseManageDevicesURI('test');`);
	await one.goTo(url);
	await one.screen('devices', /this browser/);
	const rows = 'return [...document.querySelectorAll("[data-screen=devices] li")].length;';
	assert.equal(await one.command('WebDriver:ExecuteScript', { script: rows, args: [] }), 2);
	await one.click('[data-screen=devices] li:nth-child(2) button');
	for (let i = 0; i < 100 && (await one.command('WebDriver:ExecuteScript', { script: rows, args: [] })) !== 1; i++) await sleep(100);
	assert.equal(await one.command('WebDriver:ExecuteScript', { script: rows, args: [] }), 1);
	const isSignedIn = (firefox) => firefox.chrome(`${IMPORTS}
		const { sessionToken } = await fxAccounts._internal.getUserAccountData(['sessionToken']);
		return fxAccounts._internal.fxAccountsClient.sessionStatus(sessionToken);
	`);
	assert.deepEqual([await isSignedIn(one), await isSignedIn(two)], [true, false]);
	assert.deepEqual(await sync(one), GOOD);
});
