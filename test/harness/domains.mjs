// Domains of the internet for tests of discovery: one HTTPS server on loopback that answers by the name
// it is asked under. A domain is a function of request and response, or an object to send as JSON.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { makeCertificate } from './certificates.mjs';

function answer(site, req, res) {
	if (typeof site === 'function') return site(req, res);
	res.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', ...site.headers });
	return res.end(JSON.stringify(site.document ?? site));
}

export class Domains {
	constructor(sites) {
		this.sites = sites;
		this.asked = []; // "host path?query"
	}

	async start({ names = Object.keys(this.sites), tls = true } = {}) {
		const handle = (req, res) => {
			const host = req.headers.host.replace(/:\d+$/, '');
			this.asked.push(`${host} ${req.url}`);
			answer(this.sites[host], req, res);
		};
		if (tls) {
			const files = makeCertificate(names);
			this.ca = files.certificate;
			this.server = https.createServer({ cert: readFileSync(files.certificate), key: readFileSync(files.key) }, handle);
		} else {
			this.server = http.createServer(handle);
		}
		this.sockets = new Set();
		this.server.on('connection', (socket) => {
			this.sockets.add(socket);
			socket.on('close', () => this.sockets.delete(socket));
		});
		this.server.on('tlsClientError', () => {});
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.port = this.server.address().port;
		return this;
	}

	// How often a host was asked.
	count(host) {
		return this.asked.filter((line) => line.startsWith(`${host} `)).length;
	}

	async stop() {
		for (const socket of this.sockets) socket.destroy();
		await new Promise((resolve) => this.server.close(resolve));
	}
}
