// WebSockets of core/http alone, the same over TLS and without: large messages both ways, frames across
// records, closing from either side, a reader that is late.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withServer } from './http_server.mjs';
import { BINARY, CLOSE, TEXT, Ws, frame } from './engineio.mjs';

const open = (server) => Ws.open(server.port, '', { path: '/ws' });

export function websocketTests() {
	test('messages of any size come back', async () => {
		await withServer({}, async (server) => {
			const ws = await open(server);
			for (const n of [0, 1, 125, 126, 4096, 16384, 16385, 65535, 65536, 1000000, 4 << 20]) {
				const payload = Buffer.alloc(n, n % 251);
				ws.send(payload);
				const got = await ws.frame();
				assert.equal(got.opcode, BINARY);
				assert.ok(got.payload.equals(payload), `${n} bytes`);
			}
			ws.end();
		});
	});

	test('a thousand messages at once, read late', async () => {
		await withServer({}, async (server) => {
			const ws = await open(server);
			ws.raw.socket.pause();
			const text = (i) => `${i} ${'x'.repeat(3000)}`;
			for (let i = 0; i < 1000; i++) ws.send(text(i));
			await new Promise((resolve) => setTimeout(resolve, 50));
			ws.raw.socket.resume();
			for (let i = 0; i < 1000; i++) assert.equal((await ws.frame()).payload.toString(), text(i));
			ws.end();
		});
	});

	test('frames behind the handshake in the same write', async () => {
		await withServer({}, async (server) => {
			const ws = await Ws.open(server.port, '', { path: '/ws', headers: '', behind: frame(TEXT, 'early') });
			assert.equal((await ws.frame()).payload.toString(), 'early');
			ws.end();
		});
	});

	test('closing from either side, and in the middle of a frame', async () => {
		await withServer({}, async (server) => {
			const first = await open(server);
			first.write(frame(CLOSE, Buffer.from([0x03, 0xe8])));
			assert.equal(await first.closed(), 1000);
			await first.raw.closed();
			const second = await open(server);
			second.send('close');
			assert.equal((await second.frame()).payload.toString(), 'close');
			assert.equal(await second.closed(), 1000);
			await second.raw.closed();
			const third = await open(server);
			third.write(frame(BINARY, Buffer.alloc(100000)).subarray(0, 50000));
			await new Promise((resolve) => setTimeout(resolve, 20));
			third.end();
			const fourth = await open(server);
			fourth.send('x');
			assert.equal((await fourth.frame()).payload.toString(), 'x');
			fourth.end();
		});
	});
}
