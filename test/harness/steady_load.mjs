// Clients who expect every request to succeed, at a modest pace: what a test of upgrades keeps going.
//   const load = new SteadyLoad(server, { url }); load.start(); ... await load.stop();
//   load.failures, load.count, load.people
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.mjs';
import { Raw } from '../scenario/lib/raw.mjs';

const PASS = 'correct horse';
const PIECE = Buffer.alloc(4096, 'u');
const PIECES = 16;
const DOWNLOAD_BYTES = 256 * 1024;

const running = new Set();

// For the end of a test that has failed: nobody may go on for ever.
export function stopAllLoads() {
	for (const load of running) load.going = false;
}

export class SteadyLoad {
	// url: where the clients go, if not to the server itself; name: for addresses and failures.
	constructor(server, { url = server.url, name = 'direct', slow = true } = {}) {
		this.server = server;
		this.url = new URL(url);
		this.name = name;
		this.slow = slow;
		this.going = true;
		this.failures = [];
		this.count = { fresh: 0, kept: 0, upload: 0, download: 0, staged: 0, signedUp: 0 };
		this.people = []; // e-mail addresses whose sign-up was acknowledged
	}

	start() {
		running.add(this);
		const kept = () => new http.Agent({ keepAlive: true, maxSockets: 1 });
		this.lines = [
			this.#line(() => this.#get('fresh', false, '/__lbheartbeat__'), 5),
			this.#line(() => this.#get('fresh', false, '/wsapi/session_context'), 5),
			...[3, 10, 40, 300].map((pauseMs) => {
				const agent = kept();
				return this.#line(() => this.#get('kept', agent, '/include.js'), pauseMs).finally(() => agent.destroy());
			}),
			this.#signUps(0),
			this.#signUps(1),
		];
		if (this.slow) this.lines.push(this.#line(() => this.#upload(), 1), this.#line(() => this.#download(), 1));
	}

	async stop() {
		this.going = false;
		await Promise.all(this.lines);
		running.delete(this);
	}

	async #line(once, pauseMs) {
		while (this.going) {
			try {
				await once();
			} catch (error) {
				this.#failed(error);
			}
			await sleep(pauseMs);
		}
	}

	#failed(error) {
		this.failures.push(`${this.name} ${new Date().toISOString()} ${error.code ?? ''} ${error.stack ?? error}`);
	}

	#expect(what, isGood, text) {
		if (!isGood) throw new Error(`${what}: ${text}`);
		this.count[what]++;
	}

	#get(what, agent, path) {
		return new Promise((resolve, reject) => {
			const req = http.get({ host: this.url.hostname, port: this.url.port, path, agent, timeout: 10000 }, (res) => {
				res.resume();
				res.on('error', reject);
				res.on('end', () => {
					try {
						resolve(this.#expect(what, res.statusCode === 200 && res.complete, `${path} ${res.statusCode}`));
					} catch (error) {
						reject(error);
					}
				});
			});
			req.on('timeout', () => req.destroy(new Error(`${what} ${path}: no answer in 10 s`)));
			req.on('error', (error) => reject(new Error(`${what} ${path}: ${error.message} reused=${req.reusedSocket}`)));
		});
	}

	// A body that takes half a second to send.
	async #upload() {
		const raw = await Raw.connect(Number(this.url.port));
		try {
			await raw.send(`POST /trial/upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${PIECES * PIECE.length}\r\n\r\n`);
			for (let i = 0; i < PIECES; i++) {
				await raw.send(PIECE);
				await sleep(30);
			}
			const answer = await raw.read();
			this.#expect('upload', answer.status === 200 && answer.body.toString() === String(PIECES * PIECE.length), answer.text);
		} finally {
			raw.destroy();
		}
	}

	// An answer that takes half a second to come.
	async #download() {
		const raw = await Raw.connect(Number(this.url.port));
		try {
			const answer = await raw.exchange('GET /trial/download HTTP/1.1\r\nHost: x\r\n\r\n');
			const whole = answer.body.length === DOWNLOAD_BYTES && answer.body.every((byte) => byte === 0x64);
			this.#expect('download', answer.status === 200 && whole, answer.text);
		} finally {
			raw.destroy();
		}
	}

	async #signUps(line) {
		for (let n = 0; this.going; n++) {
			const agent = new http.Agent({ keepAlive: true });
			try {
				await this.#signUp(`${this.name}${line}.${n}@example.org`, agent);
			} catch (error) {
				this.#failed(error);
			}
			agent.destroy();
			await sleep(20);
		}
	}

	async #signUp(email, agent) {
		const client = new Client(this.url.href, { agent });
		const staged = await client.stage(email, PASS);
		this.#expect('staged', staged.json?.success === true, `${email} ${staged.status} ${staged.text}`);
		const token = await this.#mailedToken(email);
		const done = await client.post('/wsapi/complete_user_creation', { token });
		this.#expect('signedUp', done.json?.success === true, `${email} ${done.status} ${done.text}`);
		this.people.push(email);
	}

	// From the admin listener, each time on a connection of its own.
	async #mailedToken(email) {
		const outbox = new Client(this.server.adminUrl, { agent: false });
		for (let i = 0; i < 300; i++) {
			const { json } = await outbox.get('/outbox.json');
			const link = json?.find((mail) => mail.to === email)?.link;
			if (link) return /token=([A-Za-z0-9]{48})/.exec(link)[1];
			await sleep(50);
		}
		throw new Error(`no mail to ${email}`);
	}

	// Who was told that the sign-up is done can log in.
	async allLogIn() {
		for (let i = 0; i < this.people.length; i += 8) {
			await Promise.all(
				this.people.slice(i, i + 8).map(async (email) => {
					const { json, text } = await new Client(this.server.url).login(email, PASS);
					if (json?.success !== true) this.failures.push(`${email} was signed up and is lost: ${text}`);
				}),
			);
		}
	}
}
