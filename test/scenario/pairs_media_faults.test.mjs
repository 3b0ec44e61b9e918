// Pictures when something breaks: the program that decodes one is killed, or any role, or everything; the disk is
// full; and the host of pictures, whose addresses say themselves who may look, and for how long.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { converted, halves } from '../harness/pictures.mjs';
import { couple, startPairs } from '../harness/pairs.mjs';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { childrenOf, pidOf, until } from '../harness/roles.mjs';
import { auditIsGood, generator, killWhile, People } from './lib/kill.mjs';

// The sandbox is of the release build.
const RELEASE = process.env.PLIMSOLL_RELEASE_BIN ?? plimsollBin();

// Takes some tenths of a second to decode, as it cannot be read from top to bottom.
const slow = () => converted(halves(5000, 3000), 'jpg', '[interlace,Q=50]');

async function decoder(server) {
	const media = await pidOf(server, 'media');
	return until('a picture to be decoded', () => childrenOf(media)[0]);
}

test('a picture whose program is killed is done by another; three times, and it is given up', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-media-'));
	const server = await startPairs({ dir });
	try {
		const [ada] = await couple(server);
		const picture = await slow();
		const once = (await ada.upload(picture)).json.id;
		process.kill(await decoder(server), 'SIGKILL');
		assert.equal((await ada.picture(once)).state, 'ready');

		const { id } = (await ada.upload(picture)).json;
		for (let i = 0; i < 3; i++) {
			const pid = await decoder(server);
			process.kill(pid, 'SIGKILL');
			await until('its end', async () => !childrenOf(await pidOf(server, 'media')).includes(pid));
		}
		const given = await ada.picture(id);
		assert.deepEqual([given.state, given.reason], ['failed', 'gave_up']);
		assert.match(server.stderr(), /event=picture_not_made id=\d+ err=CORRUPT detail="killed by signal 9"/);
		// Everybody else goes on.
		assert.equal((await ada.picture((await ada.upload(await converted(halves(), 'jpg'))).json.id)).state, 'ready');
	} finally {
		await server.stop();
		auditIsGood(server);
		rmSync(dir, { recursive: true, force: true });
	}
});

test('the program that decodes has nothing but its picture, and closes itself in further', async () => {
	const server = await startPairs({ bin: RELEASE });
	try {
		const [ada] = await couple(server);
		const { id } = (await ada.upload(await slow())).json;
		const pid = await decoder(server);
		const filters = () => Number(/^Seccomp_filters:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
		const ofRole = Number(/^Seccomp_filters:\t(\d+)$/m.exec(readFileSync(`/proc/${await pidOf(server, 'media')}/status`, 'latin1'))[1]);
		await until('a filter of its own', () => filters() === ofRole + 1, 5);
		assert.match(readFileSync(`/proc/${pid}/status`, 'latin1'), /^NoNewPrivs:\t1$/m);
		assert.match(readFileSync(`/proc/${pid}/comm`, 'latin1'), /^plimsoll-media/);
		assert.equal(readFileSync(`/proc/${pid}/environ`, 'latin1').includes('PATH='), false);
		assert.deepEqual(readdirSync(`/proc/${pid}/fd`).sort(), ['0', '1', '2']);
		assert.equal((await ada.picture(id)).state, 'ready');
		// Nothing of libvips is left when there is nothing to do.
		assert.deepEqual(childrenOf(await pidOf(server, 'media')), []);
		assert.doesNotMatch(readFileSync(`/proc/${await pidOf(server, 'media')}/maps`, 'latin1'), /libvips/);
	} finally {
		await server.stop();
	}
});

test('a full disk is said, loses nothing, and passes', async () => {
	const server = await startPairs();
	try {
		const [ada] = await couple(server);
		const picture = await converted(halves(900, 900), 'png');
		const limit = async (bytes) => execFileSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(await pidOf(server, 'files'))]);
		await limit(100);
		const refusedOne = await ada.upload(picture, '?client_id=full');
		assert.deepEqual([refusedOne.status, refusedOne.json?.error.code], [503, 'overloaded'], refusedOne.text);
		assert.ok(Number(refusedOne.headers['retry-after']) > 0);
		assert.equal((await ada.get('/media')).json.media.length, 0);
		await limit('unlimited');
		const { id } = (await ada.upload(picture, '?client_id=full')).json;
		await limit(100); // when its sizes are to be written
		await until('the job to fail once', () => /event=picture_not_made/.test(server.stderr()) || (async () => (await ada.get(`/media/${id}`)).json.state === 'ready')());
		await limit('unlimited');
		assert.equal((await ada.picture(id)).state, 'ready');
	} finally {
		await server.stop();
	}
});

class Senders extends People {
	ids = [];

	constructor(server, lines, members, picture) {
		super(server, lines);
		Object.assign(this, { members, picture });
	}

	async person(line, n) {
		const answer = await this.step(() => this.members[line % 2].upload(this.picture, `?client_id=${line}-${n}`), [202]);
		if (answer) this.ids.push(answer.json.id);
		await sleep(20);
	}
}

test('no picture is lost whoever is killed', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-media-kill-'));
	const pairsPort = await freePort();
	const conf = { pairs: { listen: `127.0.0.1:${pairsPort}`, min_mail_interval: '0s', media_lease: '15s' } };
	const server = await startPairs({ dir, conf, pairsPort });
	const at = { pairsPort, adminUrl: server.adminUrl };
	const members = await couple(at);
	const senders = new Senders(server, 2, members, await converted(halves(300, 200), 'jpg'));
	const last = await killWhile(senders, {
		dir, conf, rounds: 4, roundMs: 500, random: generator(Number(process.env.KILL_SEED ?? 7)), roles: ['media', 'web', 'files', 'store'],
		done: () => senders.ids.length, perRound: 2,
	});
	assert.equal(new Set(senders.ids).size, senders.ids.length);
	// A process that was killed holds its lease for a while; the others are done before.
	for (const id of senders.ids) {
		const picture = await until(`picture ${id}`, async () => {
			const { json } = await members[0].get(`/media/${id}`);
			return json.state !== 'pending' && json;
		}, 100);
		assert.equal(picture.state, 'ready', JSON.stringify(picture));
		assert.equal((await members[1].get(`/media/${id}/tiny`)).status, 200);
	}
	await last.stop();
	auditIsGood(last);
	rmSync(dir, { recursive: true, force: true });
});

test('with a host of pictures they are served there by signed addresses, and nothing else is', async () => {
	const server = await startPairs({ conf: { pairs: { media_url: 'https://media.example.org/', clean_interval: '1h' } } });
	try {
		const [ada, bob] = await couple(server);
		const { id } = (await ada.upload(await converted(halves(), 'jpg'))).json;
		const { sizes } = await bob.picture(id);
		const url = new URL(sizes.tiny.url);
		assert.equal(url.origin, 'https://media.example.org');
		const get = (target, host = 'media.example.org', headers = {}) => new Promise((resolve, reject) => {
			http.get({ host: '127.0.0.1', port: server.pairsPort, path: target, headers: { host, ...headers }, agent: false }, (res) => {
				const chunks = [];
				res.on('data', (c) => chunks.push(c));
				res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, raw: Buffer.concat(chunks) }));
			}).on('error', reject);
		});
		const target = url.pathname + url.search;
		const file = await get(target);
		assert.deepEqual([file.status, file.headers['content-type'], file.raw.length], [200, 'image/jpeg', sizes.tiny.bytes]);
		assert.match(file.headers['cache-control'], /^private/);
		assert.match(file.headers['content-security-policy'], /^sandbox;/);
		const sent = await bob.get(`/media/${id}/tiny`);
		assert.deepEqual([sent.status, sent.headers.location, sent.headers['cache-control']], [302, sizes.tiny.url, 'no-store']);
		for (const [wrong, host] of [
			[target, '127.0.0.1'], [target.replace('tiny', 'large')], [target.replace(id, '77')], [url.pathname], [`${url.pathname}?until=1&sig=${url.searchParams.get('sig')}`],
			[target.replace(/until=(\d)/, (_, d) => `until=${(Number(d) % 9) + 1}`)], [`${target}x`], ['/api/v1/openapi.json'], ['/api/v1/me'], ['/socket.io/?EIO=4&transport=polling'],
		]) {
			const answer = await get(wrong, host, { authorization: `Bearer ${ada.token}` });
			assert.equal(answer.status, 404, `${host ?? ''} ${wrong}: ${answer.raw}`);
		}
		assert.equal((await ada.post('/couple/leave')).status, 204);
		assert.equal((await get(target)).status, 404);
	} finally {
		await server.stop();
	}
});
