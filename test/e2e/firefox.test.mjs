// Debian's own Firefox, unmodified, on this server alone: two profiles sign in on the page by typing,
// and what one bookmarks the other has. FIREFOX_ROUNDS: how often both edit at the same moment.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signUp } from '../harness/client.mjs';
import { stretch } from '../harness/firefox.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { GOOD, SyncFirefox } from './lib/sync_firefox.mjs';

const EMAIL = 'ada@example.org';
const PASS = 'correct horse';
const NEW_PASS = 'another horse';
const ROUNDS = Number(process.env.FIREFOX_ROUNDS ?? 2);
const [A, B] = ['https://example.org/a', 'https://example.org/b'];
let server, owner, one, two;

before(async () => {
	const starting = [1, 2].map(() => SyncFirefox.start({ prefs: { 'identity.fxaccounts.allowHttp': true } }));
	server = await startPlimsoll();
	owner = await signUp(server, EMAIL, PASS);
	[one, two] = await Promise.all(starting);
});
after(async () => {
	await Promise.all([one?.stop(), two?.stop()]);
	await server?.stop();
});

test('a bookmark made in one Firefox is in the other; renamed there it comes back', async () => {
	await one.openPage(`${server.url}/firefox`);
	await one.signIn(EMAIL, 'the wrong horse');
	await one.screen('password', /not the right password/);
	await one.signIn(EMAIL, PASS);
	await one.screen('recovery', /[0-9A-Z]{4}(-[0-9A-Z]{4}){7}/);
	await one.click('[data-screen=recovery] [data-go]');
	await one.screen('done');
	await one.bookmark(A, 'Made in one');
	assert.deepEqual(await one.sync(), GOOD);

	// The other one has the preference without the folder.
	await two.openPage(server.url);
	await two.signIn(EMAIL, PASS);
	await two.screen('done');
	assert.deepEqual(await two.sync(), GOOD);
	assert.deepEqual(await two.titles(A), ['Made in one']);
	await two.rename(A, 'Renamed in two');
	assert.deepEqual(await two.sync(), GOOD);
	assert.deepEqual(await one.sync(), GOOD);
	assert.deepEqual(await one.titles(A), ['Renamed in two']);
	assert.deepEqual((await one.devices()).sort(), [['desktop', false], ['desktop', true]]);
	assert.equal(await one.email(), EMAIL);
});

test(`both change different bookmarks at the same moment, ${ROUNDS} times: none is lost`, async () => {
	const both = [one, two];
	const added = [];
	await Promise.all(both.map((firefox, i) => firefox.bookmark(`https://example.org/own/${i}`, 'round 0')));
	for (let round = 1; round <= ROUNDS; round++) {
		const expected = both.map((_, i) => [`https://example.org/own/${i}`, `${i} in round ${round}`]);
		await Promise.all(both.map(async (firefox, i) => {
			added.push(`https://example.org/new/${i}/${round}`);
			await firefox.rename(...expected[i], added.at(-1));
			await firefox.sync(); // may find that the other one was faster, and give up until the next
		}));
		const [urls, titles] = [0, 1].map((n) => expected.map((pair) => pair[n]));
		const wanted = JSON.stringify([...titles, ...added.map(() => 'new')]);
		const lacks = async (firefox) => JSON.stringify(await firefox.titles(...urls, ...added)) !== wanted;
		for (let tries = 0; (await lacks(one)) || (await lacks(two)); tries++) {
			assert.ok(tries < 4, `round ${round}: ${await one.titles(...urls, ...added)}; ${await two.titles(...urls, ...added)}`);
			for (const firefox of both) assert.deepEqual(await firefox.sync(), GOOD);
		}
	}
});

test('a new password: both sign in again, the first one with the former password once; nothing is lost', async () => {
	const { salt } = (await owner.get(`/wsapi/password_kdf?email=${EMAIL}`)).json;
	const stretched = (password) => stretch(password, `identity.mozilla.com/picl/v1/quickStretchV2:${salt}`).authPW;
	const changed = await owner.post('/wsapi/update_password', {
		oldpass: stretched(PASS), kdf: 'onepw-2', newpass: stretched(NEW_PASS), newkdf: 'onepw-2',
	});
	assert.equal(changed.json?.success, true, changed.text);
	await one.bookmark(B, 'Made while signed out');

	await one.openPage(`${server.url}/firefox`);
	await one.signIn(EMAIL, NEW_PASS);
	await one.screen('changed');
	await one.enter('#changed-former', 'not the former one');
	await one.click('[data-screen=changed] button[type=submit]');
	await one.screen('changed', /does not open/);
	await one.enter('#changed-former', PASS);
	await one.click('[data-screen=changed] button[type=submit]');
	await one.screen('done');
	assert.deepEqual(await one.sync(), GOOD);

	await two.openPage(server.url);
	await two.signIn(EMAIL, NEW_PASS);
	await two.screen('done');
	assert.deepEqual(await two.sync(), GOOD);
	assert.deepEqual(await two.titles(A, B), ['Renamed in two', 'Made while signed out']);
});

test('the page of devices: both are listed, one is signed out there', async () => {
	await one.goTo(await one.devicesPage());
	await one.screen('devices', /this browser/);
	const rows = () => one.script('return [...document.querySelectorAll("[data-screen=devices] li")].length;');
	assert.equal(await rows(), 2);
	await one.click('[data-screen=devices] li:nth-child(2) button');
	for (let i = 0; i < 200 && (await rows()) !== 1; i++) await sleep(50);
	assert.equal(await rows(), 1);
	assert.deepEqual([await one.isSignedIn(), await two.isSignedIn()], [true, false]);
	assert.deepEqual(await one.sync(), GOOD);
});
