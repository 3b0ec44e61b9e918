// Programs and PDBs of Windows as a linker leaves them: their ids come from their bytes, as LLVM's readers have
// them, whatever path they were uploaded to. Debuggers on Windows find them by both.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '../harness/command.mjs';
import { until } from '../harness/roles.mjs';
import { get, makeToken, uploadFiles } from '../harness/symbols_client.mjs';
import { startWithPages } from '../harness/symbols_people.mjs';
import { startUpstream } from '../harness/upstream.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';

let server;
let token;
let dir;
let exe; // { bytes, id }: as debuggers ask for it
let pdb;
const file = (name) => path.join(dir, name);
const run = (command, ...args) => execFileSync(command, args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const field = (text, pattern) => pattern.exec(text)[1];

before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-windows-'));
	writeFileSync(file('prog.c'), 'int g;\nint main(void)\n{\n\tg = 3;\n\treturn g;\n}\n');
	run('clang', '--target=x86_64-pc-windows-msvc', '-g', '-gcodeview', '-c', 'prog.c', '-o', 'prog.obj');
	run('lld-link', '/debug', '/entry:main', '/subsystem:console', '/nodefaultlib', 'prog.obj', '/out:prog.exe', '/pdb:prog.pdb');
	const head = run('llvm-readobj', '--file-headers', '--coff-debug-directory', 'prog.exe');
	const stamp = field(head, /TimeDateStamp: .*\(0x([0-9A-F]+)\)/).padStart(8, '0');
	exe = { bytes: readFileSync(file('prog.exe')), id: `${stamp}${Number(field(head, /SizeOfImage: (\d+)/)).toString(16)}` };
	const guid = field(run('llvm-pdbutil', 'dump', '--summary', 'prog.pdb'), /GUID: \{([^}]+)\}/).replaceAll('-', '');
	// The age is that which the program names.
	pdb = { bytes: readFileSync(file('prog.pdb')), id: `${guid}${Number(field(head, /PDBAge: (\d+)/)).toString(16).toUpperCase()}` };
	server = await startWithPages();
	token = makeToken(server);
});
after(async () => {
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
});

const served = async (url, bytes, what = url) => {
	const answer = await get(server, url);
	assert.equal(answer.status, 200, what);
	assert.ok(answer.body.equals(bytes), what);
};
const stored = async (name) => (await get(server, `/api/stored/?name=${name}`, { 'auth-token': token })).json.files;

test('plimsoll symbols upload takes their ids from their bytes', async () => {
	mkdirSync(file('build'));
	writeFileSync(file('build/prog.exe'), exe.bytes);
	writeFileSync(file('build/prog.pdb'), pdb.bytes);
	writeFileSync(file('token'), token);
	const sent = await runCommand(['symbols', 'upload', file('build'), '--token-file', file('token'), '-c', server.confPath]);
	assert.equal(sent.code, 0, sent.stderr);
	assert.match(sent.stdout, /^2 files: 2 sent/);
	await served(`/prog.exe/${exe.id}/prog.exe`, exe.bytes);
	await served(`/prog.pdb/${pdb.id}/prog.pdb`, pdb.bytes);
	assert.deepEqual((await stored('prog')).map((f) => [f.debug_id, f.build_id]), [[exe.id.toUpperCase(), exe.id.toLowerCase()], [pdb.id, pdb.id.toLowerCase()]]);
	assert.doesNotMatch(server.stderr(), /other_build_id/);
});

test('uploaded to the path of another id: found by both, with a warning', async () => {
	const other = 'A'.repeat(33);
	const answer = await uploadFiles(server, token, {
		[`Moved.pdb/${other}/Moved.pdb`]: pdb.bytes,
		'Moved.exe/1234567890/Moved.exe': exe.bytes,
		[`cut.pdb/${other}/cut.pdb`]: pdb.bytes.subarray(0, 600),
	});
	assert.equal(answer.status, 201, answer.text);
	for (const [url, bytes] of [
		[`/Moved.pdb/${other}/Moved.pdb`, pdb.bytes], [`/Moved.pdb/${pdb.id}/Moved.pdb`, pdb.bytes], [`/moved.PDB/${pdb.id.toLowerCase()}/moved.PDB`, pdb.bytes],
		['/Moved.exe/1234567890/Moved.exe', exe.bytes], [`/Moved.exe/${exe.id}/Moved.exe`, exe.bytes], [`/cut.pdb/${other}/cut.pdb`, pdb.bytes.subarray(0, 600)],
	]) await served(url, bytes);
	for (const url of [`/Gone.pdb/${pdb.id}/Gone.pdb`, `/cut.pdb/${pdb.id}/cut.pdb`, `/Moved.pdb/${pdb.id}/Moved.exe`, `/Moved.pdb/${exe.id}/Moved.pdb`]) {
		assert.equal((await get(server, url)).status, 404, url);
	}
	// They are no ELF files: debuggers of those do not find them.
	assert.notEqual((await get(server, `/buildid/${pdb.id.slice(0, 32).toLowerCase()}/debuginfo`)).status, 200);
	await until('warnings', () => (server.stderr().match(/other_build_id/g) ?? []).length === 2);
	assert.match(server.stderr(), new RegExp(`other_build_id.*debug_file=Moved\\.pdb.*build_id=${pdb.id.toLowerCase()}`));
});

test('of an upstream: another file than was asked for is not kept', async () => {
	const peer = await startUpstream();
	const asking = await startPlimsoll({ conf: { web: { instances: 1 }, symbols: { upstream: `symsrv ${peer.url}`, upstream_private: 'yes', upstream_wait: '60s' } } });
	try {
		const other = 'B'.repeat(33);
		peer.give(`/prog.pdb/${pdb.id}/prog.pdb`, { body: pdb.bytes });
		peer.give(`/prog.pdb/${other}/prog.pdb`, { body: pdb.bytes });
		peer.give('/prog.exe/123456789000/prog.exe', { body: exe.bytes });
		const good = await get(asking, `/prog.pdb/${pdb.id}/prog.pdb`);
		assert.ok(good.status === 200 && good.body.equals(pdb.bytes));
		for (const url of [`/prog.pdb/${other}/prog.pdb`, '/prog.exe/123456789000/prog.exe']) {
			const bad = await get(asking, url);
			assert.deepEqual([bad.status, bad.headers['cache-control']], [404, 'no-store'], url);
		}
		await until('the log', () => /upstream_failed.*it is the file of/.test(asking.stderr()));
	} finally {
		await Promise.all([asking.stop(), peer.stop()]);
	}
});
