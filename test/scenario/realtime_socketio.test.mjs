// Socket.IO v5 packet by packet: namespaces, events, acknowledgements, attachments, and what each
// violation leads to. One case a row, on WebSocket and on long polling.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { joined, Polling, startAll, Ws } from './lib/engineio.mjs';

let port, patient, stop;
before(async () => ({ port, patient, stop } = await startAll()));
after(() => stop());

async function opened(at = port) {
	const ws = await Ws.open(at, '', { path: '/socket.io/' });
	assert.equal((await ws.packet())[0], '0');
	return ws;
}

const SID = /^40(\/custom,)?\{"sid":"[A-Za-z0-9]{20}"\}$/;

test('joining with and without something to say for oneself', async () => {
	const ws = await opened();
	ws.send('40');
	assert.match(await ws.packet(), SID);
	await ws.expect('42["auth",{}]');
	ws.send('40/custom,{"token":"abc"}');
	assert.match(await ws.packet(), SID);
	await ws.expect('42/custom,["auth",{"token":"abc"}]');
	ws.end();
	const other = await opened();
	other.send('40/custom');
	assert.match(await other.packet(), SID);
	await other.expect('42/custom,["auth",{}]');
	other.end();
});

test('a namespace that is not there is refused, and the session goes on', async () => {
	const ws = await opened();
	ws.send('40/random');
	await ws.expect('44/random,{"message":"Invalid namespace"}');
	ws.send('40/a?b=1,{}');
	await ws.expect('44/a?b=1,{"message":"Invalid namespace"}');
	ws.send('40');
	assert.match(await ws.packet(), SID);
	ws.end();
});

test('events come back with their values as they were written', async () => {
	const ws = await joined(port);
	ws.send('42["message",1,"2",{"3":[true]}]');
	await ws.expect('42["message-back",1,"2",{"3":[true]}]');
	ws.send('42["message"]');
	await ws.expect('42["message-back"]');
	ws.send('42[ "message" , 1.50 , "\\u00e4\\"]" ]');
	await ws.expect('42["message-back", 1.50 , "\\u00e4\\"]" ]');
	ws.send('42[5,1]'); // a number is a name that nobody waits for
	ws.send('42'); // and this is none
	ws.send('42["message","last"]');
	await ws.expect('42["message-back","last"]');
	ws.end();
});

test('acknowledgements, with and without attachments', async () => {
	const ws = await joined(port);
	ws.send('42456["message-with-ack",1,"2",{"3":[false]}]');
	await ws.expect('43456[1,"2",{"3":[false]}]');
	ws.send('42["message-with-ack",1]'); // none is asked for
	ws.send('429007199254740991["message-with-ack"]');
	await ws.expect('439007199254740991[]');
	ws.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
	ws.send(Buffer.from([1, 2, 3]));
	ws.send(Buffer.from([4, 5, 6]));
	await ws.expect('462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6]));
	ws.end();
});

test('attachments go back where they were', async () => {
	const ws = await joined(port);
	ws.send('452-["message",{"_placeholder":true,"num":0},[{"a":{"_placeholder":true,"num":1}}]]');
	ws.send(Buffer.from([1]));
	ws.send(Buffer.alloc(0));
	await ws.expect('452-["message-back",{"_placeholder":true,"num":0},[{"a":{"_placeholder":true,"num":1}}]]', Buffer.from([1]), Buffer.alloc(0));
	ws.send('451-["message","not referred to"]');
	ws.send(Buffer.from([9]));
	await ws.expect('451-["message-back","not referred to"]', Buffer.from([9]));
	ws.end();
});

test('leaving: the session stays and may join again', async () => {
	const ws = await joined(port);
	ws.send('40/custom,');
	assert.match(await ws.packet(), SID);
	await ws.expect('42/custom,["auth",{}]');
	ws.send('41/custom,');
	ws.send('42["message","message to main namespace"]');
	await ws.expect('42["message-back","message to main namespace"]');
	ws.send('41');
	ws.send('40');
	assert.match(await ws.packet(), SID);
	ws.end();
	const beating = await joined(patient);
	beating.send('41');
	for (let pings = 0; pings < 3; pings++) {
		assert.equal((await beating.frame()).payload.toString(), '2');
		beating.send('3');
	}
	beating.end();
});

test('answers to what was never asked are ignored', async () => {
	const ws = await joined(port);
	for (const packet of ['43777[1]', '43777', '430[]']) ws.send(packet);
	ws.send('42["message"]');
	await ws.expect('42["message-back"]');
	ws.end();
});

test('who joins nothing in time is closed', async () => {
	const [began, ws] = [Date.now(), await opened(patient)];
	assert.equal(await ws.closed({ pong: true }), 1005);
	assert.ok(Date.now() - began >= 990, `${Date.now() - began} ms`);
});

// What is sent behind a CONNECT that was answered, and closes the whole session.
const VIOLATIONS = [
	['no packet', ['4abc']],
	['an unknown type', ['47']],
	['an empty message', ['4']],
	['a second CONNECT', ['40']],
	['a namespace that was not joined', ['42/custom,["message"]']],
	['an acknowledgement for one', ['43/custom,1[]']],
	['leaving one', ['41/custom,']],
	['CONNECT_ERROR of a client', ['44{"message":"x"}']],
	['CONNECT with an array', ['40/custom,[]']],
	['CONNECT with a string', ['40/custom,"x"']],
	['an event that is an object', ['42{}']],
	['an event without a name', ['42[]']],
	['an event whose name is an object', ['42[{}]']],
	['an event whose name is null', ['42[null]']],
	['the name connect', ['42["connect"]']],
	['the name connect_error', ['42["connect_error"]']],
	['the name disconnect', ['42["disconnect"]']],
	['the name disconnecting', ['42["disconnecting"]']],
	['the name newListener', ['42["newListener"]']],
	['the name removeListener', ['42["removeListener"]']],
	['broken JSON', ['42["message"']],
	['JSON that nests too deep', [`42["message",${'['.repeat(40)}${']'.repeat(40)}]`]],
	['a negative id', ['42-1["message"]']],
	['letters before the JSON', ['42abc["message"]']],
	['an id beyond 2^53', ['429007199254740992["message"]']],
	['an id of 20 digits', ['4212345678901234567890["message"]']],
	['an acknowledgement that is an object', ['43777{}']],
	['bytes that nothing waits for', [Buffer.from([1])]],
	['text where an attachment is due', ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]']],
	['no attachments in a binary event', ['450-["message"]']],
	['a binary event without their number', ['45["message"]']],
	['eleven attachments', ['4511-["message"]']],
	['a placeholder out of range', ['451-["message",{"_placeholder":true,"num":1}]', Buffer.from([1])]],
	['a placeholder without a number', ['451-["message",{"_placeholder":true}]', Buffer.from([1])]],
	['DISCONNECT with a payload', ['41{}']],
];

test('violations close the session: WebSocket', async () => {
	await Promise.all(
		VIOLATIONS.map(async ([what, packets]) => {
			const ws = await joined(port);
			for (const packet of packets) ws.send(packet);
			assert.equal(await ws.closed(), 1005, what);
			await ws.raw.closed();
			ws.end();
		}),
	);
});

const polled = (packet) => (typeof packet === 'string' ? packet : `b${packet.toString('base64')}`);

test('violations close the session: long polling', async () => {
	await Promise.all(
		VIOLATIONS.map(async ([what, packets]) => {
			const session = await Polling.open(port, '/socket.io/');
			await session.post('40');
			await session.packets(2);
			const waiting = await session.begin();
			await session.post(packets.map(polled).join('\x1e'));
			const said = (await waiting.read()).body.toString();
			assert.ok(said === '1' || JSON.parse(said).code === 1, `${what}: ${said}`); // the post may have been quicker
			waiting.destroy();
			await session.expectGone();
		}),
	);
});

test('anything before CONNECT closes', async () => {
	for (const packet of ['42["message"]', '43[]', '431[]', '41', Buffer.from([1])]) {
		const ws = await opened();
		ws.send(packet);
		assert.equal(await ws.closed(), 1005, String(packet));
	}
});

test('attachments over long polling, both ways', async () => {
	const session = await Polling.open(port, '/socket.io/');
	await session.post('40');
	await session.packets(2);
	await session.post('452-7["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]\x1ebAQID\x1ebBAUG');
	assert.deepEqual(await session.packets(3), ['462-7[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', 'bAQID', 'bBAUG']);
	await session.post('1');
});
