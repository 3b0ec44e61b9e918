// A server with users of Sync that were stored before, for seed004.mjs and sync_curve.mjs: made by sync_fill through
// the store's own code; and runs of the lab against it by the preset seed-004-stored of models/sync.lua.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { SECRET } from '../harness/sync_client.mjs';
import { pinned, runLabCommand } from './lib.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DAY_RATE = (19 * 86400) / 5400; // syncs a day of an active user, as in the preset
// A machine has 28,000 ports towards one address, and each sync is a connection: Firefox keeps one for two minutes, but
// from one machine there can not be so many.
const SOURCES = '127.0.0.2-127.0.0.9';
// Of the same build as PLIMSOLL_BIN, which for these runs is build/release/cmd/plimsoll (as tools/bench has it).
const FILL = process.env.SYNC_FILL ?? path.join(path.dirname(plimsollBin()), '../test/bench/sync_fill');

// A server whose store holds so many users. folder: where it lives and stays, for a second run; else it goes.
// cpu: the processor that all its roles have to share. speedUp: users come so many times more often.
export async function startStored({ stored, records, bytes = 450, folder, cpu, conf = {}, speedUp = 1 }) {
	const dir = folder ?? mkdtempSync(path.join(os.tmpdir(), 'plimsoll-stored-'));
	mkdirSync(dir, { recursive: true });
	const ports = { web: await freePort(), admin: await freePort() };
	const options = {
		dir,
		ports,
		bin: cpu === undefined ? plimsollBin() : pinned(plimsollBin(), dir, cpu),
		conf: { ...conf, sync: { master_secret: SECRET, ...conf.sync }, http: { access_log: 'no', ...conf.http } },
	};
	const database = path.join(dir, 'data/db/plimsoll.db');
	const mark = path.join(dir, `stored-${stored}-${records}-${bytes}`);
	if (!existsSync(mark)) {
		if (!existsSync(FILL)) throw new Error(`${FILL} is not built: PLIMSOLL_BIN=build/release/cmd/plimsoll, ninja -C build/release test/bench/sync_fill`);
		const first = await startPlimsoll(options); // makes the database
		await first.stop();
		execFileSync(FILL, [database, String(stored), String(records), String(bytes)], { stdio: 'inherit' });
		execFileSync('sync'); // what the fill wrote does not go to the disk while somebody is timed
		writeFileSync(mark, '');
	}
	const server = await startPlimsoll(options);
	server.database = database;
	server.databaseBytes = () => statSync(database).size;
	server.model = writeModel(dir, stored, speedUp);
	server.end = async () => {
		await server.stop();
		if (!folder) rmSync(dir, { recursive: true, force: true });
	};
	return server;
}

// models/sync.lua, for so many stored users who come so many times as often.
function writeModel(dir, stored, speedUp) {
	const file = path.join(dir, 'sync.lua');
	let text = readFileSync(path.join(ROOT, 'models/sync.lua'), 'utf8');
	for (const [from, to] of [
		['local STORED = 1000000', `local STORED = ${stored}`],
		['\tvisits = "19 * 86400 / 5400",\n\tweights = { stored_sync = 1 }', `\tvisits = "${speedUp} * 19 * 86400 / 5400",\n\tweights = { stored_sync = 1 }`],
	]) {
		if (!text.includes(from)) throw new Error(`models/sync.lua has no ${from}`);
		text = text.replace(from, to);
	}
	writeFileSync(file, text);
	return file;
}

// One run of the lab; pin: its processor.
export function runLab(server, { users, seconds, warmUp = 0, args = [], pin }) {
	const words = ['load', server.model, '--preset', 'seed-004-stored', '--users', String(users), '--for', `${seconds}s`, '--warm-up', `${warmUp}s`,
		'--connection', 'activity', '--from', SOURCES, '--timeout', '30s', '--admin', server.adminUrl.slice(7), ...args, server.url];
	return runLabCommand(words, { cpu: pin, first: true });
}

// How often statements of each verb ran, by what services/sync and accounts declare.
const VERBS = Object.fromEntries(
	['services/sync/statements.def', 'accounts/statements.def'].flatMap((file) =>
		[...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/"([a-z]+\.[a-z0-9_]+)",[^"]*"\s*(SELECT|INSERT|UPDATE|DELETE)/g)].map(([, name, verb]) => [name, verb])),
);

export function verbs(values) {
	const sums = { SELECT: 0, INSERT: 0, UPDATE: 0, DELETE: 0 };
	for (const [key, value] of Object.entries(values)) {
		const statement = /sql_seconds_count\{.*?"([a-z]+\.[a-z0-9_]+)"/.exec(key)?.[1];
		if (VERBS[statement]) sums[VERBS[statement]] += value;
	}
	return sums;
}
