// Files that web processes have at hand: what each sends when the file is replaced or removed meanwhile, and to whom.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, utimesSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import zlib from 'node:zlib';
import { makeCertificate } from '../harness/certificates.mjs';
import { runCommand } from '../harness/command.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { processes, until } from '../harness/roles.mjs';
import { ask, get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';

const TIMES = 12; // so often that each process is asked, and asked again

let server;
let token;
let tlsUrl;

before(async () => {
	const { certificate, key } = makeCertificate(['localhost', '127.0.0.1']);
	const port = await freePort();
	tlsUrl = `https://127.0.0.1:${port}`;
	server = await startPlimsoll({ conf: { web: { instances: 2 }, symbols: { tls_listen: `127.0.0.1:${port}` }, tls: { certificate, key } } });
	token = makeToken(server);
});
after(() => server.stop());

// Bytes that do not get smaller.
function noise(length, seed) {
	const bytes = Buffer.alloc(length);
	let state = seed;
	for (let i = 0; i < length; i++) {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		bytes[i] = state >>> 24;
	}
	return bytes;
}

async function put(files) {
	const answer = await uploadFiles(server, token, files);
	assert.equal(answer.status, 201, answer.text);
}

const times = (fn) => Promise.all(Array.from({ length: TIMES }, fn));

// What the web processes have open of the blob store, of which gc has removed those that are gone.
async function blobsOpen() {
	const found = [];
	for (const { pid } of await processes(server, 'web')) {
		for (const fd of readdirSync(`/proc/${pid}/fd`)) {
			try {
				const to = readlinkSync(`/proc/${pid}/fd/${fd}`);
				if (/\/blobs\/.*[0-9a-f]{64}/.test(to)) found.push(to);
			} catch {
				// closed meanwhile
			}
		}
	}
	return { all: found.length, gone: found.filter((to) => to.endsWith('(deleted)')).length };
}

async function over2(origin, paths) {
	const session = http2.connect(origin, { rejectUnauthorized: false });
	const answers = await Promise.all(
		paths.map(([target, headers]) => new Promise((resolve, reject) => {
			const pieces = [];
			const stream = session.request({ ':path': target, ...headers });
			stream.on('data', (piece) => pieces.push(piece)).on('error', reject).on('end', () => resolve(Buffer.concat(pieces))).end();
		})),
	);
	await new Promise((resolve) => session.close(resolve));
	return answers;
}

// 5 KB are kept in memory, the rest is open; 60 KB unpacked are more than is unpacked at once.
for (const [label, length] of [['5 KB', 5000], ['20 KB', 20000], ['60 KB', 60000], ['900 KB', 900000]]) {
	test(`${label}: the same at first and when it is at hand, in every form`, async () => {
		const data = noise(length, length);
		const text = Buffer.from(`MODULE windows x86 5A00 f.pdb\n${data.toString('base64')}`);
		const id = `F${length}`;
		await put({ [`f.pdb/${id}/f.pd_`]: data, [`f.pdb/${id}/f.sym`]: text });
		await times(async () => {
			for (const [file, bytes] of [['f.pd_', data], ['f.sym', text]]) {
				const url = `/f.pdb/${id}/${file}`;
				const whole = await get(server, url);
				assert.ok(whole.status === 200 && whole.body.equals(bytes), file);
				for (const [first, last] of [[0, 0], [1000, 1999], [length - 4000, length - 1], [0, length - 1]]) {
					const part = await get(server, url, { range: `bytes=${first}-${last}`, 'if-range': whole.headers.etag });
					assert.equal(part.headers['content-range'], `bytes ${first}-${last}/${bytes.length}`);
					assert.ok(part.status === 206 && part.body.equals(bytes.subarray(first, last + 1)), `${file} ${first}-${last}`);
				}
				assert.equal((await get(server, url, { range: `bytes=${bytes.length}-` })).status, 416);
				const head = await ask(server, 'HEAD', url);
				assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(bytes.length), 0]);
				const same = await get(server, url, { 'if-none-match': whole.headers.etag });
				assert.deepEqual([same.status, same.body.length], [304, 0]);
				assert.equal((await get(server, url, { 'if-match': '"other"' })).status, 412);
			}
			const packed = await get(server, `/f.pdb/${id}/f.sym`, { 'accept-encoding': 'gzip' });
			assert.equal(packed.headers['content-encoding'], 'gzip');
			assert.ok(zlib.gunzipSync(packed.body).equals(text));
		});
		for (const origin of [server.symbolsUrl, tlsUrl]) {
			const wanted = [[`/f.pdb/${id}/f.pd_`, {}], [`/f.pdb/${id}/f.sym`, {}], [`/f.pdb/${id}/f.sym`, { 'accept-encoding': 'gzip' }], [`/f.pdb/${id}/f.pd_`, { range: 'bytes=100-4999' }]];
			const [plain, unpacked, packed, part] = await over2(origin, wanted);
			assert.ok(plain.equals(data) && unpacked.equals(text) && zlib.gunzipSync(packed).equals(text) && part.equals(data.subarray(100, 5000)), origin);
		}
	});
}

test('a file that is replaced is sent by no process any more', async () => {
	const name = 'turn.pdb/AAAA2222333344445555666677778888A/turn.pd_';
	for (let round = 1; round <= 4; round++) {
		const data = noise(30000, round);
		await put({ [name]: data });
		for (const { status, body } of await times(() => get(server, `/${name}`))) assert.ok(status === 200 && body.equals(data), `round ${round}`);
	}
});

// Asks on a connection of its own, and reads no further than the first bytes until it is told to.
async function askSlowly(target) {
	const { hostname, port } = new URL(server.symbolsUrl);
	const socket = net.connect({ host: hostname, port: Number(port) });
	socket.write(`GET /${target} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`);
	const pieces = [await new Promise((resolve, reject) => socket.once('data', (piece) => (socket.pause(), resolve(piece))).once('error', reject))];
	return async () => {
		const ended = new Promise((resolve, reject) => socket.on('data', (piece) => pieces.push(piece)).once('end', resolve).once('error', reject));
		socket.resume();
		await ended;
		const all = Buffer.concat(pieces);
		return all.subarray(all.indexOf('\r\n\r\n') + 4);
	};
}

test('who reads slowly gets the file that was there when he asked, though it is replaced and removed', async () => {
	const name = 'slow.pdb/5100/slow.pd_';
	const [before, then] = [noise(24_000_000, 1), noise(30000, 2)];
	await put({ [name]: before });
	await get(server, `/${name}`, { range: 'bytes=0-0' });
	const readers = await Promise.all(Array.from({ length: 4 }, () => askSlowly(name)));
	await put({ [name]: then });
	for (const { body } of await times(() => get(server, `/${name}`))) assert.ok(body.equals(then));
	await removeOld();
	for (const rest of readers) assert.ok((await rest()).equals(before));
});

test('what the socket did not take of a small file is still right when the file has gone', async () => {
	const [name, count] = ['lent.pdb/1E47/lent.pd_', 4000];
	const [before, then] = [noise(5000, 5), noise(5000, 6)];
	await put({ [name]: before });
	const { hostname, port } = new URL(server.symbolsUrl);
	const socket = net.connect({ host: hostname, port: Number(port) }).pause();
	const ask = `GET /${name} HTTP/1.1\r\nHost: s\r\n\r\n`;
	socket.write(ask.repeat(count - 1) + ask.replace('Host', 'Connection: close\r\nHost'));
	await put({ [name]: then });
	for (const { body } of await times(() => get(server, `/${name}`))) assert.ok(body.equals(then));
	const pieces = [];
	for await (const piece of socket) pieces.push(piece);
	const all = Buffer.concat(pieces);
	let [at, old] = [0, 0];
	for (let i = 0; i < count; i++) {
		at = all.indexOf('\r\n\r\n', at) + 4;
		const body = all.subarray(at, at + 5000);
		old += body.equals(before) ? 1 : 0;
		assert.ok(body.equals(before) || body.equals(then), `answer ${i}`);
		at += 5000;
	}
	assert.equal(at, all.length);
	assert.notEqual(old, 0);
});

// Blobs are old, and gc keeps one build of each module.
async function removeOld() {
	const root = path.join(server.dataDir, 'blobs');
	for (const file of readdirSync(root, { recursive: true })) if (/\/[0-9a-f]{64}/.test(file)) utimesSync(path.join(root, file), new Date(0), new Date(0));
	const gc = await runCommand(['symbols', 'gc', '--keep', '1', '-c', server.confPath]);
	assert.equal(gc.code, 0, gc.stderr);
}

test('what gc removes is sent by no process any more, and the disk has its room back', async () => {
	const [old, young] = [noise(40000, 3), noise(40000, 4)];
	await put({ 'gone.pdb/E1/gone.pd_': old });
	await put({ 'gone.pdb/E2/gone.pd_': young });
	await times(() => get(server, '/gone.pdb/E1/gone.pd_'));
	assert.notEqual((await blobsOpen()).all, 0, 'it is at hand');
	await removeOld();
	for (const { status } of await times(() => get(server, '/gone.pdb/E1/gone.pd_'))) assert.equal(status, 404);
	for (const { body } of await times(() => get(server, '/gone.pdb/E2/gone.pd_'))) assert.ok(body.equals(young));
	await until('nothing that gc has removed is open', async () => (await blobsOpen()).gone === 0, 40);
});
