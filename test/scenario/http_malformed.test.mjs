// Requests that two servers on the way could read differently are refused, in one piece and byte by
// byte, and the refusal reaches the client.
import test from 'node:test';
import assert from 'node:assert/strict';
import { get, withServer } from './lib/http_server.mjs';
import { Raw, once } from './lib/raw.mjs';

const GET = 'GET /hello HTTP/1.1\r\nHost: a\r\n';
const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

// The 27 cases of the comparison of servers (doc/decisions), with the status each is to get.
const CASES = [
	['Content-Length and Transfer-Encoding', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['two differing Content-Lengths', `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400],
	['two equal Content-Lengths', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 400],
	['Content-Length: +5', `${POST}Content-Length: +5\r\n\r\nhello`, 400],
	['Content-Length: 0x5', `${POST}Content-Length: 0x5\r\n\r\nhello`, 400],
	['Content-Length: 5, 5', `${POST}Content-Length: 5, 5\r\n\r\nhello`, 400],
	['Content-Length: -1', `${POST}Content-Length: -1\r\n\r\n`, 400],
	['Content-Length beyond 64 bits', `${POST}Content-Length: 18446744073709551621\r\n\r\nhello`, 400],
	['space before the colon', `${POST}Content-Length : 5\r\n\r\nhello`, 400],
	['obscured Transfer-Encoding', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
	['chunked not last', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 501],
	['Transfer-Encoding with a control', `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
	['chunk size that is no number', `${CHUNKED}xyz\r\nhello\r\n0\r\n\r\n`, 400],
	['chunk size 0x5', `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`, 400],
	['chunk size beyond 64 bits', `${CHUNKED}10000000000000005\r\nhello\r\n0\r\n\r\n`, 400],
	['no CRLF behind a chunk', `${CHUNKED}5\r\nhello0\r\n\r\n`, 400],
	['bare LF', 'GET /hello HTTP/1.1\nHost: a\n\n', 400],
	['bare CR', 'GET /hello HTTP/1.1\rHost: a\r\r', 400],
	['folded field', `${GET}X: a\r\n b\r\n\r\n`, 400],
	['NUL in a field', `${GET}X: a\0b\r\n\r\n`, 400],
	['bad field name', `${GET}X(y): a\r\n\r\n`, 400],
	['no colon', `${GET}X\r\n\r\n`, 400],
	['space before the first field', 'GET /hello HTTP/1.1\r\n Host: a\r\n\r\n', 400],
	['no Host', 'GET /hello HTTP/1.1\r\nX: a\r\n\r\n', 400],
	['two Hosts', `${GET}Host: a\r\n\r\n`, 400],
	['unknown version', 'GET /hello HTTP/2.0\r\nHost: a\r\n\r\n', 505],
	['two spaces', 'GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n', 400],
];

async function refusal(port, send) {
	const raw = await Raw.connect(port);
	await send(raw);
	const answer = await raw.read();
	await raw.closed(5000);
	assert.equal(raw.reset, false, 'no RST');
	raw.destroy();
	return answer;
}

test('all 27 malformed requests are refused and the connection is closed', async () => {
	assert.equal(CASES.length, 27);
	await withServer({}, async (server) => {
		for (const [name, bytes, status] of CASES) {
			const whole = await refusal(server.port, (raw) => raw.send(bytes));
			assert.equal(whole.status, status, name);
			assert.equal(whole.headers.connection, 'close', name);
			const split = await refusal(server.port, (raw) => raw.sendPieces([...bytes], 0));
			assert.equal(split.status, status, `${name}, byte by byte`);
		}
		assert.equal((await once(server.port, get('/hello'))).status, 200);
		const { families } = await server.metrics();
		const rows = families.http_client_errors_total.rows;
		assert.ok(rows['http.malformed'] >= 40, JSON.stringify(rows));
	});
});

test('what follows a malformed request on the connection is not looked at', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		await raw.send(`${get('/hello')}GET /hello HTTP/1.1\r\n\r\n${get('/hello')}`);
		assert.equal((await raw.read()).status, 200);
		assert.equal((await raw.read()).status, 400);
		assert.equal((await raw.readRest(5000)).length, 0);
		raw.destroy();
	});
});

test('an error answer reaches a client that goes on sending', async () => {
	await withServer({}, async (server) => {
		const raw = await Raw.connect(server.port);
		await raw.send('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
		for (let i = 0; i < 20 && !raw.ended; i++) await raw.send('x'.repeat(8192));
		const answer = await raw.read();
		assert.equal(answer.status, 413);
		assert.equal(answer.headers.connection, 'close');
		raw.destroy();
	});
});
