// Pictures of couples: what is taken and refused, what becomes of it, who sees it and as what, and what is left when
// it is deleted or its couple has ended. Real pictures of every format, made by other programs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { converted, halves, header, pixelAt, pngHead, pngOf, withExif, withProfile } from '../harness/pictures.mjs';
import { call, couple, mailTokens, Member, member, pairUp, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { until } from '../harness/roles.mjs';

let server;
let ada;
let bob;
let png;
let jpeg;

before(async () => {
	server = await startPairs({ conf: { pairs: { clean_interval: '200ms', max_upload: '1M' } } });
	[ada, bob] = await couple(server);
	png = halves(400, 300);
	jpeg = await converted(png, 'jpg', '[Q=95]');
});
after(() => server?.stop());

function refused(answer, status, code) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.json.error.code, code, answer.text);
}

async function sent(m, bytes, query) {
	const answer = await m.upload(bytes, query);
	assert.equal(answer.status, 202, answer.text);
	assert.equal(answer.json.state, 'pending');
	return answer.json.id;
}

async function ready(m, bytes) {
	const picture = await m.picture(await sent(m, bytes));
	assert.equal(picture.state, 'ready', JSON.stringify(picture));
	return picture;
}

const fileOf = (m, picture, size) => m.request('GET', `/media/${picture.id}/${size}`);

// Their names begin with the picture's number, its low byte first.
function filesOf(id) {
	const root = path.join(server.dataDir, 'blobs/media/blobs');
	const number = Buffer.alloc(8);
	number.writeBigUInt64LE(BigInt(id));
	const prefix = number.toString('hex');
	return readdirSync(path.join(root, prefix.slice(0, 2))).filter((name) => name.startsWith(prefix));
}

const near = (seen, wanted) => wanted.forEach((v, i) => assert.ok(Math.abs(seen[i] - v) < 90, `${seen} is not ${wanted}`));

test('every format that is taken becomes the same sizes, in sRGB and without metadata', async () => {
	for (const [format, suffix, options] of [['jpeg', 'jpg', '[Q=95]'], ['jpeg', 'jpg', '[Q=90,interlace]'], ['png', 'png', ''], ['webp', 'webp', '[Q=95]'], ['gif', 'gif', ''], ['heif', 'heic'], ['heif', 'avif']]) {
		const picture = await ready(ada, await converted(png, suffix, options));
		assert.deepEqual([picture.format, picture.width, picture.height, picture.use], [format, 400, 300, 'photo']);
		assert.deepEqual(Object.keys(picture.sizes), ['large', 'medium', 'small', 'tiny']);
		for (const [size, width, height] of [['large', 400, 300], ['medium', 400, 300], ['small', 320, 240], ['tiny', 120, 90]]) {
			const about = picture.sizes[size];
			assert.deepEqual([about.width, about.height], [width, height], `${suffix} ${size}`);
			assert.equal(about.url, `/api/v1/media/${picture.id}/${size}`);
			const file = await fileOf(bob, picture, size);
			assert.equal(file.status, 200, file.text);
			assert.equal(file.raw.length, about.bytes);
			assert.equal(file.headers['content-type'], about.type);
			if (size !== 'tiny') continue;
			near(await pixelAt(file.raw, 10, 45), [255, 0, 0]);
			near(await pixelAt(file.raw, 110, 45), [0, 0, 255]);
			assert.doesNotMatch(await header(file.raw), /icc-profile|exif-data|xmp-data/);
		}
	}
});

test('what can be seen through stays so; odd colours come out right', async () => {
	const glass = await ready(ada, pngOf(50, 50, (x) => (x < 25 ? [0, 255, 0, 0] : [0, 255, 0, 255])));
	assert.equal(glass.sizes.large.type, 'image/webp');
	const file = await fileOf(ada, glass, 'large');
	assert.equal((await pixelAt(file.raw, 5, 25))[3], 0);
	assert.equal((await pixelAt(file.raw, 45, 25))[3], 255);
	// Another space of colours, four inks, sixteen bits of grey.
	for (const profile of ['p3', 'cmyk']) {
		const picture = await ready(ada, await withProfile(png, profile));
		const tiny = await fileOf(ada, picture, 'tiny');
		near(await pixelAt(tiny.raw, 110, 45), profile === 'cmyk' ? [50, 60, 140] : [0, 0, 255]);
		assert.match(await header(tiny.raw), /interpretation: srgb/);
		assert.doesNotMatch(await header(tiny.raw), /icc-profile/);
	}
	const grey = await ready(ada, pngHead({ width: 8, height: 8, depth: 16, colour: 0 }, Buffer.concat(Array(8).fill(Buffer.concat([Buffer.from([0]), Buffer.alloc(16, 0x80)])))));
	assert.ok(Math.abs((await pixelAt((await fileOf(ada, grey, 'large')).raw, 4, 4))[0] - 0x80) < 8);
	// Those that are right already are not made right.
	const plain = await ready(ada, pngOf(400, 300, () => [30, 110, 150]));
	const seen = await pixelAt((await fileOf(ada, plain, 'tiny')).raw, 60, 45);
	[30, 110, 150].forEach((v, i) => assert.ok(Math.abs(seen[i] - v) < 8, `${seen}`));
});

test('pictures are turned upright, and where they were taken is not told', async () => {
	// 6: the right side is the top, so what was left is at the top.
	for (const [orientation, width, height, x, y] of [[6, 300, 400, 60, 10], [3, 400, 300, 110, 45], [8, 300, 400, 60, 110]]) {
		const picture = await ready(ada, withExif(jpeg, orientation));
		assert.deepEqual([picture.width, picture.height], [width, height]);
		const small = await fileOf(ada, picture, 'tiny');
		near(await pixelAt(small.raw, width > height ? x : Math.min(x, 80), y), [255, 0, 0]);
		for (const size of Object.keys(picture.sizes)) {
			assert.ok(!(await fileOf(ada, picture, size)).raw.includes('SECRET-PLACE'), size);
		}
	}
});

test('a large picture is never made larger and keeps its shape', async () => {
	const wide = await ready(ada, await converted(halves(2000, 500), 'jpg'));
	assert.deepEqual(Object.values(wide.sizes).map((s) => [s.width, s.height]), [[1280, 320], [640, 160], [320, 80], [120, 30]]);
	const dot = await ready(ada, pngOf(1, 1, () => [9, 9, 9]));
	assert.deepEqual(Object.values(dot.sizes).map((s) => [s.width, s.height]), [[1, 1], [1, 1], [1, 1], [1, 1]]);
});

test('what is no picture is refused by its content, whatever it is called', async () => {
	const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>alert(1)</script></svg>';
	const tiff = Buffer.concat([Buffer.from('II*\0', 'latin1'), Buffer.alloc(60)]);
	for (const bytes of [svg, '<html><body>hello to you and to everybody else</body></html>', tiff, Buffer.alloc(100), '%PDF-1.7 and so on and so on and so on', 'short', '']) {
		const answer = await call(server, 'POST', '/api/v1/media', { body: Buffer.from(bytes), headers: { 'content-type': 'image/jpeg' }, token: ada.token });
		refused(answer, 415, 'unsupported_type');
	}
	const mp4 = Buffer.concat([Buffer.from([0, 0, 0, 32]), Buffer.from('ftypisom'), Buffer.alloc(60)]);
	refused(await ada.upload(mp4), 415, 'unsupported_type');
});

test('what cannot be decoded fails, and says so to both', async () => {
	const before = (await ada.get('/couple')).json.head;
	const cases = [
		[jpeg.subarray(0, jpeg.length / 2), 'undecodable'], // cut off
		[Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(400, 7)]), 'undecodable'],
		[pngHead({ width: 50000, height: 50000, depth: 1, colour: 0 }, Buffer.alloc(1000)), 'too_large'], // a bomb
		[pngHead({ width: 12001, height: 1, depth: 1, colour: 0 }, Buffer.alloc(1502)), 'too_large'],
		[Buffer.concat([Buffer.from('GIF89a'), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(60)]), /too_large|undecodable/],
		[Buffer.concat([Buffer.from('RIFF\x00\x01\x00\x00WEBPVP8 ', 'latin1'), Buffer.alloc(100)]), 'undecodable'],
		[Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(80)]), 'undecodable'],
		// A PNG in front, a page behind; and the other way round inside of a comment.
		[Buffer.concat([png.subarray(0, 60), Buffer.from('<script>alert(1)</script>'.repeat(10))]), 'undecodable'],
	];
	for (const [bytes, reason] of cases) {
		const picture = await ada.picture(await sent(ada, bytes));
		assert.equal(picture.state, 'failed', `${bytes.subarray(0, 12).toString('latin1')}: ${reason}`);
		assert.match(picture.reason, reason instanceof RegExp ? reason : new RegExp(`^${reason}$`));
		assert.deepEqual(picture.sizes, {});
		refused(await fileOf(bob, picture, 'tiny'), 404, 'not_ready');
	}
	const { items } = (await bob.get(`/activities?after=${before}&limit=200`)).json;
	assert.deepEqual(items.map((e) => [e.event, e.data.state]), cases.map(() => ['media', 'failed']));
});

test('a picture with a page behind it is a picture and nothing else', async () => {
	const page = '<html><script>alert(document.domain)</script></html>';
	const picture = await ready(ada, Buffer.concat([jpeg, Buffer.from(page)]));
	for (const size of Object.keys(picture.sizes)) {
		const file = await fileOf(ada, picture, size);
		assert.ok(!file.raw.includes('script'));
		assert.equal(file.headers['x-content-type-options'], 'nosniff');
		assert.match(file.headers['content-security-policy'], /^sandbox;/);
	}
});

test('limits: bytes, the couple’s quota, and a checksum', async () => {
	refused(await ada.upload(Buffer.concat([jpeg, Buffer.alloc(1100 * 1024)])), 413, 'too_large');
	// Its length is not known before.
	const chunked = await call(server, 'POST', '/api/v1/media', { body: Buffer.concat([jpeg, Buffer.alloc(1100 * 1024)]), headers: { 'transfer-encoding': 'chunked' }, token: ada.token });
	refused(chunked, 413, 'too_large');
	const sum = createHash('sha256').update(jpeg).digest('hex');
	assert.equal((await ada.upload(jpeg, `?sha256=${sum}`)).status, 202);
	refused(await ada.upload(jpeg, `?sha256=${'0'.repeat(64)}`), 422, 'wrong_sha256');
	refused(await ada.upload(jpeg, '?sha256=abc'), 400, 'invalid');
});

test('the same client_id makes one picture, and events tell both of it', async () => {
	const id = await sent(ada, jpeg, '?client_id=p1');
	for (const bytes of [jpeg, png]) {
		const again = await ada.upload(bytes, '?client_id=p1');
		assert.deepEqual([again.status, again.json.id], [202, id]);
	}
	assert.notEqual(await sent(bob, jpeg, '?client_id=p1'), id, 'a name of one member is another one’s as well');
	await ada.picture(id);
	const events = (await bob.get('/activities?limit=200')).json.items.filter((e) => e.data.id === id);
	assert.deepEqual(events.map((e) => [e.event, e.user_id, e.data.state, e.data.sizes.tiny.width]), [['media', ada.id, 'ready', 120]]);
	assert.equal(events[0].data.sizes.tiny.url, undefined);
});

test('conditions, ranges and caches', async () => {
	const picture = await ready(ada, jpeg);
	const get = (headers, method = 'GET') => ada.request(method, `/media/${picture.id}/small`, undefined, headers);
	const whole = await get({});
	assert.equal(whole.headers['cache-control'], 'private, max-age=31536000, immutable');
	assert.equal(whole.headers['accept-ranges'], 'bytes');
	const tag = whole.headers.etag;
	assert.equal((await get({ 'if-none-match': tag })).status, 304);
	assert.equal((await get({ 'if-match': '"x"' })).status, 412);
	const part = await get({ range: 'bytes=10-19' });
	assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 10-19/${whole.raw.length}`]);
	assert.deepEqual(part.raw, whole.raw.subarray(10, 20));
	assert.equal((await get({ range: 'bytes=10-19', 'if-range': '"x"' })).status, 200);
	const beyond = await get({ range: 'bytes=9999999-' });
	assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, `bytes */${whole.raw.length}`]);
	const head = await get({}, 'HEAD');
	assert.deepEqual([head.status, head.headers['content-length'], head.raw.length], [200, `${whole.raw.length}`, 0]);
	refused(await ada.get(`/media/${picture.id}/huge`), 404, 'not_found');
	assert.equal((await ada.get(`/media/${picture.id}/huge`)).headers['cache-control'], 'no-store');
	refused(await ada.get(`/media/${picture.id}/original`), 404, 'not_found');
});

test('messages, kisses and items show pictures of the couple, and no others', async () => {
	const [stranger] = await couple(server);
	const foreign = await sent(stranger, jpeg);
	const { id } = await ready(bob, jpeg);
	const said = await ada.post('/messages', { text: 'look', media_id: id });
	assert.equal(said.json.data.media_id, id);
	const kiss = await ada.post('/kiss', { points: [{ x: 0.5, y: 0.5 }], media_id: id });
	assert.equal(kiss.json.data.media_id, id);
	const list = (await ada.post('/lists', { name: 'seen' })).json.data.id;
	const item = (await ada.post(`/lists/${list}/items`, { text: 'this', media_id: id })).json.data.item;
	assert.equal(item.media_id, id);
	const changed = await bob.patch(`/lists/${list}/items/${item.id}`, { media_id: '0' });
	assert.equal(changed.json.data.item.media_id, null);
	assert.equal((await ada.post('/messages', { text: 'none' })).json.data.media_id, null);
	for (const media_id of [foreign, '12345']) {
		refused(await ada.post('/messages', { text: 'x', media_id }), 404, 'not_found');
		refused(await ada.post('/kiss', { points: [{ x: 0, y: 0 }], media_id }), 404, 'not_found');
		refused(await ada.post(`/lists/${list}/items`, { text: 'x', media_id }), 404, 'not_found');
	}
});

test('captions, the list, and deleting', async () => {
	const [one, two] = await couple(server);
	const ids = [];
	for (let i = 0; i < 3; i++) ids.push((await ready(one, jpeg)).id);
	const listed = (await two.get('/media?limit=2')).json.media.map((m) => m.id);
	assert.deepEqual(listed, [ids[2], ids[1]]);
	assert.deepEqual((await two.get(`/media?before=${ids[1]}`)).json.media.map((m) => m.id), [ids[0]]);
	refused(await two.get('/media?before=1'), 400, 'invalid');
	assert.equal((await one.patch(`/media/${ids[0]}`, { caption: 'Us, 2014' })).json.data.caption, 'Us, 2014');
	assert.equal((await two.get(`/media/${ids[0]}`)).json.caption, 'Us, 2014');
	refused(await two.patch(`/media/${ids[0]}`, { caption: 'mine' }), 403, 'not_own');
	refused(await two.delete(`/media/${ids[0]}`), 403, 'not_own');
	assert.equal(filesOf(ids[0]).length, 5);
	assert.equal((await one.delete(`/media/${ids[0]}`)).status, 204);
	refused(await two.get(`/media/${ids[0]}`), 404, 'not_found');
	refused(await fileOf(two, { id: ids[0] }, 'tiny'), 404, 'not_found');
	await until('its five files to go', () => filesOf(ids[0]).length === 0);
	assert.equal(filesOf(ids[1]).length, 5);
	assert.equal((await two.get('/media')).json.media.length, 2);
});

test('an avatar is cut square, worn, seen by the partner, and replaced', async () => {
	const [one, two] = await couple(server);
	const wear = async (bytes) => {
		const answer = await one.upload(bytes, '', '/me/avatar');
		assert.equal(answer.status, 202, answer.text);
		const picture = await one.picture(answer.json.id);
		assert.equal(picture.state, 'ready', JSON.stringify(picture));
		return picture;
	};
	const first = await wear(jpeg);
	assert.deepEqual(Object.entries(first.sizes).map(([name, s]) => [name, s.width, s.height]).sort(), [['192', 192, 192], ['48', 48, 48], ['96', 96, 96]]);
	assert.equal((await two.get('/couple')).json.users[1].avatar, first.id);
	assert.equal((await fileOf(two, first, '48')).status, 200);
	const told = (await two.get('/activities?limit=200')).json.items.filter((e) => e.event === 'user');
	assert.deepEqual(told.map((e) => e.data.avatar), [first.id]);
	const second = await wear(await converted(halves(100, 30), 'webp'));
	assert.deepEqual(Object.values(second.sizes).map((s) => s.width).sort((a, b) => a - b), [30, 30, 30]);
	refused(await two.get(`/media/${first.id}`), 404, 'not_found');
	refused(await ada.get(`/media/${second.id}`), 404, 'not_found');
	assert.equal((await one.get('/media')).json.media.length, 0, 'it is no photo of the couple');
});

test('whoever signs up sends an avatar while the mail is on its way', async () => {
	const email = 'new@example.org';
	const m = new Member(server, email);
	const { json } = await m.post('/signup', { email, password: PASSWORD, first_name: 'New' });
	const put = (token) => call(server, 'PUT', '/api/v1/signup/avatar', { body: jpeg, token });
	for (const token of [undefined, 'x', `${json.avatar_token}x`, json.avatar_token.replace(/^\d/, (d) => `${(Number(d) + 1) % 10}`)]) {
		refused(await put(token), 401, 'unauthorized');
	}
	const { id } = (await put(json.avatar_token)).json;
	const [token] = await mailTokens(server, email, 'pairs-signup');
	m.keep(await m.post('/verify', { token }));
	const picture = await m.picture(id);
	assert.deepEqual([picture.state, picture.use], ['ready', 'avatar']);
	assert.equal((await m.get('/me')).json.user.avatar, id);
	// No more than a few at a time, whoever asks.
	const statuses = [];
	for (let i = 0; i < 6; i++) statuses.push((await put(json.avatar_token)).status);
	assert.ok(statuses.includes(202), `${statuses}`);
});

test('when a couple has ended nothing of it is left, neither rows nor files', async () => {
	const [one, two] = await couple(server);
	const picture = await ready(one, jpeg);
	const pending = await sent(two, jpeg);
	await one.post('/messages', { text: 'soon gone', client_id: 'c1' });
	const list = (await one.post('/lists', { name: 'soon gone' })).json.data.id;
	for (let i = 0; i < 5; i++) await one.post(`/lists/${list}/items`, { text: `soon gone ${i}` });
	await one.post('/calendar', { title: 'soon gone', start: 1, end: 2 });
	await one.picture(pending);
	assert.equal((await one.post('/couple/leave')).status, 204);
	for (const m of [one, two]) refused(await fileOf(m, picture, 'tiny'), 404, 'not_found');
	await until('the files to go', () => filesOf(picture.id).length + filesOf(pending).length === 0);
	await pairUp(server, one, two);
	assert.equal((await two.get('/activities')).json.items.length, 1);
	assert.equal((await two.get('/media')).json.media.length, 0);
});

test('another couple’s picture is 404, and nobody’s without a token', async () => {
	const picture = await ready(ada, jpeg);
	const alone = await member(server, 'nobody@example.org');
	const [stranger] = await couple(server);
	for (const m of [alone, stranger]) {
		refused(await m.get(`/media/${picture.id}`), 404, 'not_found');
		refused(await fileOf(m, picture, 'tiny'), 404, 'not_found');
	}
	refused(await call(server, 'GET', `/api/v1/media/${picture.id}/tiny`), 401, 'unauthorized');
});
