// The Nth allocation and the Nth system call of every role fails, while it works and while it starts.
// Whatever that does to the role, nobody waits for ever, nothing acknowledged is lost, the supervisor
// has all roles serving again, and no process dies of a wild pointer. NTH_STEPS is how many N are tried
// per role, kind and phase (make soak: in steps of NTH_STRIDE and NTH_ALLOC_STRIDE over all of them).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { askCertificate, newKey } from '../harness/assertion.mjs';
import { Client, mailedToken } from '../harness/client.mjs';
import { releaseBin, startFaulty } from '../harness/nth.mjs';
import { doorMember, pairByDoor } from '../harness/pairs.mjs';
import { PATIENCE } from '../harness/patience.mjs';
import { halves } from '../harness/pictures.mjs';
import { freePort } from '../harness/plimsoll.mjs';
import { pidOf, processes, status, until } from '../harness/roles.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';

const PASS = 'correct horse';
const ROLES = ['web', 'store', 'signer', 'compute', 'courier', 'files', 'media', 'admin', 'supervisor'];
const STEPS = Number(process.env.NTH_STEPS ?? 2);
const PHASES = (process.env.NTH_PHASES ?? 'work,start').split(',');
const CALL_MS = 20_000 * PATIENCE; // longer than any deadline of the server
const DEATHS_MAX = 3; // the supervisor waits longer after each
const NEVER = 2 ** 31;
const KEY = newKey();
const PICTURE = halves(16, 16);

// A call's answer, or the error of a connection that was cut; a call without end fails the test.
async function tried(what, promise) {
	let timer;
	const late = new Promise((resolve, reject) => (timer = setTimeout(() => reject(new Error(`${what} hangs`)), CALL_MS)));
	try {
		return await Promise.race([promise, late]);
	} catch (error) {
		// Cut connections of node:http and of fetch; an answer of 503 where JSON was hoped for; no mail.
		const expected = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(error.code) || error.cause !== undefined || error instanceof SyntaxError || /^no mail to/.test(error.message);
		if (!expected) throw error;
		return { status: 0, error };
	} finally {
		clearTimeout(timer);
	}
}

class Server {
	constructor(dir) {
		this.dir = dir;
		this.done = [];
		this.report = []; // aborts, for people to look at
		this.people = 0;
		this.stored = []; // acknowledged symbols
		this.pictures = []; // acknowledged
	}

	async start() {
		this.pairsPort ??= await freePort();
		const pairs = { listen: `127.0.0.1:${this.pairsPort}`, test_doors: 'yes', media_lease: '10s' };
		const one = { instances: 1 };
		this.faulty = await startFaulty(this.dir, { conf: { web: one, compute: one, files: one, media: one, identity: { min_mail_interval: '0s' }, pairs }, ports: this.ports });
		this.server = this.faulty.server;
		this.server.pairsPort = this.pairsPort;
		this.ports = this.server.ports;
		this.logged = 0;
		await this.isWell(false); // a start that is not complete ends with the first failure
		this.member ??= await this.makeCouple();
		this.member.server = this.server;
	}

	async makeCouple() {
		const both = await Promise.all([0, 1].map((n) => doorMember(this.server, `of${n}@example.org`)));
		await pairByDoor(...both);
		return both[0];
	}

	async stop() {
		this.faulty.disarm();
		this.faulty.close();
		await this.server.stop();
	}

	// Some of everything; what was acknowledged is kept. Fresh connections, as after a restart.
	async work() {
		const agent = new http.Agent({ keepAlive: true });
		const email = `nth${this.people++}@example.org`;
		const client = new Client(this.server.url, { agent });
		try {
			await tried('page', client.get('/'));
			const staged = await tried('stage_user', client.stage(email, PASS));
			if (staged.status !== 200 || !staged.json?.success) return;
			const token = await tried('mail', mailedToken(this.server, email, 1));
			if (typeof token !== 'string') return;
			const created = await tried('complete', client.post('/wsapi/complete_user_creation', { token }));
			if (created.json?.success) this.done.push(email);
			const other = new Client(this.server.url, { agent });
			await tried('wrong login', other.login(email, 'wrong password'));
			await tried('login', other.login(email, PASS));
			await tried('certificate', askCertificate(other, email, KEY));
			await tried('emails', other.get('/wsapi/list_emails'));
			await this.upload();
			await this.sendPicture();
			await tried('metrics', fetch(`${this.server.adminUrl}/metrics`).then((r) => r.text()));
		} finally {
			agent.destroy();
		}
	}

	async upload() {
		this.token ??= makeToken(this.server);
		const name = `nth.so/A${this.people}/nth.so.sym`;
		const answer = await tried('upload', uploadFiles(this.server, this.token, { [name]: `symbols of ${name}`, [`nth.so/A${this.people}/nth.so.dbg.gz`]: 'debug' }));
		if (answer.status === 201) this.stored.push(name);
		await tried('download', get(this.server, `/${name}`));
		await tried('miss', get(this.server, `/nth.so/B${this.people}/nth.so.sym`));
	}

	// Its sizes are made before the call ends, if they can be.
	async sendPicture() {
		const sent = await tried('picture', this.member.upload(PICTURE, `?client_id=${this.people}`));
		if (sent.status !== 202) return;
		this.pictures.push(sent.json.id);
		await until('an answer about the picture', async () => (await this.stateOf(sent.json.id)) !== 'pending', 10).catch(() => {});
	}

	async stateOf(id) {
		const answer = await tried('picture', this.member.get(`/media/${id}`));
		return answer.json?.state ?? 'pending';
	}

	// Everything serves, and a sign-up works from end to end; what was acknowledged last is there.
	async isWell(signsUp = true) {
		await until('all roles to serve', async () => {
			const rows = (await status(this.server)).processes;
			return rows.length === 8 && rows.every((p) => p.state === 'serving');
		}, 20);
		if (!signsUp) return;
		const client = new Client(this.server.url);
		await until('a sign-in to work', async () => {
			const [email] = this.done.slice(-1);
			return email === undefined || (await client.login(email, PASS)).json?.success === true;
		}, 15);
		for (const id of this.pictures.slice(-1)) {
			await until('the last picture to be ready', async () => (await this.stateOf(id)) === 'ready', 90);
		}
		for (const name of this.stored.slice(-1)) {
			await until('what was uploaded last', async () => (await get(this.server, `/${name}`)).text === `symbols of ${name}`, 15);
		}
	}

	// What the log says since the last time of processes that ended; none of them by a wild pointer.
	deaths() {
		const log = this.server.stderr();
		const fresh = log.slice(this.logged);
		this.logged = log.length;
		for (const [line] of fresh.matchAll(/^.*killed by signal (4|7|8|11) .*$/gm)) throw new Error(`${JSON.stringify(this.faulty.state())} ${line}\n${fresh.slice(-4000)}`);
		return [...fresh.matchAll(/^.*event=process_ended .*$/gm)].map(([line]) => line);
	}
}

// N spread over 1..count, never the same for two runs.
function sample(count, kind) {
	const stride = Number((kind === 'alloc' && process.env.NTH_ALLOC_STRIDE) || process.env.NTH_STRIDE);
	if (stride) {
		return Array.from({ length: Math.ceil(count / stride) }, (_, i) => 1 + i * stride);
	}
	const width = count / STEPS;
	return Array.from({ length: Math.min(STEPS, count) }, (_, i) => Math.max(1, Math.ceil(i * width + Math.random() * width)));
}

async function sweep(role, kind, phase, s) {
	const restart = async () => {
		const killed = role === 'supervisor' ? 'admin' : role;
		const pid = await until(`${killed}`, () => pidOf(s.server, killed));
		process.kill(pid, 'SIGKILL');
		await until('another one', async () => (await pidOf(s.server, killed)) !== pid, 20);
	};
	const once = async (at) => {
		s.faulty.arm(role, kind, at);
		if (phase === 'start') await restart();
		if (phase === 'start') await s.isWell(false);
		else await s.work();
		const state = s.faulty.state();
		s.faulty.disarm();
		await s.isWell();
		return state;
	};
	const { count } = await once(NEVER);
	let deaths = phase === 'start' ? 1 : 0;
	let died = 0;
	let fired = 0;
	for (const at of sample(count, kind)) {
		let state;
		try {
			state = await once(at);
		} catch (error) {
			error.message = `${role}, ${kind} ${at} of ${count} (${s.faulty.state().what}), ${phase}: ${error.message}\n${s.server.stderr().slice(-2000)}`;
			throw error;
		}
		const ended = s.deaths();
		for (const line of ended) if (/signal 6/.test(line)) s.report.push(`${role} ${phase} ${kind} ${at}/${count} ${state.what}: ${line}`);
		const aborted = ended.some((line) => /signal/.test(line));
		assert.ok(!(phase === 'work' && kind === 'alloc' && aborted), `memory that ends while it works is an error, not an end: ${role}, ${at} (${state.what}): ${ended[0]}`);
		const innocent = ended.filter((line) => /signal 6/.test(line) && !line.includes(`process=${role}`));
		assert.deepEqual(innocent, [], `${role}, ${kind} ${at} (${state.what}), ${phase}: another one ended for it`);
		fired += state.fired;
		died += ended.length;
		deaths += ended.length + (phase === 'start' ? 1 : 0);
		if (deaths >= DEATHS_MAX) {
			await s.stop();
			await s.start();
			deaths = 0;
		}
	}
	return `${phase} ${kind}: ${fired} failed of ${count}, ${died} ended`;
}

// Most of it is waiting for the supervisor to start something again.
describe('faults in every role', { concurrency: 4 }, () => {
	for (const role of ROLES) {
		test(`the Nth allocation and the Nth system call of ${role} fails: it goes on or comes back`, async (t) => {
			const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-nth-'));
			const s = new Server(dir);
			await s.start();
			try {
				await s.work();
				assert.equal(s.done.length, 1);
				for (const kind of ['alloc', 'call']) {
					for (const phase of role === 'supervisor' ? ['start'] : PHASES) t.diagnostic(await sweep(role, kind, phase, s));
				}
				for (const email of s.done) {
					const client = new Client(s.server.url);
					assert.equal((await client.login(email, PASS)).json?.success, true, `${email} was acknowledged and is lost`);
					assert.deepEqual((await client.get('/wsapi/list_emails')).json.emails, [email]);
				}
			} finally {
				await s.stop();
			}
			for (const line of s.report) t.diagnostic(line);
			execFileSync(releaseBin(), ['check', '--data', '-c', s.server.confPath]);
			rmSync(dir, { recursive: true, force: true });
		});
	}
});
