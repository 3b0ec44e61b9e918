// Kills at random moments of uploads: of the role that writes files, of the store, of web, of everything. Each
// key is absent or whole at any time, what was acknowledged is there, a repeat finishes, and gc leaves nothing
// over. KILL_SEED repeats a run's moments.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { runCommand } from '../harness/command.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { killEverything, pidOf, restarted, until } from '../harness/roles.mjs';
import { held, startUpstream, symText } from '../harness/upstream.mjs';
import { auditIsGood, generator, killWhile, People } from './lib/kill.mjs';

const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CONF = { web: { instances: 2 }, files: { instances: 2 } };
const FILES = 4;

const contentOf = (line, n, i) => `MODULE Linux x86_64 ${line}${n}${i} k${line}.so\n${`${line} ${n} ${i}\n`.repeat(2000 * (i + 1))}`;
const archiveOf = (line, n) => Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`k${line}.so/A${n}${i}/k${line}.so.${i % 2 ? 'dbg.gz' : 'sym'}`, contentOf(line, n, i)]));

class Uploaders extends People {
	acknowledged = []; // [line, n]
	begun = [];

	async person(line, n) {
		this.begun.push([line, n]);
		const answer = await this.step(() => uploadFiles(this.server, this.key, archiveOf(line, n)), [201]);
		if (answer) this.acknowledged.push([line, n]);
	}
}

// Of one archive: how many of its files are there; every one whole.
async function look(server, [line, n]) {
	let there = 0;
	for (const [name, data] of Object.entries(archiveOf(line, n))) {
		const answer = await get(server, `/${name}`);
		if (answer.status === 200) assert.equal(answer.text, data, name);
		else assert.equal(answer.status, 404, name);
		there += answer.status === 200;
	}
	return there;
}

const YESTERDAY = new Date(Date.now() - 2 * 86400000);
const filesIn = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => path.join(f.parentPath ?? f.path, f.name));

// Of a server that has stopped: the audit finds nothing, and what gc removes are uploads that broke off, once.
async function onlyWholeFilesAreLeft(server) {
	auditIsGood(server);
	const blobs = path.join(server.dataDir, 'blobs');
	for (const file of filesIn(blobs)) utimesSync(file, YESTERDAY, YESTERDAY);
	const gc = await runCommand(['symbols', 'gc', '-c', server.confPath]);
	assert.equal(gc.code, 0, gc.stderr);
	assert.match(gc.stdout, /^removed 0 files /);
	assert.deepEqual(readdirSync(path.join(blobs, 'new')), []);
	const again = await runCommand(['symbols', 'gc', '-c', server.confPath]);
	assert.match(again.stdout, /^removed 0 files \(0 bytes\), 0 blobs \(0 bytes\), 0 broken uploads$/m);
}

test('kills while archives are uploaded', async (t) => {
	t.diagnostic(`KILL_SEED=${SEED}`);
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-symbols-kill-'));
	const people = new Uploaders(await startPlimsoll({ dir, conf: CONF }), 4);
	people.key = makeToken(people.server);
	let server;
	try {
		server = await killWhile(people, {
			dir, conf: CONF, rounds: 6, roundMs: 500, random: generator(SEED), roles: ['files', 'web', 'files', 'store'], done: () => people.acknowledged.length, perRound: 2,
		});
		assert.ok(people.acknowledged.length >= 12);
		for (const one of people.acknowledged) assert.equal(await look(server, one), FILES);
		for (const one of people.begun) await look(server, one);
		// Whoever was cut off sends it again.
		for (const one of people.begun.slice(-4)) {
			assert.equal((await uploadFiles(server, people.key, archiveOf(...one))).status, 201);
			assert.equal(await look(server, one), FILES);
		}
		await server.stop();
		await onlyWholeFilesAreLeft(server);
		const left = path.join(server.dataDir, 'blobs/new', 'x'.repeat(32));
		writeFileSync(left, 'of an upload that broke off');
		utimesSync(left, YESTERDAY, YESTERDAY);
		server = await startPlimsoll({ dir, conf: CONF });
		assert.deepEqual(readdirSync(path.dirname(left)), [], 'a server sweeps, too');
		for (const one of people.acknowledged) assert.equal(await look(server, one), FILES);
	} finally {
		await server?.stop().catch(() => {});
		rmSync(dir, { recursive: true, force: true });
	}
});

test('kills while a file is fetched from an upstream', async () => {
	const upstream = await startUpstream();
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-upstream-kill-'));
	const conf = { ...CONF, files: { instances: 1 }, symbols: { upstream: `breakpad ${upstream.url}`, upstream_private: 'yes', upstream_miss: '1s' } };
	let server = await startPlimsoll({ dir, conf });
	try {
		for (const [n, role] of ['files', 'courier', 'web', 'everything'].entries()) {
			const key = `${'F'.repeat(31)}${n}0`;
			const url = `/kill.so/${key}/kill.so.sym`;
			const text = symText('kill.so', key, 20000);
			const slow = held(text);
			upstream.give(url, slow.route);
			const cut = get(server, url).catch(() => ({ status: 0 }));
			await slow.begun;
			if (role === 'everything') {
				const { ports } = server;
				await killEverything(server);
				slow.go();
				server = await startPlimsoll({ dir, conf, ports });
			} else {
				const pid = await pidOf(server, role);
				process.kill(pid, 'SIGKILL');
				slow.go();
				await restarted(server, role, pid);
			}
			const answer = await cut;
			assert.ok(answer.status !== 200 || answer.text === text, `${role}: whole or not at all`);
			await until(`${role}: the file`, async () => {
				const now = await get(server, `${url}?_refresh`).catch(() => ({ status: 0 }));
				assert.ok(now.status !== 200 || now.text === text, `${role}: whole or not at all`);
				return now.status === 200;
			}, 20);
		}
		await server.stop();
		await onlyWholeFilesAreLeft(server);
		server = await startPlimsoll({ dir, conf });
		assert.equal((await get(server, `/kill.so/${'F'.repeat(31)}00/kill.so.sym`)).status, 200);
	} finally {
		await server.stop().catch(() => {});
		await upstream.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});
