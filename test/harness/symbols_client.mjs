// A client of the symbol server: plain requests, nothing unpacked, nothing followed; and tokens.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { plimsollBin } from './plimsoll.mjs';
import { form, formType, zip } from './zip.mjs';

export function makeToken(server, email = 'up@example.com', permissions = 'upload_symbols', ...days) {
	return execFileSync(plimsollBin(), ['symbols', 'token', 'add', email, permissions, ...days, '-c', server.confPath], { encoding: 'utf8' }).trim();
}

// { status, headers, body (Buffer), text, json }
export function ask(server, method, path, { headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request(`${server.symbolsUrl}${path}`, { method, headers: { ...(body ? { 'content-length': body.length } : {}), ...headers }, agent: false }, (res) => {
			const pieces = [];
			res.on('data', (piece) => pieces.push(piece));
			res.on('error', reject);
			res.on('end', () => {
				const all = Buffer.concat(pieces);
				const text = all.toString('utf8');
				let json;
				try {
					json = JSON.parse(text);
				} catch {
					// it is something else
				}
				resolve({ status: res.statusCode, headers: res.headers, body: all, text, json });
			});
		});
		req.on('error', reject);
		req.end(body);
	});
}

export const get = (server, path, headers) => ask(server, 'GET', path, { headers });

export function upload(server, token, archive, options = {}) {
	const body = form(options.name ?? 'symbols.zip', archive, options);
	return ask(server, 'POST', '/upload/', { headers: { 'auth-token': token, 'content-type': formType() }, body });
}

export const uploadFiles = (server, token, files, options) =>
	upload(server, token, zip(Object.entries(files).map(([name, data]) => ({ name, data }))), options);
