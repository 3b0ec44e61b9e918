// Another symbol server, as an upstream of the one under test: says what it is told to, well or badly, and
// remembers who asked.
//   const peer = await startUpstream(); peer.give('/a/1/a.sym', { body: 'MODULE ...' }); peer.asked('/a/1/a.sym')
import http from 'node:http';
import zlib from 'node:zlib';

export async function startUpstream() {
	const routes = new Map();
	const requests = []; // { method, url, headers }
	const server = http.createServer((req, res) => {
		requests.push({ method: req.method, url: req.url, headers: req.headers });
		res.on('error', () => {});
		const route = routes.get(req.url) ?? { status: 404, body: 'Symbol Not Found' };
		if (typeof route === 'function') route(req, res);
		else answer(res, route);
	});
	server.keepAliveTimeout = 60_000;
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${server.address().port}`;
	return {
		url,
		requests,
		// What a path is answered with: { status, headers, body, gzip } or a function of request and answer.
		give: (path, route) => routes.set(path, route),
		asked: (path) => requests.filter((r) => r.url === path).length,
		last: (path) => requests.filter((r) => r.url === path).at(-1),
		stop() {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(resolve));
		},
	};
}

function answer(res, { status = 200, headers = {}, body = '', gzip = false }) {
	const bytes = gzip ? zlib.gzipSync(body) : Buffer.from(body);
	res.writeHead(status, { 'content-length': bytes.length, ...(gzip ? { 'content-encoding': 'gzip' } : {}), ...headers });
	res.end(bytes);
}

// Says it has all of body, and goes after a half.
export const broken = (body) => (req, res) => {
	res.writeHead(200, { 'content-length': body.length });
	res.write(body.slice(0, body.length / 2), () => setTimeout(() => res.destroy(), 20));
};

// Sends a half, and the other one when go() is called; begun resolves when the half is out.
export function held(body, headers = {}) {
	let go;
	let begin;
	const released = new Promise((resolve) => (go = resolve));
	const begun = new Promise((resolve) => (begin = resolve));
	const route = (req, res) => {
		res.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers });
		res.write(body.slice(0, body.length / 2), () => {
			begin();
			released.then(() => res.end(body.slice(body.length / 2)));
		});
	};
	return { route, go, begun };
}

export const redirect = (to, status = 302) => ({ status, headers: { location: to } });

// A symbol file that is one.
export const symText = (name, id, lines = 2000, more = '') =>
	`MODULE Linux x86_64 ${id} ${name}\n${more}FILE 0 ${name}.c\nFUNC 1000 100 0 function_of_${name.replace(/\W/g, '_')}\n1000 100 42 0\n` +
	Array.from({ length: lines }, (_, i) => `PUBLIC ${(0x2000 + i * 16).toString(16)} 0 public_${i}_of_${name}\n`).join('');
