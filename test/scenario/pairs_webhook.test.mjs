// The partner who is away is told by way of the app's own server: signed, without words unless they
// are wanted, again until it is taken, one notice for all that was missed.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { couple, startPairs } from '../harness/pairs.mjs';

const SECRET = 'a secret of both';
let sink;
let server;
const posts = []; // { headers, body, json }
let answerWith = () => 204;

before(async () => {
	sink = http.createServer((req, res) => {
		const chunks = [];
		req.on('data', (c) => chunks.push(c));
		req.on('end', () => {
			const body = Buffer.concat(chunks).toString('utf8');
			posts.push({ headers: req.headers, body, json: JSON.parse(body), at: Date.now() });
			res.writeHead(answerWith(), { 'content-length': 0 }).end();
		});
	});
	await new Promise((resolve) => sink.listen(0, '127.0.0.1', resolve));
	server = await start({});
});
after(async () => {
	await server?.stop();
	sink?.closeAllConnections();
	sink?.close();
});

function start(conf) {
	return startPairs({ conf: { pairs: { webhook_url: `http://127.0.0.1:${sink.address().port}/hook`, webhook_secret: SECRET, ...conf } } });
}

async function postFor(member, passes = () => true) {
	for (let i = 0; i < 400; i++) {
		const found = posts.find((p) => p.json.user_id === member.id && passes(p));
		if (found) return found;
		await sleep(50);
	}
	throw new Error(`no post for ${member.id}: ${JSON.stringify(posts)}`);
}

function assertSigned({ headers, body }) {
	const stamp = headers['plimsoll-timestamp'];
	assert.ok(Math.abs(stamp - Date.now() / 1000) < 60, stamp);
	const want = createHmac('sha256', SECRET).update(`${stamp}.${body}`).digest('hex');
	assert.equal(headers['plimsoll-signature'], `sha256=${want}`);
	assert.equal(headers['content-type'], 'application/json');
}

test('a notice is signed and says that there is something, not what', async () => {
	const [one, two] = await couple(server);
	const sent = await one.post('/messages', { text: 'for your eyes only' });
	const post = await postFor(two, (p) => p.json.seq === sent.json.seq);
	assertSigned(post);
	const { count, ...rest } = post.json;
	assert.deepEqual(rest, { user_id: two.id, couple_id: one.couple, from_user_id: one.id, seq: sent.json.seq, event: 'activity' });
	assert.ok(count >= 1);
	assert.ok(!posts.some((p) => p.body.includes('for your eyes only')));
});

test('who is looking is not told, and nobody of his own doings', async () => {
	const [one, two] = await couple(server);
	await postFor(one, (p) => p.json.event === 'couple'); // two has accepted while one was away
	await two.post('/presence', { state: 'online' });
	await one.post('/hug');
	await two.post('/presence', { state: 'away' });
	const told = (await one.post('/messages', { text: 'x' })).json.seq;
	await one.post('/read', { up_to: told });
	await postFor(two, (p) => p.json.seq === told);
	const others = posts.filter((p) => p.json.user_id === two.id && p.json.seq !== told);
	assert.deepEqual(others.map((p) => p.json.event), []);
});

test('what is not taken is posted again, and stands for all that came meanwhile', async () => {
	const [one, two] = await couple(server);
	await postFor(one, (p) => p.json.event === 'couple');
	answerWith = () => 503;
	try {
		const first = (await one.post('/messages', { text: '1' })).json.seq;
		await postFor(two, (p) => p.json.seq === first);
		await one.post('/messages', { text: '2' });
		const last = (await one.post('/messages', { text: '3' })).json.seq;
		answerWith = () => 200;
		const again = await postFor(two, (p) => p.json.seq === last);
		assertSigned(again);
		assert.equal(again.json.count, 3);
	} finally {
		answerWith = () => 204;
	}
});

test('a notice has the words where they are wanted', async () => {
	const own = await start({ webhook_text: 'yes' });
	try {
		const [one, two] = await couple(own);
		await one.post('/messages', { text: 'good night' });
		const post = await postFor(two, (p) => p.json.event === 'activity');
		assertSigned(post);
		assert.equal(post.json.data.text, 'good night');
	} finally {
		await own.stop();
	}
});
