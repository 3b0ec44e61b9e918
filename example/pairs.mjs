// A client of Pairs in a terminal: plain fetch for REST, the stock socket.io-client for what is live.
//   npm install socket.io-client
//   node pairs.mjs URL EMAIL PASSWORD [invite ADDRESS | accept TOKEN]
// Each line that is typed is a message to the partner; what comes from them is printed. An invitation's TOKEN is
// what stands behind "#invite=" in the mail's link.
import { randomUUID } from 'node:crypto';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';

const [url, email, password, deed, argument] = process.argv.slice(2);
let token = null;

async function call(method, path, body) {
	const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
	const response = await fetch(`${url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
	const text = await response.text();
	if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
	return text && JSON.parse(text);
}

let session = await call('POST', '/login', { email, password });
token = session.token;
if (deed === 'invite') await call('POST', '/couple/invite', { email: argument });
if (deed === 'accept') await call('POST', '/couple/accept', { token: argument });
while (!session.couple) {
	console.log('waiting for a partner');
	await sleep(1000);
	session = await call('GET', '/me');
}
const nameOf = (id) => session.couple.users.find((user) => user.id === id)?.first_name || id;

// The number of the last event that is known: a client that comes back gets what is behind it.
let seq = session.couple.head;
const socket = io(url, { transports: ['websocket', 'polling'], auth: (send) => send({ token, after: seq }) });

function show(event) {
	if (event.seq <= seq) return; // delivery is at least once
	seq = event.seq;
	if (event.data.type) console.log(`${nameOf(event.user_id)}: ${event.data.text ?? `(${event.data.type})`}`);
}

socket.on('hello', ({ head }) => console.log(`connected, at ${head}`));
socket.on('activity', show);
socket.on('resync', async () => (await call('GET', `/activities?after=${seq}`)).items.filter(({ event }) => event === 'activity').forEach(show));
socket.on('connect_error', (error) => console.log(`not connected: ${error.message}`));

for await (const text of readline.createInterface({ input: process.stdin })) {
	// Under a name of its own: sent again after a lost answer, it is said once.
	const message = { text, client_id: randomUUID() };
	const answer = await socket.timeout(20000).emitWithAck('message', message).catch((error) => ({ error }));
	console.log(answer.ok ? `sent as ${answer.seq}` : `not sent: ${JSON.stringify(answer.error)}`);
}
socket.disconnect();
