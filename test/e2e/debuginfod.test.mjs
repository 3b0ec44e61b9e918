// Debian's own debuggers on this server alone: a program is built, stripped, and uploaded with its debug
// file and its sources, which then are nowhere else. And elfutils' server beside ours, on the same build.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';
import { makeToken, upload, uploadFiles } from '../harness/symbols_client.mjs';

const SOURCE = `#include "depth.h"

static int innermost(int n)
{
	return n * 7; /* the line to stop at */
}

int main(void)
{
	return deeper(6) == 42 ? 0 : 1;
}
`;
const HEADER = `static int innermost(int n);

static inline int deeper(int n)
{
	return innermost(n);
}
`;
const STOP_LINE = 5;
const CLIENT_MS = 60_000;

let server;
let dir; // holds what a user has: the stripped program
let id;
let debug;
let stripped;
let address; // of the function, in the file

const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: CLIENT_MS, ...options });
const file = (name) => path.join(dir, name);

// Each client with a cache of its own.
let caches = 0;
function client(command, args, { url = `${server.symbolsUrl}/`, ok = true } = {}) {
	const home = file(`home${(caches += 1)}`);
	mkdirSync(home);
	const env = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: home, DEBUGINFOD_CACHE_PATH: home, DEBUGINFOD_URLS: url, LC_ALL: 'C.UTF-8' };
	const result = spawnSync(command, args, { cwd: dir, env, encoding: 'utf8', timeout: CLIENT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
	if (ok) assert.equal(result.status, 0, `${command} ${args.join(' ')}: ${result.error ?? ''} ${result.stdout} ${result.stderr}`);
	return result;
}
const find = (...args) => readFileSync(client('debuginfod-find', args).stdout.trim());

before(async () => {
	dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'plimsoll-debug-')));
	mkdirSync(file('src'));
	writeFileSync(file('src/program.c'), SOURCE);
	writeFileSync(file('src/depth.h'), HEADER);
	run('gcc', ['-g', '-O0', '-gdwarf-4', '-Wl,--build-id=sha1', '-o', file('whole'), file('src/program.c')]);
	run('objcopy', ['--only-keep-debug', '--compress-debug-sections', file('whole'), file('program.debug')]);
	run('strip', ['-o', file('program'), file('whole')]);
	[, id] = /Build ID: ([0-9a-f]{40})/.exec(run('readelf', ['-n', file('program')]));
	[, address] = /^([0-9a-f]+) t innermost$/m.exec(run('nm', [file('whole')]));
	debug = readFileSync(file('program.debug'));
	stripped = readFileSync(file('program'));
	server = await startPlimsoll();
	const key = id.match(/../g);
	const debugId = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((i) => key[i]).join('').toUpperCase();
	const answer = await uploadFiles(server, makeToken(server), {
		[`program/${debugId}0/program`]: stripped,
		[`program/${debugId}0/program.dbg.gz`]: zlib.gzipSync(debug),
		[`buildid/${id}/source${file('src/program.c')}`]: SOURCE,
		[`buildid/${id}/source${file('src/depth.h')}`]: HEADER,
	});
	assert.equal(answer.status, 201, answer.text);
	mkdirSync(file('peer'));
	copyFileSync(file('program'), file('peer/program'));
	// That server gives compressed sections as they are; ours unpacks them.
	run('objcopy', ['--decompress-debug-sections', file('program.debug'), file('peer/program.debug')]);
	for (const name of ['src', 'whole', 'program.debug']) rmSync(file(name), { recursive: true });
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

test('debuginfod-find: debug file, program, source and sections', async () => {
	assert.ok(find('debuginfo', id).equals(debug));
	assert.ok(find('executable', id).equals(stripped));
	assert.ok(find('debuginfo', file('program')).equals(debug), 'by the build id of a file');
	assert.equal(find('source', id, file('src/program.c')).toString(), SOURCE);
	assert.equal(find('source', id, file('src/../src/./depth.h')).toString(), HEADER);
	assert.match(find('section', id, '.debug_str').toString('latin1'), /innermost/);
	assert.match(find('section', id, '.comment').toString('latin1'), /GCC/);
	const miss = client('debuginfod-find', ['debuginfo', id.replace(/./g, '7')], { ok: false });
	assert.notEqual(miss.status, 0);
	assert.match(miss.stderr, /No such file/);
});

test('gdb stops at a line, and shows it from a source that is only here', async () => {
	const { stdout } = client('gdb', [
		'-batch', '-nx', '-iex', 'set debuginfod enabled on', '-ex', `break program.c:${STOP_LINE}`, '-ex', 'run', '-ex', 'backtrace', '-ex', 'list', '-ex', 'print n',
		'-ex', `generate-core-file ${file('core')}`, './program',
	]);
	assert.match(stdout, /Breakpoint 1, innermost \(n=6\)/);
	assert.match(stdout, /5\s+return n \* 7; \/\* the line to stop at \*\//);
	assert.match(stdout, /#1 .* deeper \(n=6\) at .*src\/depth\.h:5/);
	assert.match(stdout, /#2 .* main \(\) at .*src\/program\.c:10/);
	assert.match(stdout, /= 6/);
	assert.ok(readdirSync(dir).includes('core'), stdout);
});

test('eu-stack names the frames of a core, with files and lines', async () => {
	const { stdout } = client('eu-stack', ['--core', file('core'), '--executable', file('program'), '--source', '--debugname']);
	assert.match(stdout, /innermost\n\s+.*src\/program\.c:5/);
	assert.match(stdout, /main\n\s+.*src\/program\.c:10/);
});

test('llvm-symbolizer, which asks without Accept-Encoding, has names and lines', async () => {
	const { stdout } = client('llvm-symbolizer', ['--obj', file('program'), `0x${address}`], { url: server.symbolsUrl });
	assert.match(stdout, /^innermost\n.*src\/program\.c:4:/m);
});

test('the archive of the manual is made and serves', async () => {
	const page = readFileSync(new URL('../../doc/SYMBOLS.md', import.meta.url), 'utf8');
	const [, script] = /An archive of a build:\n\n```\n(.*?)```/s.exec(page);
	const here = file('recipe');
	const source = path.join(here, 'usr/src/prog');
	mkdirSync(source, { recursive: true });
	writeFileSync(path.join(source, 'main.c'), SOURCE.replace('#include "depth.h"', HEADER));
	run('gcc', ['-g', '-Wl,--build-id', '-o', path.join(here, 'prog'), path.join(source, 'main.c')]);
	const [, recipeId] = /Build ID: ([0-9a-f]{40})/.exec(run('readelf', ['-n', path.join(here, 'prog')]));
	run('sh', ['-euc', script.replaceAll('BUILD_ID', recipeId).replaceAll(' /usr', ` ${here}/usr`)], { cwd: here });
	const form = readFileSync(path.join(here, 'symbols.zip'));
	assert.equal((await upload(server, makeToken(server), form)).status, 201);
	assert.match(find('source', recipeId, '/usr/src/prog/main.c').toString(), /the line to stop at/);
	assert.match(find('section', recipeId, '.debug_str').toString('latin1'), /innermost/);
});

test("the same bytes as elfutils' own server, for every section; and where that says 503, 404", async () => {
	const port = await freePort();
	const peer = spawn('debuginfod', ['-F', '-t', '0', '-c', '1', '--connection-pool=2', '-d', file('peer.sqlite'), '-p', String(port), file('peer')], { stdio: 'ignore' });
	const ended = new Promise((resolve) => peer.once('exit', resolve));
	try {
		const of = async (base, what) => {
			const answer = await fetch(`${base}/buildid/${id}/${what}`);
			return { status: answer.status, size: answer.headers.get('x-debuginfod-size'), body: Buffer.from(await answer.arrayBuffer()) };
		};
		const url = `http://127.0.0.1:${port}`;
		await until("elfutils' server has read its folder", async () => {
			try {
				return (await of(url, 'debuginfo')).status === 200 && (await of(url, 'executable')).status === 200;
			} catch {
				return false;
			}
		});
		const names = [...run('readelf', ['-SW', file('program')]).matchAll(/^ +\[ *\d+\] (\.\S+)/gm)].map((m) => m[1]);
		const debugNames = ['.debug_info', '.debug_abbrev', '.debug_line', '.debug_str', '.debug_aranges', '.symtab', '.strtab'];
		assert.ok(names.length > 20, names.join(' '));
		for (const name of [...names, ...debugNames].filter((n) => n !== '.shstrtab')) {
			const [theirs, ours] = [await of(url, `section/${name}`), await of(server.symbolsUrl, `section/${name}`)];
			assert.equal(ours.status, theirs.status, name);
			assert.ok(theirs.status !== 200 || ours.body.equals(theirs.body), name);
		}
		for (const what of ['section/.no', 'nothing']) {
			assert.ok([404, 503].includes((await of(url, what)).status), what);
			assert.equal((await of(server.symbolsUrl, what)).status, 404, what);
		}
	} finally {
		peer.kill();
		await ended;
	}
});
