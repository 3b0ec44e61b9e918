// A storm of sign-ups: so many a minute offered, without waiting for answers, by clients that come back as they are
// told; beside the raw bcrypt rate of the same cores, the everyday traffic of a couple, and the mail to each.
//   node test/bench/pairs_signup.mjs [a minute = 60000] [seconds offered = 60] [bcrypt costs = 12,10,6] [give up after = 1.1]
// 6 is the cost of passwords that pages have stretched ([accounts] bcrypt_cost_stretched). What cannot be in after
// size / capacity x 1.1 is given up. The generator takes its part of the cores, which is said.
// PICTURES=1: a couple sends pictures of 12 megapixels all the while, so that those who make them smaller never rest.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { couple, PASSWORD, startPairs } from '../harness/pairs.mjs';
import { converted, halves } from '../harness/pictures.mjs';
import { startSink } from '../harness/smtp_sink.mjs';
import { cpuUs, load, quantile, report, rolePids, run } from './lib.mjs';

const perMinute = Number(process.argv[2] ?? 60000);
const offeredS = Number(process.argv[3] ?? 60);
const costs = (process.argv[4] ?? '12,10,6').split(',').map(Number);
const patience = Number(process.argv[5] ?? 1.1);
const cores = os.cpus().length;
const rawProgram = path.join(path.dirname(process.env.PLIMSOLL_BIN ?? 'build/release/cmd/plimsoll'), '../test/bench/bcrypt_raw');
const RAW_SECONDS = 5;
const AGAIN_MS = 1000; // no answer, or no word about when
const MESSAGE_MS = 20;
const PICTURES_WAITING = 8; // of the one couple

class Storm {
	counts = { offered: 0, admitted: 0, refused: 0, atTheDoor: 0, failed: 0 };
	acceptedAt = new Map(); // address -> when the sign-up was acknowledged
	mailMs = [];
	inAt = []; // seconds since the beginning, of each that is in
	over = false;

	constructor(server, agent) {
		Object.assign(this, { server, agent });
	}

	#post(fields) {
		const body = JSON.stringify(fields);
		const { agent } = this;
		const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
		return new Promise((resolve) => {
			const req = http.request({ host: '127.0.0.1', port: this.server.pairsPort, method: 'POST', path: '/api/v1/signup', agent, headers }, (res) => {
				let text = '';
				res.setEncoding('utf8').on('data', (d) => (text += d));
				res.on('end', () => resolve({ status: res.statusCode, text, after: res.headers['retry-after'] }));
				res.on('error', () => resolve(null));
			});
			req.on('error', () => resolve(null));
			req.end(body);
		});
	}

	async client(n) {
		const email = `storm${n}@example.org`;
		let ticket;
		this.counts.offered++;
		while (!this.over) {
			const answer = await this.#post({ email, password: PASSWORD, idempotency_key: email, ticket });
			if (this.over) return; // it was cut
			if (answer?.status === 202) {
				this.counts.admitted++;
				this.acceptedAt.set(email, performance.now());
				this.inAt.push((performance.now() - this.began) / 1000);
				return;
			}
			if (answer?.status !== 503) {
				this.counts.failed++;
				await sleep(AGAIN_MS);
				continue;
			}
			const error = answer.text.startsWith('{') ? JSON.parse(answer.text).error : {};
			this.counts[error.ticket ? 'refused' : 'atTheDoor']++;
			ticket = error.ticket ?? ticket;
			await sleep(error.retry_ms ?? Number(answer.after ?? 1) * AGAIN_MS * (0.5 + Math.random()));
		}
	}

	// Evenly spaced, by the clock and not by answers.
	async offer() {
		this.began = performance.now();
		const all = [];
		const total = Math.round((perMinute / 60) * offeredS);
		while (all.length < total) {
			const due = Math.min(total, Math.floor(((performance.now() - this.began) / 60000) * perMinute));
			while (all.length < due) all.push(this.client(all.length));
			await sleep(2);
		}
		return all;
	}
}

async function everyday(member, storm, times) {
	for (let n = 0; !storm.over; n++) {
		const began = performance.now();
		const answer = await member.post('/messages', { text: `${n}` });
		times.push({ ms: performance.now() - began, ok: answer.status === 201 });
		await sleep(MESSAGE_MS);
	}
}

// Pictures are sent as fast as they are made, some ahead. Resolves to how many were made.
async function pictures(member, storm) {
	const bytes = await converted(halves(4000, 3000), 'jpg');
	let sent = [];
	let made = 0;
	while (!storm.over) {
		const states = await Promise.all(sent.map(async (id) => [id, (await member.get(`/media/${id}`)).json?.state]));
		made += states.filter(([, state]) => state === 'ready').length;
		sent = states.filter(([, state]) => state !== 'ready').map(([id]) => id);
		if (sent.length < PICTURES_WAITING) {
			const answer = await member.upload(bytes);
			if (answer.status === 202) sent.push(answer.json.id);
		}
		await sleep(100);
	}
	return made;
}

async function measure(cost) {
	// In a session of its own, as the server is, so that the scheduler treats both alike.
	const raw = Number(await run('setsid', ['-w', rawProgram, String(cost), String(RAW_SECONDS), String(cores)]));
	let storm = null;
	const sink = await startSink({
		hold: true,
		onMail: ({ to }) => {
			const at = storm?.acceptedAt.get(to[0]) ?? performance.now(); // it may come before the answer
			storm?.mailMs.push(performance.now() - at);
		},
	});
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-signup-bench-'));
	const conf = { accounts: { bcrypt_cost: cost }, http: { access_log: 'no' }, log: { level: 'warn' } };
	const first = await startPairs({ dir, conf });
	const [one] = await couple(first); // whose mails are read in the outbox
	await first.stop();
	const { ports, pairsPort } = first;
	const server = await startPairs({ dir, ports, pairsPort, conf: { ...conf, mail: { smtp: sink.url, connections: 32 } } });
	one.server = server;
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1024 });
	storm = new Storm(server, agent);
	const pids = await rolePids(server);
	const before = { compute: cpuUs(pids.compute), web: cpuUs(pids.web), own: process.cpuUsage() };
	const times = [];
	const others = everyday(one, storm, times);
	const busy = process.env.PICTURES ? pictures(one, storm) : null;
	const clients = await storm.offer();
	const most = Math.max((storm.counts.offered / raw) * patience, offeredS) * 1000;
	await Promise.race([Promise.all(clients), sleep(Math.max(0, most - (performance.now() - storm.began)))]);
	const seconds = (performance.now() - storm.began) / 1000;
	storm.over = true;
	await others;
	const made = await busy;
	const used = { compute: (cpuUs(pids.compute) - before.compute) / 1e6, web: (cpuUs(pids.web) - before.web) / 1e6, own: process.cpuUsage(before.own) };
	for (const end = Date.now() + 30_000; sink.count < storm.counts.admitted && Date.now() < end; ) await sleep(100);
	agent.destroy();
	await server.stop();
	await sink.stop();
	rmSync(dir, { recursive: true, force: true });
	const sort = (list) => list.sort((a, b) => a - b);
	const ms = sort(times.filter((t) => t.ok).map((t) => t.ms));
	const rate = storm.counts.admitted / seconds;
	const ownCores = (used.own.user + used.own.system) / 1e6 / seconds;
	report(`sign-ups: ${perMinute} a minute for ${offeredS} s, bcrypt cost ${cost}, ${cores} cores, load ${load()}`, [
		['raw bcrypt, hashes/s', raw.toFixed(1), `all ${cores} cores, nothing beside it`],
		['goodput, sign-ups/s', rate.toFixed(1), `${(rate / raw).toFixed(2)} of raw; the generator used ${ownCores.toFixed(2)} cores, web ${(used.web / seconds).toFixed(2)}, compute ${(used.compute / seconds).toFixed(2)}: ${(storm.counts.admitted / used.compute / (raw / cores)).toFixed(2)} of raw for its processor time`],
		['in', `${storm.counts.admitted} of ${storm.counts.offered}`, `${((100 * storm.counts.admitted) / storm.counts.offered).toFixed(1)} % after ${seconds.toFixed(0)} s (size / raw x ${patience} = ${(most / 1000).toFixed(0)} s)`],
		['answers: slot given / at the door / failed', `${storm.counts.refused} / ${storm.counts.atTheDoor} / ${storm.counts.failed}`],
		['mails sent of sign-ups taken', `${sink.count} of ${storm.counts.admitted}`],
		['mail delay p50 / p95', `${quantile(sort(storm.mailMs), 0.5)?.toFixed(0)} ms`, `${quantile(storm.mailMs, 0.95)?.toFixed(0)} ms (goal 5000)`],
		['a message of a couple p50 / p99', `${quantile(ms, 0.5).toFixed(1)} ms`, `${quantile(ms, 0.99).toFixed(1)} ms (goal 50), ${times.length - ms.length} of ${times.length} refused`],
		...(made === null ? [] : [['pictures of 12 megapixels made meanwhile', String(made), `${(made / seconds).toFixed(2)}/s`]]),
	]);
}

for (const cost of costs) await measure(cost);
