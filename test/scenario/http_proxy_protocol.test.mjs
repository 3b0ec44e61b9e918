// The PROXY header in front of connections: who the client is then, who must send one and who must
// not, and what happens to a header that is wrong, slow or cut.
import test from 'node:test';
import assert from 'node:assert/strict';
import { get, withServer } from './lib/http_server.mjs';
import { Raw } from './lib/raw.mjs';

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const TLS = '\x20\0\x05\x01\0\0\0\0'; // extension: the client came over TLS

// A version 2 header for an IPv4 client.
function v2(address, extensions = '') {
	const rest = String.fromCharCode(...address.split('.').map(Number), 127, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb) + extensions;
	return `${SIGNATURE}\x21\x11${String.fromCharCode(rest.length >> 8, rest.length & 255)}${rest}`;
}

const v1 = (address) => `PROXY TCP4 ${address} 127.0.0.1 12345 443\r\n`;
const LOCAL = `${SIGNATURE}\x20\0\0\0`;
const PROXY = '127.0.0.1'; // trusted below; 127.0.0.9 is not
const conf = { proxy_protocol: 'yes', trusted_proxies: `${PROXY}, 203.0.113.0/24`, header_timeout: '700ms' };

const from = (port, localAddress) => Raw.connect(port, { localAddress });

async function describe(port, header, headers = '') {
	const raw = await from(port, PROXY);
	const answer = await raw.exchange(header + get('/describe/x', headers));
	raw.destroy();
	return JSON.parse(answer.body);
}

test('the client is who the header says, in both versions', async () => {
	await withServer({ conf }, async ({ port }) => {
		for (const header of [v1('192.0.2.7'), v2('192.0.2.7')]) {
			const seen = await describe(port, header);
			assert.equal(seen.client, '192.0.2.7');
			assert.equal(seen.https, false);
		}
		assert.equal((await describe(port, v2('192.0.2.7', TLS))).https, true);
		assert.equal((await describe(port, 'PROXY TCP6 2001:db8::7 ::1 1 2\r\n')).client, '2001:db8::7');
	});
});

test('what the client says of itself is not believed, what another proxy of ours says is', async () => {
	const forged = 'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n';
	await withServer({ conf }, async ({ port }) => {
		assert.deepEqual([(await describe(port, v2('192.0.2.7'), forged)).client, (await describe(port, v2('192.0.2.7'), forged)).https], ['192.0.2.7', false]);
		const chained = await describe(port, v2('203.0.113.5'), forged);
		assert.deepEqual([chained.client, chained.https], ['6.6.6.6', true]);
		const unknown = await describe(port, 'PROXY UNKNOWN\r\n', forged);
		assert.deepEqual([unknown.client, unknown.https], [PROXY, false], 'nobody vouches for that client');
	});
});

test('a check by the proxy itself has the proxy as client', async () => {
	await withServer({ conf }, async ({ port }) => {
		assert.equal((await describe(port, LOCAL)).client, PROXY);
	});
});

test('in pieces, with pipelined requests behind, and over several requests', async () => {
	await withServer({ conf }, async ({ port }) => {
		const raw = await from(port, PROXY);
		await raw.sendPieces([...v2('192.0.2.7', TLS)].concat([get('/describe/x') + get('/hello')]), 2);
		assert.equal(JSON.parse((await raw.read()).body).client, '192.0.2.7');
		assert.equal((await raw.read()).status, 200);
		assert.equal(JSON.parse((await raw.exchange(get('/describe/x'))).body).client, '192.0.2.7');
		raw.destroy();
		const line = await from(port, PROXY);
		await line.sendPieces([...v1('192.0.2.8')].concat([get('/describe/x')]), 1);
		assert.equal(JSON.parse((await line.read()).body).client, '192.0.2.8');
		line.destroy();
	});
});

test('a trusted proxy without a header, with a wrong or a slow one is cut off and logged', async () => {
	await withServer({ conf }, async (server) => {
		const { port } = server;
		for (const bytes of [get('/hello'), 'PROXY TCP4 x y 1 2\r\n', `${SIGNATURE}\x21\x11\x02\x09`, '\x16\x03\x01\x02\0\x01\0']) {
			const raw = await from(port, PROXY);
			await raw.send(bytes);
			assert.equal((await raw.readRest(5000)).length, 0);
			raw.destroy();
		}
		assert.match(await untilLogged(server), /bad PROXY header from a trusted proxy/);
		const begun = Date.now();
		const slow = await from(port, PROXY);
		await slow.send(v2('192.0.2.7').slice(0, 20));
		assert.equal((await slow.readRest(5000)).length, 0);
		assert.ok(Date.now() - begun > 500 && Date.now() - begun < 3000, 'the deadline of heads counts');
		slow.destroy();
	});
});

async function untilLogged(server) {
	for (const end = Date.now() + 5000; Date.now() < end; ) {
		if (/PROXY/.test(server.stderr())) break;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return server.stderr();
}

test('from anybody else a header is a malformed request, and none is needed', async () => {
	await withServer({ conf }, async ({ port }) => {
		for (const header of [v1('192.0.2.7'), v2('192.0.2.7')]) {
			const raw = await from(port, '127.0.0.9');
			assert.equal((await raw.exchange(header + get('/describe/x'))).status, 400);
			raw.destroy();
		}
		const raw = await from(port, '127.0.0.9');
		assert.equal(JSON.parse((await raw.exchange(get('/describe/x'))).body).client, '127.0.0.9');
		raw.destroy();
	});
	await withServer({}, async ({ port }) => {
		const raw = await from(port, PROXY);
		assert.equal((await raw.exchange(v1('192.0.2.7') + get('/hello'))).status, 400, 'switched off');
		raw.destroy();
	});
});

test('connections are counted under the address of the header', async () => {
	await withServer({ conf: { ...conf, max_connections_per_address: 2 } }, async ({ port }) => {
		const open = [];
		for (let i = 0; i < 2; i++) {
			open.push(await from(port, PROXY));
			assert.equal((await open[i].exchange(v2('192.0.2.7') + get('/hello'))).status, 200);
		}
		const third = await from(port, PROXY);
		await third.send(v2('192.0.2.7') + get('/hello'));
		assert.equal((await third.readRest(5000)).length, 0);
		const other = await from(port, PROXY);
		assert.equal((await other.exchange(v2('192.0.2.8') + get('/hello'))).status, 200);
		for (const raw of [...open, third, other]) raw.destroy();
	});
});

test('a proxy that has only connected does not hold up a stop', async () => {
	let begun = 0;
	await withServer({ conf: { ...conf, header_timeout: '60s' } }, async ({ port }) => {
		const raw = await from(port, PROXY);
		await raw.send(LOCAL.slice(0, 10));
		const ready = await from(port, PROXY);
		assert.equal((await ready.exchange(LOCAL + get('/hello'))).status, 200);
		begun = Date.now();
	});
	assert.ok(Date.now() - begun < 3000, 'not until the deadline of the drain');
});
