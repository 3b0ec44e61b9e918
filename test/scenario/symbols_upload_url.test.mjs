// Upload by download: an archive that the server fetches itself, from the hosts of a list and nowhere else.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { ask, get, makeToken } from '../harness/symbols_client.mjs';
import { broken, redirect, startUpstream } from '../harness/upstream.mjs';
import { zip } from '../harness/zip.mjs';

let server;
let strict; // as it is by default, but for the list
let store;
let token;
let tryToken;

before(async () => {
	store = await startUpstream();
	const symbols = { upload_domains: '127.0.0.1, files.example.org', max_upload: '1M' };
	[server, strict] = await Promise.all([
		startPlimsoll({ conf: { symbols: { ...symbols, upload_insecure: 'yes' } } }),
		startPlimsoll({ conf: { web: { instances: 1 }, symbols } }),
	]);
	token = makeToken(server);
	tryToken = makeToken(server, 'try@example.com', 'upload_try_symbols');
});
after(async () => {
	await Promise.all([server?.stop(), strict?.stop(), store?.stop()]);
});

const send = (fields, { to = server, key = token } = {}) =>
	ask(to, 'POST', '/upload/', { headers: { 'auth-token': key, 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(new URLSearchParams(fields).toString()) });
const archive = (name, data = `MODULE Linux x86_64 ABC1 ${name}\n`) => zip([{ name: `${name}/ABC1/${name}.sym`, data }]);
const nothingIsLeft = () => until('no drafts', () => readdirSync(path.join(server.dataDir, 'blobs/new')).length === 0);

test('an archive is fetched, stored and written down', async () => {
	const body = archive('one.so');
	store.give('/builds/one.zip?sig=1', { body });
	const url = `${store.url}/builds/one.zip?sig=1`;
	const answer = await send({ url });
	assert.equal(answer.status, 201, answer.text);
	const { upload } = answer.json;
	assert.equal(upload.filename, 'one.zip');
	assert.equal(upload.size, body.length);
	assert.equal(upload.download_url, url);
	assert.deepEqual(upload.redirect_urls, []);
	assert.equal(upload.try_symbols, false);
	assert.match((await get(server, '/one.so/ABC1/one.so.sym')).text, /^MODULE/);
	const shown = (await get(server, `/api/uploads/upload/${upload.id}`, { 'auth-token': token })).json.upload;
	assert.equal(shown.download_url, url);
	// In a multipart form, too, and for try builds.
	store.give('/two.ZIP', { body: archive('two.so') });
	const form = `--b\r\nContent-Disposition: form-data; name="url"\r\n\r\n${store.url}/two.ZIP\r\n--b\r\nContent-Disposition: form-data; name="try"\r\n\r\n1\r\n--b--\r\n`;
	const two = await ask(server, 'POST', '/upload/', { headers: { 'auth-token': token, 'content-type': 'multipart/form-data; boundary=b' }, body: Buffer.from(form) });
	assert.equal(two.status, 201, two.text);
	assert.equal(two.json.upload.try_symbols, true);
	store.give('/three.zip', { body: archive('three.so') });
	assert.equal((await send({ url: `${store.url}/three.zip`, try: '1' })).json.upload.try_symbols, true);
	assert.equal((await send({ url: `${store.url}/three.zip` }, { key: tryToken })).json.upload.try_symbols, true);
	assert.equal((await get(server, '/three.so/ABC1/three.so.sym')).status, 404);
	await nothingIsLeft();
});

test('redirects are followed and kept, five of them', async () => {
	store.give('/to.zip', redirect('/hop1'));
	store.give('/hop1', redirect(`${store.url}/hop2`, 307));
	store.give('/hop2', { body: archive('hop.so') });
	const answer = await send({ url: `${store.url}/to.zip` });
	assert.equal(answer.status, 201, answer.text);
	assert.deepEqual(answer.json.upload.redirect_urls, [`${store.url}/hop1`, `${store.url}/hop2`]);
	store.give('/round.zip', redirect('/round.zip'));
	const round = await send({ url: `${store.url}/round.zip` });
	assert.equal(round.status, 400);
	assert.equal(round.json.error, `Too many redirects trying to open ${store.url}/round.zip`);
	assert.equal(store.asked('/round.zip'), 6);
	store.give('/away.zip', redirect('http://other.example.org/x.zip'));
	assert.equal((await send({ url: `${store.url}/away.zip` })).json.error, "Not an allowed domain ('other.example.org') to download from.");
	store.give('/scheme.zip', redirect('file:///etc/passwd'));
	assert.equal((await send({ url: `${store.url}/scheme.zip` })).json.error, 'Insecure URL');
});

test('refused, in the words of the protocol', async () => {
	const error = async (url, status, options) => {
		const answer = await send({ url }, options);
		assert.equal(answer.status, status, answer.text);
		return answer.json.error;
	};
	assert.equal(await error('https://example.com/x.zip', 400), "Not an allowed domain ('example.com') to download from.");
	assert.equal(await error('https://example.com:8443/x.zip', 400), "Not an allowed domain ('example.com') to download from.");
	assert.equal(await error('https://127.0.0.1@example.com/x.zip', 400), 'Enter a valid URL.');
	assert.equal(await error('ftp://127.0.0.1/x.zip', 400), 'Insecure URL');
	assert.equal(await error(`${store.url}/x.rar`, 400), 'Unrecognized archive file extension ".rar"');
	assert.equal(await error(`${store.url}/none.zip`, 400), `${store.url}/none.zip can't be found (404)`);
	store.give('/sick.zip', { status: 503, body: '' });
	assert.equal(await error(`${store.url}/sick.zip`, 500), `${store.url}/sick.zip errored (503)`);
	store.give('/text.zip', { body: 'this is no archive' });
	assert.equal(await error(`${store.url}/text.zip`, 400), 'File is not a zip file');
	store.give('/empty.zip', { body: '' });
	assert.equal(await error(`${store.url}/empty.zip`, 400), 'File is not a zip file');
	store.give('/large.zip', { body: 'x'.repeat(2 << 20) });
	assert.equal(await error(`${store.url}/large.zip`, 413), 'the upload is larger than this server takes');
	store.give('/chunks.zip', (req, res) => {
		res.writeHead(200, { 'transfer-encoding': 'chunked' });
		res.end(archive('chunks.so'));
	});
	assert.equal(await error(`${store.url}/chunks.zip`, 400), `${store.url}/chunks.zip does not tell its length`);
	store.give('/broken.zip', broken(archive('broken.so', 'x'.repeat(50000)).toString('latin1')));
	assert.match(await error(`${store.url}/broken.zip`, 500), /^ConnectionError trying to open http:/);
	assert.match(await error('http://127.0.0.1:1/x.zip', 500), /^ConnectionError trying to open http:/);
	assert.equal((await send({ nothing: '1' })).json.error, 'Must be multipart form data with at least one file');
	assert.equal((await send({ url: `${store.url}/one.zip` }, { key: '' })).status, 403);
	await nothingIsLeft();
});

test('as it is by default: https alone, and nothing within this network', async () => {
	const key = makeToken(strict);
	const before = store.requests.length;
	assert.equal((await send({ url: `${store.url}/one.zip` }, { to: strict, key })).json.error, 'Insecure URL');
	const url = store.url.replace('http:', 'https:');
	const answer = await send({ url: `${url}/one.zip` }, { to: strict, key });
	assert.equal(answer.status, 400);
	assert.equal(answer.json.error, `${url}/one.zip is not on the public internet`);
	assert.equal(store.requests.length, before, 'nobody was asked');
});
