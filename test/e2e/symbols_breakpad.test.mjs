// A crash from its beginning to its end with Google's own tools: a program with Breakpad's client in it
// crashes and leaves a minidump, its symbols were dumped by dump_syms and sent by sym_upload, and
// minidump_stackwalk names its frames with symbols that came from this server and from nowhere else.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ask, get, makeToken } from '../harness/symbols_client.mjs';
import { startWithPages } from '../harness/symbols_people.mjs';
import { buildLibrary, buildSymUpload, buildWithClient, dumpSyms, hasBreakpad, stackwalk } from './lib/breakpad.mjs';

const LIBRARY = `#include <cstddef>
namespace deep {
static inline __attribute__((always_inline)) int inner(int *where, int value)
{
	*where = value; // it dies here
	return value * 3;
}
static inline __attribute__((always_inline)) int middle(int *where, int value)
{
	return inner(where, value + 1) + 1;
}
__attribute__((noinline)) int outer(int *where, int value)
{
	int sum = middle(where, value);
	return sum + *where;
}
}
`;
const DIES_AT = 5;
const PROGRAM = `#include <string.h>
#include <unistd.h>
#include "client/linux/handler/exception_handler.h"
namespace deep { int outer(int *where, int value); }
namespace app {
__attribute__((noinline)) int second(int *where, int n)
{
	int v = deep::outer(where, n); // line 8
	asm volatile("" : "+r"(v));
	return v + 2;
}
__attribute__((noinline)) int first(int *where, int n)
{
	int v = second(where, n * 2); // line 14
	asm volatile("" : "+r"(v));
	return v + 1;
}
}
static bool written(const google_breakpad::MinidumpDescriptor &where, void *, bool good)
{
	(void)!write(1, where.path(), strlen(where.path()));
	return good;
}
int main(int argc, char **argv)
{
	google_breakpad::MinidumpDescriptor where(argv[1]);
	google_breakpad::ExceptionHandler handler(where, NULL, written, NULL, true, -1);
	int *volatile nowhere = NULL;
	int v = app::first(nowhere, argc); // line 29
	asm volatile("" : "+r"(v));
	return v;
}
`;
const CLIENT_MS = 120_000;

let server;
let token;
let dir;
let dump;
const file = (name) => path.join(dir, name);
const run = (command, args) => execFileSync(command, args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: CLIENT_MS, maxBuffer: 1 << 26 });

// Of "MODULE os cpu id name": where the file belongs.
function keyOf(sym) {
	const [, , , id, name] = readFileSync(sym, 'utf8').split('\n', 1)[0].split(' ');
	return { id, name, url: `/${name}/${id}/${name}.sym` };
}

before(async () => {
	if (!hasBreakpad) return;
	dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'plimsoll-crash-')));
	writeFileSync(file('deep.cc'), LIBRARY);
	writeFileSync(file('program.cc'), PROGRAM);
	buildLibrary(file('libdeep.so'), file('deep.cc'));
	buildWithClient(file('program'), file('program.cc'), file('libdeep.so'), `-Wl,-rpath,${dir}`);
	buildSymUpload(file('sym_upload'));
	for (const name of ['program', 'libdeep.so']) writeFileSync(file(`${name}.sym`), run(dumpSyms, ['-d', file(name)]));
	server = await startWithPages(); // at its public address, where the tool is sent to
	token = makeToken(server);
});
after(async () => {
	await server?.stop();
	if (dir) rmSync(dir, { recursive: true, force: true });
});

const only = { skip: !hasBreakpad && 'the tools are there for Linux on x86-64 alone' };

test("sym_upload sends what dump_syms wrote, by either of its protocols; what is there is there", only, async () => {
	const [program, library] = ['program.sym', 'libdeep.so.sym'].map(file);
	assert.match(run(file('sym_upload'), [program, `${server.symbolsUrl}/sym_upload?key=${token}`]), /Successfully sent the symbol file/);
	const v2 = ['-p', 'sym-upload-v2', '-k', token, library, server.symbolsUrl];
	const first = run(file('sym_upload'), v2);
	for (const sym of [program, library]) assert.equal((await get(server, keyOf(sym).url)).text, readFileSync(sym, 'utf8'), first);
	assert.match(run(file('sym_upload'), v2), /Symbol file already exists/);
	const forced = spawnSync(file('sym_upload'), ['-f', ...v2], { encoding: 'utf8', timeout: CLIENT_MS });
	assert.equal(forced.status, 0, forced.stdout + forced.stderr);
	const refused = spawnSync(file('sym_upload'), [program, `${server.symbolsUrl}/sym_upload?key=0`], { encoding: 'utf8', timeout: CLIENT_MS });
	assert.notEqual(refused.status, 0);
	assert.match(refused.stdout + refused.stderr, /403/);
});

test('the program crashes, and its minidump is walked with names from here', only, async () => {
	const crashed = spawnSync(file('program'), [dir], { encoding: 'utf8', timeout: CLIENT_MS });
	assert.equal(crashed.signal, 'SIGSEGV', crashed.stderr);
	dump = crashed.stdout;
	assert.ok(readdirSync(dir).includes(path.basename(dump)), dump);
	// As those do who have nothing but the minidump: the modules that it names, by curl.
	const bare = run(stackwalk, ['-m', dump, file('nothing')]);
	assert.doesNotMatch(bare, /deep::|app::/, 'without what will be downloaded there are no names');
	const modules = bare.split('\n').filter((r) => r.startsWith('Module|')).map((r) => r.split('|')).map((r) => ({ name: r[3], id: r[4] }));
	let found = 0;
	for (const { name, id } of modules) {
		const tried = spawnSync('curl', ['-sSfL', '--compressed', '--create-dirs', '-o', file(`got/${name}/${id}/${name}.sym`), `${server.symbolsUrl}/${encodeURIComponent(name)}/${id}/${encodeURIComponent(name)}.sym`], { encoding: 'utf8', timeout: CLIENT_MS });
		if (tried.status === 0) found += 1;
		else assert.match(tried.stderr, /404/);
	}
	assert.equal(found, 2, `of ${modules.map((m) => m.name).join(' ')}`);
	for (const name of ['program', 'libdeep.so']) {
		const key = keyOf(file(`${name}.sym`));
		assert.ok(readFileSync(file(`got${key.url}`)).equals(readFileSync(file(`${name}.sym`))), name);
	}
	const rows = run(stackwalk, ['-m', dump, file('got')]).split('\n');
	assert.ok(rows.some((r) => /^Crash\|SIGSEGV/.test(r)), rows.join('\n'));
	const frames = rows.filter((r) => /^0\|\d+\|/.test(r)).map((r) => r.split('|').slice(2, 6));
	const [deep, app] = [file('deep.cc'), file('program.cc')];
	assert.deepEqual(frames.slice(0, 6), [
		['libdeep.so', 'deep::inner', deep, String(DIES_AT)],
		['libdeep.so', 'deep::middle', deep, '10'],
		['libdeep.so', 'deep::outer(int*, int)', deep, '14'],
		['program', 'app::second(int*, int)', app, '8'],
		['program', 'app::first(int*, int)', app, '14'],
		['program', 'main', app, '29'],
	]);
});

test('symbolication of the same addresses says what the stack walker says', only, async () => {
	const text = run(stackwalk, [dump, file('got')]);
	const bases = new Map([...text.matchAll(/^0x([0-9a-f]+) - 0x[0-9a-f]+ +(\S+)/gm)].map(([, at, name]) => [name, BigInt(`0x${at}`)]));
	const thread = text.slice(text.indexOf('Thread 0'), text.indexOf('\n\n', text.indexOf('Thread 0')));
	// Frames that were inlined have no registers of their own; the one that they are in has.
	const frames = thread.split(/\n(?= *\d+ {2})/).slice(1).map((frame) => ({
		module: /^ *\d+ {2}(\S+?)!/.exec(frame)?.[1],
		name: /^ *\d+ {2}\S+?!(.*?) \[/.exec(frame)?.[1],
		line: Number(/ : (\d+) \+ /.exec(frame)?.[1]),
		at: /rip = 0x([0-9a-f]+)/.exec(frame)?.[1],
	}));
	let asked = 0;
	for (let i = 0, inner = []; i < frames.length && frames[i].name; i++) {
		inner.push({ function: frames[i].name, line: frames[i].line });
		if (!frames[i].at) continue;
		const { module, at } = frames[i];
		const offset = BigInt(`0x${at}`) - bases.get(module) - (asked === 0 ? 0n : 1n);
		const body = JSON.stringify({ memoryMap: [[module, keyOf(file(`${module}.sym`)).id]], stacks: [[[0, Number(offset)]]] });
		const [frame] = (await ask(server, 'POST', '/symbolicate/v5', { body: Buffer.from(body) })).json.results[0].stacks[0];
		const ours = [...(frame.inlines ?? []), frame].map((f) => ({ function: f.function, line: f.line }));
		assert.deepEqual(ours, inner);
		asked += 1;
		inner = [];
	}
	assert.equal(asked, 4, thread);
});
