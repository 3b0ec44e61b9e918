// Why a request to the storage is refused: the server's log, and `plimsoll check sync`, which asks as a browser does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { confText, freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { makeCertificate } from '../harness/certificates.mjs';
import { hawkHeader, makeToken, SECRET, SyncUser } from '../harness/sync_client.mjs';

let server, dir;

before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-check-sync-'));
	server = await startPlimsoll({ conf: { log: { level: 'info' }, sync: { master_secret: SECRET } } });
});
after(async () => {
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
});

// Resolves to { code, out }. conf: sections over those of the running server.
async function check({ url, conf = {}, of = server, env = {} }) {
	const file = path.join(dir, 'check.ini');
	const sections = { plimsoll: { public_url: of.url, data_dir: of.dataDir }, sync: { master_secret: SECRET } };
	for (const [name, keys] of Object.entries(conf)) sections[name] = { ...sections[name], ...keys };
	writeFileSync(file, confText(sections));
	const child = spawn(plimsollBin(), ['check', 'sync', ...(url ? [url] : []), '-c', file], { env: { ...process.env, ...env } });
	let out = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
	const code = await new Promise((resolve) => child.once('close', resolve));
	return { code, out };
}

// A proxy in front of the server; change(headers, answer) may spoil what goes in either direction.
async function proxy(change) {
	const front = http.createServer((req, res) => {
		const headers = { ...req.headers };
		const answer = {};
		change(headers, answer);
		const inner = http.request({ port: server.ports.web, path: req.url, method: req.method, headers }, (got) => {
			res.sendDate = false;
			res.writeHead(got.statusCode, { ...got.headers, ...answer });
			got.pipe(res);
		});
		req.pipe(inner);
	});
	await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));
	return { url: `http://127.0.0.1:${front.address().port}`, close: () => front.close() };
}

async function logged(pattern) {
	for (let i = 0; i < 400; i++) {
		if (pattern.test(server.stderr())) return;
		await sleep(50);
	}
	assert.fail(`${pattern} in ${server.stderr()}`);
}

test('the log names the cause of each 401, and no secret', async () => {
	const user = new SyncUser(server, 7);
	const now = Math.floor(Date.now() / 1000);
	const says = { uid: 7, node: server.url, expires: now + 3600, salt: 'a1b2c3' };
	const good = makeToken(says);
	const target = '/1.5/7/storage/tabs';
	const sign = (token, host = '127.0.0.1', port = server.ports.web, more) => hawkHeader(token, 'GET', target, host, port, more);
	const cases = {
		header: null,
		secret: sign(makeToken(says, 'another secret')),
		expired: sign(makeToken({ ...says, expires: now - 10 })),
		clock: sign(good, '127.0.0.1', server.ports.web, { ts: now + 40 * 86400 }),
		proxy: sign(good, '127.0.0.1', 443),
		node_url: sign(good, 'elsewhere.example.org', 443),
		user: sign(makeToken({ ...says, uid: 8 })),
	};
	for (const [cause, Authorization] of Object.entries(cases)) {
		const answer = await user.get('/storage/tabs', { Authorization });
		assert.equal(answer.status, 401, cause);
		assert.equal(answer.text, '0');
		assert.equal(answer.headers['www-authenticate'], `Hawk error="${cause}"`);
		await logged(new RegExp(`event=request_refused op=sync\\.get_list cause=${cause} detail=`));
	}
	const twice = sign(good);
	assert.equal((await user.get('/storage/tabs', { Authorization: twice })).status, 200);
	assert.equal((await user.get('/storage/tabs', { Authorization: twice })).headers['www-authenticate'], 'Hawk error="replay"');
	await logged(/cause=replay/);
	for (const secret of [SECRET, good.key, good.id]) assert.ok(!server.stderr().includes(secret));
	user.close();
});

test('all is well', async () => {
	const { code, out } = await check({});
	assert.equal(out, `sync: a request signed for ${server.url} is taken: secret, address, proxy and clock are good\n`);
	assert.equal(code, 0);
});

test('a server with a secret of its own is checked with that', async () => {
	const own = await startPlimsoll();
	try {
		const { code, out } = await check({ of: own, conf: { sync: { master_secret: '' } } });
		assert.match(out, /^sync: /);
		assert.equal(code, 0);
	} finally {
		await own.stop();
	}
	const { code, out } = await check({ conf: { sync: { master_secret: '' }, plimsoll: { data_dir: path.join(dir, 'nothing') } } });
	assert.match(out, /secret: there is none yet/);
	assert.equal(code, 3);
});

test('another secret', async () => {
	const { code, out } = await check({ conf: { sync: { master_secret: 'something else' } } });
	assert.match(out, /^secret: /);
	assert.equal(code, 1);
});

test('an address where nobody is, or somebody else', async () => {
	const nobody = await check({ url: `http://127.0.0.1:${await freePort()}` });
	assert.match(nobody.out, /^node URL: .* cannot be used: nobody answers/);
	assert.equal(nobody.code, 1);
	const other = http.createServer((req, res) => res.writeHead(404).end());
	await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
	const somebody = await check({ url: `http://127.0.0.1:${other.address().port}` });
	other.close();
	assert.match(somebody.out, /^node URL: .* is no storage of Sync \(status 404/);
	assert.equal(somebody.code, 1);
	const name = await check({ url: `http://localhost:${server.ports.web}` });
	assert.match(name.out, /^node URL: it works at .*, but \[plimsoll\] public_url is another address/);
	assert.equal(name.code, 1);
});

test('a proxy that changes the host', async () => {
	const front = await proxy((headers) => (headers.host = 'inside:80'));
	const { code, out } = await check({ url: front.url });
	front.close();
	assert.match(out, /^node URL: the server was reached, but as another address/);
	assert.equal(code, 1);
});

test('a proxy that loses the port', async () => {
	const front = await proxy((headers) => (headers.host = '127.0.0.1'));
	const { code, out } = await check({ url: front.url });
	front.close();
	assert.match(out, /^proxy: /);
	assert.equal(code, 1);
});

test('a clock that is off', async () => {
	const front = await proxy((headers, answer) => (answer.date = new Date(Date.now() - 7200 * 1000).toUTCString()));
	const { code, out } = await check({ url: front.url, conf: { plimsoll: { public_url: front.url } } });
	front.close();
	assert.match(out, /^clock: what answers there is 7\d\d\d s behind this machine/);
	assert.equal(code, 1);
});

test('over TLS: by name and by address, and a certificate that is not trusted', async () => {
	const pair = makeCertificate(['localhost', '127.0.0.1']);
	const port = await freePort();
	const tls = await startPlimsoll({
		conf: {
			plimsoll: { public_url: `https://127.0.0.1:${port}` },
			tls: { listen: `127.0.0.1:${port}`, certificate: pair.certificate, key: pair.key },
			sync: { master_secret: SECRET },
		},
	});
	try {
		const trusted = { SSL_CERT_FILE: pair.certificate };
		const good = await check({ of: tls, env: trusted });
		assert.match(good.out, /^sync: a request signed for https:/);
		assert.equal(good.code, 0);
		assert.match((await check({ of: tls, env: trusted, url: `https://localhost:${port}` })).out, /^node URL: it works at https:\/\/localhost/);
		const strange = await check({ of: tls });
		assert.match(strange.out, /^node URL: .* its certificate is not trusted here: self.signed certificate/);
		assert.equal(strange.code, 1);
		const plain = await check({ of: tls, url: `https://127.0.0.1:${tls.ports.web}` });
		assert.match(plain.out, /speaks no TLS/);
	} finally {
		await tls.stop();
	}
});
