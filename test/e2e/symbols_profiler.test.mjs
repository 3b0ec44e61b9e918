// Firefox Profiler on this server: its own client (the code of profiler.firefox.com behind a command line,
// npm's @firefox-devtools/profiler-cli) loads a profile of bare addresses and asks for names.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { SlowSymbols } from '../harness/slow_symbols.mjs';
import { makeToken, uploadFiles } from '../harness/symbols_client.mjs';

const CLI = fileURLToPath(new URL('./node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js', import.meta.url));
const CLIENT_MS = 120_000;
const MODULES = 23; // three requests: it asks for ten at once
const FUNCTIONS = 60;
const BASE = 0x100000;
const SPAN = 0x10000;

let server;
let dir;
const hex = (n) => n.toString(16);
const idOf = (n) => `${hex(n).toUpperCase().padStart(32, 'C')}0`;
const nameOf = (n) => `lib${n} ~+.so`.replace(' ~+', n === 0 ? ' ~+' : '');

function makeSym(n) {
	const lines = [`MODULE Linux x86_64 ${idOf(n)} ${nameOf(n)}`, 'FILE 0 /src/a.cc', 'FILE 1 /src/b c.h', `INLINE_ORIGIN 0 inner_of_${n}<int, "é">`, `INLINE_ORIGIN 1 middle_of_${n}`];
	for (let i = 0; i < FUNCTIONS; i++) {
		const at = 0x1000 + i * 0x40;
		lines.push(`FUNC ${hex(at)} 38 0 outer_${i}_of_${n}(char const*)`);
		if (i % 2) lines.push(`INLINE 0 ${i + 5} 0 1 ${hex(at + 8)} 10`, `INLINE 1 ${i + 6} 1 0 ${hex(at + 8)} 4`);
		lines.push(`${hex(at)} 8 ${i + 1} 0`, `${hex(at + 8)} 10 ${i + 2} 1`, `${hex(at + 24)} 20 ${i + 3} 0`);
	}
	return `${lines.join('\n')}\n`;
}

// As Firefox writes it: libraries where they were loaded, and stacks of one address each. The profiler
// takes 1 off what is a return address, which of one frame none is.
function profileOf(addresses, libs) {
	const row = (i) => [i, false, 0, null, null, null, 0, 0];
	return {
		meta: {
			version: 27, interval: 1, startTime: 0, processType: 0, product: 'test', stackwalk: 1, shutdownTime: null, debug: 0, gcpoison: 0, asyncstack: 0,
			categories: [{ name: 'Other', color: 'grey', subcategories: ['Other'] }], markerSchema: [], sampleUnits: { time: 'ms', eventDelay: 'ms', threadCPUDelta: 'ns' },
		},
		libs,
		threads: [{
			name: 'Main', processType: 'default', processName: 'test', pid: 1, tid: 1, registerTime: 0, unregisterTime: null,
			samples: { schema: { stack: 0, time: 1, eventDelay: 2 }, data: addresses.map((_, i) => [i, i + 1, 0]) },
			markers: { schema: { name: 0, startTime: 1, endTime: 2, phase: 3, category: 4, data: 5 }, data: [] },
			stackTable: { schema: { prefix: 0, frame: 1 }, data: addresses.map((_, i) => [null, i]) },
			frameTable: { schema: { location: 0, relevantForJS: 1, innerWindowID: 2, implementation: 3, line: 4, column: 5, category: 6, subcategory: 7 }, data: addresses.map((_, i) => row(i)) },
			stringTable: addresses.map((at) => `0x${hex(at)}`),
		}],
		pausedRanges: [],
		processes: [],
	};
}

const libOf = (n) => ({
	start: BASE + n * SPAN, end: BASE + (n + 1) * SPAN, offset: 0, arch: 'x86_64', name: nameOf(n), path: `/lib/${nameOf(n)}`,
	debugName: nameOf(n), debugPath: `/lib/${nameOf(n)}`, breakpadId: idOf(n), codeId: null,
});

// Resolves to { code, text, json }: it keeps a process of its own between commands, until "stop".
function cli(...args) {
	const env = { PATH: process.env.PATH, HOME: dir, PROFILER_CLI_SESSION_DIR: path.join(dir, 'sessions'), PROFILER_CLI_LOAD_TIMEOUT_MS: String(CLIENT_MS), NO_COLOR: '1' };
	return new Promise((resolve) => {
		execFile(process.execPath, [CLI, ...args], { cwd: dir, env, timeout: CLIENT_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
			let json;
			try {
				json = JSON.parse(stdout);
			} catch {
				// it is text
			}
			resolve({ code: error ? (error.code ?? error.signal) : 0, text: stdout + stderr, json });
		});
	});
}

before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-profiler-'));
	mkdirSync(path.join(dir, 'sessions'));
	server = await startPlimsoll();
});
after(async () => {
	await cli('stop', '--all');
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

test('a profile of addresses gets the names, files and inlined calls that are here', async () => {
	const texts = Array.from({ length: MODULES }, (_, n) => makeSym(n));
	const missing = MODULES - 1; // the last one is nowhere
	const answer = await uploadFiles(server, makeToken(server), Object.fromEntries(texts.slice(0, missing).map((text, n) => [`${nameOf(n)}/${idOf(n)}/${nameOf(n)}.sym`, text])));
	assert.equal(answer.status, 201, answer.text);
	const offsets = [3, 9, 0x19].flatMap((at) => Array.from({ length: FUNCTIONS }, (_, i) => 0x1000 + i * 0x40 + at));
	const addresses = texts.flatMap((_, n) => offsets.map((at) => BASE + n * SPAN + at));
	writeFileSync(path.join(dir, 'profile.json'), JSON.stringify(profileOf(addresses, texts.map((_, n) => libOf(n)))));
	// It gives its own process half a second to begin, which is short beside others.
	await until('the client has begun', async () => {
		const loaded = await cli('load', 'profile.json', '--symbol-server', server.symbolsUrl);
		assert.ok(loaded.code === 0 || /did not become ready/.test(loaded.text), loaded.text);
		return loaded.code === 0;
	}, 2 * CLIENT_MS / 1000);

	const { json } = await cli('thread', 'functions', '--json');
	const wanted = new Set();
	for (const [n, text] of texts.entries()) {
		const slow = new SlowSymbols(text);
		for (const at of offsets) {
			const frame = slow.find(at);
			if (n === missing) wanted.add(`${nameOf(n)}!0x${hex(BASE + n * SPAN + at)}`);
			else for (const { function: name } of [frame, ...(frame.inlines ?? [])]) wanted.add(`${nameOf(n)}!${name}`);
		}
	}
	assert.ok(wanted.size > missing * FUNCTIONS);
	// The profiler may keep a row for each address of a function.
	const got = new Set(json.functions.map((f) => f.nameWithLibrary));
	assert.deepEqual([...got].sort(), [...wanted].sort());
	assert.equal((await cli('stop')).code, 0);
});
