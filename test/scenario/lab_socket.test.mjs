// Sockets of models: the three ways to a session, acknowledgements, events, heartbeats, refusals, ends.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SocketioStandIn } from '../harness/socketio_stand_in.mjs';
import { activity, byName, load, model, standIn } from './lib/lab.mjs';

async function start(t, options) {
	const server = new SocketioStandIn(options);
	const url = await standIn(t, (req, res) => server.request(req, res) || res.end('x'), (http) => http.on('upgrade', (req, socket) => server.upgrade(req, socket)));
	return { server, url };
}

const TALK = (transport, ends) => `
	local s = user:browser(1):socket { auth = { token = "t" .. user.n }, transport = "${transport}" }
	check(s:wait("hello").head == 5, "hello")
	check(s:transport() == "${ends}", "transport: " .. s:transport())
	s:emit("typing")
	check(s:call("hug", { to = user.n }).to == user.n, "the acknowledgement of somebody else")
	check(s:wait("activity").seq > 0, "activity")
	think(0.5)
	check(#s:events() == 0, "events that nobody sent")
	check(s:wait("never", 0.1) == nil, "never")
	check(#s:call("large", 70000).text == 60000, "large")
	s:close()`;

test('sessions by polls, by websocket and from one to the other', async (t) => {
	let seq = 0;
	const { server, url } = await start(t, {
		cookie: 'route=b7',
		pingInterval: 150,
		admit: (auth) => (/^t\d+$/.test(auth?.token) ? null : 'unauthorized'),
		on(session, name, value, ack) {
			if (name === 'connect') session.emit('hello', { head: 5 });
			if (name === 'large') ack({ text: 'y'.repeat(60000) });
			if (name === 'hug') {
				ack(value);
				session.emit('activity', { seq: ++seq });
			}
		},
	});
	const ways = { upgrade: 'websocket', websocket: 'websocket', polling: 'polling' };
	const file = model(Object.entries(ways).map(([way, end]) => activity(way, 500, TALK(way, end))).join(''));
	const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1.5s']);
	assert.ok(json, stderr);
	assert.deepEqual(json.failures, []);
	assert.deepEqual(server.faults, []);
	const [upgrade, websocket, polling] = Object.keys(ways).map((name) => byName(json, name).done);
	assert.ok(upgrade > 0 && websocket > 0 && polling > 0, JSON.stringify([upgrade, websocket, polling]));
	assert.equal(server.seen.opened, upgrade + websocket + polling);
	assert.equal(server.seen.upgraded, upgrade);
	assert.equal(server.seen.events.hug, server.seen.opened);
	assert.equal(server.seen.events.typing, server.seen.opened);
	assert.ok(server.seen.pongs >= 2 * server.seen.opened, `pongs: ${server.seen.pongs}`);
	assert.deepEqual(byName(json, 'upgrade').steps.map((s) => [s.name, s.done]), ['connect', 'hello', 'hug', 'activity', 'never', 'large', 'close'].map((name) => [name, name === 'never' ? 0 : upgrade]));
});

test('last words are heard, or it is said that they were not', async (t) => {
	const server = new SocketioStandIn({ on() {} });
	const posts = new Map();
	let deaf = false; // to all but the first POST of a session, its CONNECT
	// A POST is read late; what is cut meanwhile is lost.
	const post = (req, res) => {
		const n = (posts.get(req.url) ?? 0) + 1;
		posts.set(req.url, n);
		setTimeout(() => !(deaf && n > 1) && !req.socket.destroyed && server.request(req, res), 60);
	};
	const url = await standIn(t, (req, res) => (req.method === 'POST' ? post(req, res) : server.request(req, res)), (http) => http.on('upgrade', (req, socket) => server.upgrade(req, socket)));
	const file = model(['upgrade', 'websocket', 'polling'].map((way) => activity(way, 500, `local s = user:browser(1):socket { transport = "${way}" } s:emit("away") s:close()`)).join(''));
	const heard = await load(file, url, ['--users', '864', '--for', '1s']);
	assert.ok(heard.json, heard.stderr);
	assert.deepEqual([heard.json.failures, server.faults], [[], []]);
	const done = heard.json.activities.map((a) => a.done);
	assert.ok(done.every((n) => n > 0), String(done));
	assert.equal(server.seen.events.away, done[0] + done[1] + done[2]);
	const say = model(activity('visit', 500, 'local s = user:browser(1):socket { transport = "polling" } think(0.3) s:emit("away") s:close()'));
	deaf = true;
	const { json } = await load(say, url, ['--users', '864', '--for', '1s', '--timeout', '1s']);
	assert.ok(byName(json, 'visit').failed > 0 && byName(json, 'visit').done === 0);
	for (const f of json.failures) assert.match(f.text, /visit: socket: (post: no answer|close: nothing came) in time/);
});

test('refusals, failures and ends of sessions are told apart', async (t) => {
	let n = 0;
	const { url } = await start(t, {
		refuse: () => n++ % 2 === 0,
		admit: (auth) => auth.say,
		on(session, name) {
			if (name === 'cut') session.socket.destroy();
			if (name === 'leave') session.send('41');
		},
	});
	const socket = (say) => `user:browser(1):socket { transport = "websocket", auth = { say = ${say} } }`;
	const file = model(
		activity('bad', 700, socket('"unauthorized"')) +
			activity('busy', 700, socket('"overloaded"')) +
			activity('cut', 700, `local s = ${socket('nil')} s:emit("cut") think(0.1) s:emit("late")`) +
			activity('leave', 700, `local s = ${socket('nil')} s:call("leave")`) +
			activity('silent', 700, `local s = ${socket('nil')} s:call("silent")`),
	);
	const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1.5s', '--timeout', '1s']);
	assert.ok(json, stderr);
	for (const name of ['bad', 'cut', 'leave', 'silent']) assert.ok(byName(json, name).refused > 0, `${name}: half of the handshakes get 503`);
	assert.equal(byName(json, 'busy').refused, byName(json, 'busy').begun);
	const texts = json.failures.map((f) => f.text.replace(/\S+\.lua:\d+: /, '')).sort();
	assert.deepEqual(texts, ['bad: socket: CONNECT refused: unauthorized', 'cut: the socket is closed: websocket: connection closed', 'leave: socket: the server disconnected', 'silent: socket: acknowledgement: nothing came in time']);
});

test('a way to websocket that is closed: the session goes on by polls; a server that is none is said', async (t) => {
	const server = new SocketioStandIn({ on: (session, name, value, ack) => ack?.(value) });
	const url = await standIn(t, (req, res) => server.request(req, res), (http) => http.on('upgrade', (req, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')));
	const file = model(activity('visit', 500, 'local s = user:browser(1):socket() check(s:call("a", 7) == 7 and s:transport() == "polling", "polling")'));
	const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1s']);
	assert.ok(json, stderr);
	assert.deepEqual([json.failures, server.faults], [[], []]);
	assert.ok(byName(json, 'visit').done > 0);
	const plain = await standIn(t, (req, res) => res.end('<html>'));
	assert.match((await load(file, plain, ['--users', '864', '--for', '1s'])).json.failures[0].text, /socket: no packet of Engine\.IO: <html>/);
});
