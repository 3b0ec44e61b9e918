// The API behind the pages of the symbol server: signing in, who sees and changes what, lists with their
// filters and orders, tokens, searching a module.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { runCommand } from '../harness/command.mjs';
import { signUp } from '../harness/client.mjs';
import { askCertificate, assertion, bundle, damaged, newKey } from '../harness/assertion.mjs';
import { ask, get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { assertionOf, Person, signedIn, startWithPages } from '../harness/symbols_people.mjs';

const BUILD = 'build@example.org';
const LEAD = 'lead@example.org';
const ADMIN = 'admin@example.org';

let server;
let buildKey;
let tryKey;
let lead;
let admin;
let nobody;

before(async () => {
	server = await startWithPages();
	buildKey = makeToken(server, BUILD, 'upload_symbols');
	tryKey = makeToken(server, 'try@example.org', 'upload_try_symbols');
	makeToken(server, LEAD, 'upload_symbols,view_all_uploads,manage_tokens');
	lead = await signedIn(server, LEAD);
	nobody = await signedIn(server, 'nobody@example.org');
	const owner = await signUp(server, ADMIN, 'correct horse');
	assert.equal((await runCommand(['user', 'admin', ADMIN, 'on', '-c', server.confPath])).code, 0);
	admin = await signedIn(server, ADMIN, { client: owner });
});
after(() => server?.stop());

const byToken = (key) => ({ 'auth-token': key });
const permissions = (answer) => answer.json.user.permissions.map((p) => p.codename);

test('signing in: a good assertion for this server and nothing else; signing out ends it', async () => {
	const out = await get(server, '/api/_auth/');
	assert.equal(out.status, 200);
	assert.deepEqual(out.json, { sign_in_script: `${server.url}/include.js`, public_url: server.symbolsUrl });
	const email = 'signs@example.org';
	const owner = await signUp(server, email, 'correct horse');
	const key = newKey();
	const certificate = (await askCertificate(owner, email, key)).text;
	const good = bundle([certificate], assertion(key, server.symbolsUrl));
	const person = new Person(server);
	for (const bad of [bundle([certificate], assertion(key, server.url)), bundle([certificate], assertion(newKey(), server.symbolsUrl)), damaged(good), 'x']) {
		const refused = await person.signIn(bad);
		assert.equal(refused.status, 403, refused.text);
		assert.match(refused.json.error, /^the assertion is no good: /);
	}
	for (const body of ['', '{', '[]', '{"assertion": 1}']) {
		assert.equal((await ask(server, 'POST', '/api/_auth/', { body: Buffer.from(body) })).status, 400, body);
	}
	const elsewhere = await ask(server, 'POST', '/api/_auth/', { body: Buffer.from(JSON.stringify({ assertion: good })), headers: { origin: server.url } });
	assert.equal(elsewhere.status, 403, 'another page signs nobody in');
	const answer = await person.signIn(good);
	assert.equal(answer.status, 200, answer.text);
	const [cookie] = answer.headers['set-cookie'];
	assert.match(cookie, /^plimsoll_symbols=[A-Za-z0-9]{40}; /);
	for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=604800']) assert.ok(cookie.includes(part), cookie);
	const user = (await person.get('/api/_auth/')).json;
	assert.deepEqual(user.user, { email, is_active: true, is_superuser: false, permissions: [] });
	assert.match(user.csrf_token, /^[0-9a-f]{32}$/);
	const stolen = person.client.cookies.get('plimsoll_symbols');
	for (const headers of [{ 'x-csrf-token': '' }, { 'x-csrf-token': '0'.repeat(32) }, { origin: server.url }]) {
		assert.equal((await person.del('/api/_auth/', headers)).status, 403, JSON.stringify(headers));
	}
	assert.equal((await person.del('/api/_auth/')).status, 200);
	const late = await get(server, '/api/_auth/', { cookie: `plimsoll_symbols=${stolen}` });
	assert.equal(late.json.user, undefined);
	assert.equal(late.json.why, 'The session is over');
	assert.equal((await get(server, '/api/uploads/', { cookie: `plimsoll_symbols=${stolen}` })).status, 403);
	assert.equal((await get(server, '/api/_auth/', { cookie: 'plimsoll_symbols=x' })).json.user, undefined);
});

test('who is what: tokens of an address together, an administrator everything, others nothing', async () => {
	assert.deepEqual(permissions(await lead.get('/api/_auth/')), ['upload_symbols', 'view_all_uploads', 'manage_tokens']);
	assert.deepEqual((await admin.get('/api/_auth/')).json.user.permissions.map((p) => p.id), [1, 2, 3, 4]);
	assert.equal((await admin.get('/api/_auth/')).json.user.is_superuser, true);
	assert.deepEqual(permissions(await nobody.get('/api/_auth/')), []);
	const token = await get(server, '/api/_auth/', byToken(buildKey));
	assert.deepEqual(permissions(token), ['upload_symbols']);
	assert.equal(token.json.csrf_token, undefined);
	assert.equal((await get(server, '/api/_auth/', byToken('x'))).json.why, 'API Token not matched');
	const blocked = await signedIn(server, 'blocked@example.org');
	makeToken(server, 'blocked@example.org', 'view_all_uploads');
	assert.equal((await blocked.get('/api/uploads/')).json.can_view_all, true);
	await runCommand(['symbols', 'token', 'block', 'blocked@example.org', '-c', server.confPath]);
	assert.equal((await blocked.get('/api/uploads/')).json.error, 'User not active');
});

test('uploads and files: own ones or all, filters, orders, pages, one of them', async () => {
	const big = 'x'.repeat(3000);
	for (let i = 1; i <= 3; i++) await uploadFiles(server, buildKey, { [`mod${i}/AB${i}/mod${i}.sym`]: `MODULE Linux x86_64 AB${i} mod${i}\nINFO CODE_ID CD${i}\n${i === 2 ? big : ''}`, 'mod-symbols.txt': 'list' });
	await uploadFiles(server, buildKey, { 'mod3/AB3/mod3.sym': 'MODULE Linux x86_64 AB3 mod3\nINFO CODE_ID CD3\n', 'mod-symbols.txt': 'list' });
	await uploadFiles(server, tryKey, { 'mod1/AB1/mod1.sym': 'of a try build' });
	const list = async (query, who = lead) => (await who.get(`/api/uploads/${query}`)).json;
	const all = await list('');
	assert.equal(all.can_view_all, true);
	assert.deepEqual(all.order_by, { sort: 'created_at', reverse: true });
	assert.deepEqual([all.batch_size, all.has_next, all.total], [20, false, 5]);
	assert.deepEqual(all.uploads.map((u) => u.try_symbols), [true, false, false, false, false]);
	const [, again, third] = all.uploads;
	assert.deepEqual([again.files_count, again.skipped_keys, again.ignored_keys, again.files_incomplete_count], [0, ['mod3/AB3/mod3.sym'], ['mod-symbols.txt'], 0]);
	assert.deepEqual((await list('', nobody)).uploads, []);
	assert.equal((await get(server, '/api/uploads/', byToken(buildKey))).json.uploads.length, 4);
	const ids = async (query) => (await list(query)).uploads.map((u) => u.id);
	const newest = all.uploads.map((u) => u.id);
	assert.deepEqual(await ids('?sort=created_at'), [...newest].reverse());
	assert.deepEqual(await ids('?sort=created_at&reverse=true'), newest);
	const sizes = async (query) => (await list(query)).uploads.map((u) => u.size);
	assert.deepEqual(await sizes('?sort=size'), all.uploads.map((u) => u.size).sort((a, b) => a - b));
	assert.deepEqual(await sizes('?sort=size&reverse=true'), all.uploads.map((u) => u.size).sort((a, b) => b - a));
	assert.equal((await list('?user=build')).total, 4);
	assert.equal((await list('?user=!build')).total, 1);
	assert.equal((await list('?created_at=today')).total, 5);
	assert.equal((await list('?completed_at=incomplete')).total, 0);
	assert.deepEqual((await list('?page=2')).uploads, []);
	assert.deepEqual((await list('?sort=colour')).errors, { sort: ['Unable to parse'] });

	const one = (await lead.get(`/api/uploads/upload/${third.id}`)).json.upload;
	assert.deepEqual(one.file_uploads.map((f) => [f.key, f.compressed, f.update, f.bucket_name]), [['mod3/AB3/mod3.sym', true, false, 'symbols']]);
	assert.deepEqual(one.related.map((u) => u.id), [again.id]);
	assert.equal((await get(server, `/api/uploads/upload/${all.uploads[0].id}`, byToken(buildKey))).status, 403);

	const files = async (query) => (await lead.get(`/api/uploads/files/${query}`)).json;
	assert.deepEqual((await files('')).files.map((f) => f.key), ['mod1/AB1/mod1.sym', 'mod3/AB3/mod3.sym', 'mod2/AB2/mod2.sym', 'mod1/AB1/mod1.sym']);
	assert.deepEqual((await files('?key=mod,AB1')).files.map((f) => f.upload.try_symbols), [true, false]);
	assert.equal((await files('?upload_type=try')).total, 1);
	assert.equal((await files('?bucket_name=symbols')).total, 3);
	assert.deepEqual((await files('?size=>2kb')).files.map((f) => f.key), ['mod2/AB2/mod2.sym']);
	assert.equal((await files('')).batch_size, 40);
	assert.equal((await get(server, '/api/uploads/files/', byToken(buildKey))).json.error, 'Forbidden');
	const file = (await lead.get(`/api/uploads/files/file/${one.file_uploads[0].id}`)).json.file;
	assert.deepEqual([file.url, file.debug_filename, file.debug_id, file.code_id, file.generator, file.upload.id], [`${server.symbolsUrl}/mod3/AB3/mod3.sym`, 'mod3', 'AB3', 'CD3', null, third.id]);
	assert.equal((await nobody.get(`/api/uploads/files/file/${one.file_uploads[0].id}`)).status, 403);
	assert.equal((await lead.get('/api/uploads/files/file/424242')).status, 404);

	const stats = (await lead.get('/api/stats/')).json.stats;
	assert.deepEqual([stats.uploads.all_uploads, stats.uploads.today.count, stats.uploads.last_30_days.count, stats.uploads.yesterday.count, stats.files.this_month.count], [true, 5, 5, 0, 4]);
	assert.deepEqual(stats.tokens, { total: 1, expired: 0 });
	assert.equal((await get(server, '/api/stats/', byToken(tryKey))).json.stats.uploads.today.count, 1);
	assert.equal((await get(server, '/api/stats/')).status, 403);
});

test('a module is found by the beginning of its name and by its ids', async () => {
	const files = {};
	for (let i = 0; i < 60; i++) files[`many.so/${(0xabc000 + i).toString(16)}/many.so.sym`] = `MODULE Linux x86_64 ${(0xabc000 + i).toString(16)} many.so\nINFO CODE_ID ${(0xdef000 + i).toString(16)}\n`;
	await uploadFiles(server, buildKey, files);
	const find = async (query, who = lead) => (await who.get(`/api/stored/?${query}`)).json;
	const first = await find('name=many');
	assert.equal(first.files.length, 50);
	assert.equal(first.next, 'many.so/ABC031/many.so.sym');
	const rest = await find(`name=many&after=${encodeURIComponent(first.next)}`);
	assert.deepEqual([rest.files.length, rest.next], [10, null]);
	assert.equal(rest.files[0].debug_id, 'ABC032');
	assert.deepEqual((await find('name=many&id=abc03b')).files.map((f) => [f.debug_id, f.code_id, f.build_id]), [['ABC03B', 'DEF03B', 'def03b']]);
	assert.equal((await find('name=many&id=DEF001')).files.length, 1);
	assert.deepEqual((await find('name=nothing')).files, []);
	assert.equal((await lead.get('/api/stored/?name=a&after=b')).status, 400);
	assert.equal((await nobody.get('/api/stored/?name=many')).status, 403, 'for those who have a permission');
	assert.equal((await get(server, '/api/stored/?name=mod1', byToken(buildKey))).json.files.length, 2, 'the regular one and the try build’s');
});

test('tokens: the key once, only what one has oneself, only one’s own; administrators all', async () => {
	const made = await lead.post('/api/tokens/', { permissions: '1,3', expires: '10', notes: 'nightly <b>' });
	assert.equal(made.status, 201, made.text);
	assert.match(made.json.key, /^[0-9a-f]{32}$/);
	assert.equal((await get(server, '/api/_auth/', byToken(made.json.key))).json.user.email, LEAD);
	const list = (await lead.get('/api/tokens/')).json;
	assert.deepEqual(list.totals, { all: 2, active: 2, expired: 0 });
	assert.deepEqual(list.permissions.map((p) => p.id), [1, 3, 4]);
	const token = list.tokens.find((t) => t.id === made.json.id);
	assert.deepEqual([token.key, token.notes, token.is_expired, token.permissions.map((p) => p.codename)], [`${made.json.key.slice(0, 6)}...`, 'nightly <b>', false, ['upload_symbols', 'view_all_uploads']]);
	assert.ok(!JSON.stringify(list).includes(made.json.key), 'never again');
	const days = (Date.parse(token.expires_at) - Date.now()) / 86400000;
	assert.ok(days > 9.9 && days < 10.1);
	const extended = await lead.post(`/api/tokens/token/${token.id}/extend`, { days: '5' });
	assert.deepEqual(extended.json, { ok: true, days: 5 });
	assert.equal(Date.parse((await lead.get('/api/tokens/')).json.tokens.find((t) => t.id === token.id).expires_at), Date.parse(token.expires_at) + 5 * 86400000);

	const refused = async (fields, status, why) => {
		const answer = await lead.post('/api/tokens/', fields);
		assert.equal(answer.status, status, answer.text);
		assert.match(answer.text, why);
	};
	await refused({ permissions: '2' }, 403, /Forbidden/); // the lead has no such permission
	await refused({ permissions: '' }, 400, /"permissions":\["a token needs permissions/);
	await refused({ permissions: '1,2' }, 400, /either to the regular storage/);
	await refused({ permissions: '1,9' }, 400, /permissions/);
	await refused({ permissions: '1', expires: '0' }, 400, /"expires":\["this is no number of days"\]/);
	await refused({ permissions: '1', notes: 'x'.repeat(501) }, 400, /notes/);
	await refused({ permissions: '1', user: BUILD }, 403, /Forbidden/);
	const withoutToken = await lead.post('/api/tokens/', { permissions: '1' }, { 'x-csrf-token': 'x' });
	assert.match(withoutToken.json.error, /X-CSRF-Token is missing/);
	assert.equal((await nobody.get('/api/tokens/')).status, 403);
	assert.equal((await get(server, '/api/tokens/', byToken(buildKey))).json.error, 'Forbidden');
	assert.equal((await lead.get('/api/tokens/?user=all')).status, 403);

	const others = (await admin.get('/api/tokens/?user=all')).json.tokens;
	const builds = others.find((t) => t.user === BUILD);
	assert.ok(builds && others.length >= 4);
	assert.deepEqual((await admin.get('/api/tokens/')).json.tokens, []);
	for (const change of [lead.del(`/api/tokens/token/${builds.id}`), lead.post(`/api/tokens/token/${builds.id}/extend`, {})]) assert.equal((await change).status, 403);
	const robot = await admin.post('/api/tokens/', { permissions: '2', user: 'Robot@Example.org' });
	assert.equal((await get(server, '/api/_auth/', byToken(robot.json.key))).json.user.email, 'robot@example.org');
	assert.deepEqual((await lead.del(`/api/tokens/token/${token.id}`)).json, { ok: true });
	assert.equal((await get(server, '/api/_auth/', byToken(made.json.key))).json.why, 'API Token not matched');
	assert.equal((await lead.del(`/api/tokens/token/${token.id}`)).status, 404);
});

test('the pages: for browsers, with a policy, and in words for others', async () => {
	const page = await get(server, '/', { accept: 'text/html,*/*' });
	assert.equal(page.status, 200);
	assert.match(page.headers['content-type'], /^text\/html/);
	assert.match(page.headers['content-security-policy'], new RegExp(`^default-src 'none'; script-src 'self' ${server.url};`));
	assert.match(page.headers.vary, /Accept/);
	const paths = [...page.text.matchAll(/(?:href|src)="(\/__web__\/[^"]+)"/g)].map((m) => m[1]);
	assert.ok(paths.length >= 4);
	for (const path of paths) assert.equal((await get(server, path)).status, 200, path);
	for (const path of ['/__web__/identity/index.html', '/__web__/admin/live.js', '/__web__/', '/__web__/symbols/../identity/index.html']) assert.equal((await get(server, path)).status, 404, path);
	const words = await get(server, '/');
	assert.match(words.headers['content-type'], /^text\/plain/);
	assert.match(words.text, /curl -H 'Auth-Token: KEY'/);
});
