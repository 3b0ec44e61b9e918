// The work of signin.lua, signup.lua and spin.lua as a Node server, with one of the guards that Node has against
// overload in front of it. Passwords are bcrypt, in libuv's pool; with compute-cluster in processes of their own,
// as the original BrowserID had it.
//   node peer.mjs PORT none|toobusy|overload-protection|compute-cluster [bcrypt cost = 10] [spin us = 1000]
import { createRequire } from 'node:module';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const [port, guard, cost = '10', spinUs = '1000'] = process.argv.slice(2);
const COST = Number(cost);
const bcrypt = require('bcrypt');

const HASH = bcrypt.hashSync('THE PASSWORD', COST);
const accounts = new Map(); // address: hash, of those who signed up
const staged = new Map(); // token: { email, hash }
const tokens = new Map(); // address: token
let next = 0;

// True: refused, and answered.
const guards = {
	none: () => () => false,
	toobusy: () => {
		const toobusy = require('toobusy-js');
		toobusy.maxLag(40); // as Persona had it
		return (req, res) => toobusy() && refuse(res);
	},
	'overload-protection': () => {
		const protect = require('overload-protection')('http', { logging: false });
		return (req, res) => protect(req, res) === true;
	},
	'compute-cluster': () => () => false,
};

// max_request_time is the bound of the original: 10 s.
function cluster() {
	const Cluster = require('compute-cluster');
	const workers = new Cluster({ module: fileURLToPath(new URL('peer_worker.cjs', import.meta.url)), max_request_time: 10, max_backlog: 100000 });
	workers.on('error', (error) => console.error(String(error)));
	return (job) => new Promise((resolve, reject) => workers.enqueue(job, (error, r) => (error ? reject(error) : resolve(r))));
}

const enqueue = guard === 'compute-cluster' ? cluster() : null;
const hash = (pass) => (enqueue ? enqueue({ pass, cost: COST }) : bcrypt.hash(pass, COST));
const compare = (pass, is) => (enqueue ? enqueue({ pass, is }) : bcrypt.compare(pass, is));

function send(res, status, body, headers = {}) {
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
	res.end(text);
	return true;
}

const refuse = (res) => send(res, 503, { success: false }, { 'retry-after': '1' });

function body(req) {
	return new Promise((resolve, reject) => {
		let text = '';
		req.on('data', (d) => (text += d));
		req.on('end', () => resolve(JSON.parse(text || '{}')));
		req.on('error', reject);
		req.on('close', () => reject(new Error('gone')));
	});
}

function spin(res) {
	const until = performance.now() + Number(spinUs) / 1000;
	while (performance.now() < until);
	send(res, 200, { success: true });
}

const routes = {
	'/health': (req, res) => send(res, 200, 'ok'),
	'/spin': (req, res) => spin(res),
	'/prefetch': (req, res) => spin(res),
	'/wsapi/session_context': (req, res) => send(res, 200, { csrf_token: 'c', authenticated: false }, { 'set-cookie': `s=${next++}` }),
	'/wsapi/list_emails': (req, res) => send(res, 200, { success: true, emails: ['a'] }),
	'/wsapi/fake_verification': (req, res, url) => send(res, 200, tokens.get(url.searchParams.get('email')) ?? ''),
	async '/wsapi/stage_user'(req, res) {
		const { email, pass } = await body(req);
		const token = String(next++).padStart(48, '0');
		staged.set(token, { email, hash: await hash(pass) });
		tokens.set(email, token);
		send(res, 200, { success: true });
	},
	async '/wsapi/complete_user_creation'(req, res) {
		const { token } = await body(req);
		const it = staged.get(token);
		if (!it) return send(res, 200, { success: false });
		staged.delete(token);
		tokens.delete(it.email);
		accounts.set(it.email, it.hash);
		send(res, 200, { success: true });
	},
	async '/wsapi/authenticate_user'(req, res) {
		const { email, pass } = await body(req);
		send(res, 200, { success: await compare(pass, accounts.get(email) ?? HASH) });
	},
};

const isRefused = guards[guard]();
const server = http.createServer((req, res) => {
	if (isRefused(req, res)) return;
	const url = new URL(req.url, 'http://x');
	const route = routes[url.pathname];
	if (!route) return send(res, 404, 'no');
	Promise.resolve(route(req, res, url)).catch(() => !res.headersSent && !res.destroyed && refuse(res));
});
server.keepAliveTimeout = 115000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => console.log('listening'));
