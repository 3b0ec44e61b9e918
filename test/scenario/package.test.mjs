// What the package carries beside the programs: units, manual pages, completion, the configuration it
// installs, and the container's recipe. test/package/install_test is the package itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { signUp } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = process.env.PLIMSOLL_RELEASE_BIN ?? path.join(ROOT, 'build/release/cmd/plimsoll');
const LIKE_UNIT = path.join(ROOT, 'build/test/test/harness/like_unit');
const WORST_EXPOSURE = 2.0; // of 10, as systemd-analyze counts

const read = (name) => readFileSync(path.join(ROOT, name), 'utf8');
const run = (program, args, options) => spawnSync(program, args, { encoding: 'utf8', ...options });

function withFolder(fn) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-package-'));
	return Promise.resolve(fn(dir)).finally(() => rmSync(dir, { recursive: true, force: true }));
}

// The units with the program of this build in the place of the installed one; resolves to their paths.
function unitsIn(dir) {
	return ['plimsoll.service', 'plimsoll-web.socket', 'plimsoll-tls.socket', 'plimsoll-admin.socket'].map((name) => {
		const file = path.join(dir, name);
		writeFileSync(file, read(`debian/${name}`).replaceAll('/usr/bin/plimsoll', RELEASE).replace(/^Documentation=.*\n/m, ''));
		return file;
	});
}

test('systemd finds nothing wrong with the units, and little that they leave open', (t) =>
	withFolder((dir) => {
		const files = unitsIn(dir);
		const verified = run('systemd-analyze', ['verify', '--man=no', ...files]);
		assert.deepEqual([verified.status, verified.stdout + verified.stderr], [0, '']);
		const security = run('systemd-analyze', ['security', '--offline=yes', '--no-pager', files[0]]);
		const [, exposure] = /Overall exposure level for plimsoll\.service: ([\d.]+)/.exec(security.stdout);
		t.diagnostic(`exposure of plimsoll.service: ${exposure}`);
		assert.ok(Number(exposure) <= WORST_EXPOSURE, security.stdout);
	}));

// The names of system calls behind a SystemCallFilter= word.
function callsOf(word) {
	if (!word.startsWith('@')) return [word];
	return execFileSync('systemd-analyze', ['syscall-filter', word], { encoding: 'utf8' })
		.split('\n')
		.slice(1)
		.map((line) => line.trim())
		.filter((line) => line && !line.startsWith('#'))
		.flatMap(callsOf);
}

function allowedCalls() {
	const allowed = new Set();
	for (const [, value] of read('debian/plimsoll.service').matchAll(/^SystemCallFilter=(.*)$/gm)) {
		const drop = value.startsWith('~');
		for (const call of value.replace('~', '').split(/\s+/).flatMap(callsOf)) drop ? allowed.delete(call) : allowed.add(call);
	}
	return [...allowed];
}

test('the server works under the filters of its unit, its own sandbox included', () =>
	withFolder(async (dir) => {
		assert.match(read('debian/plimsoll.service'), /^RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6$/m);
		assert.match(read('debian/plimsoll.service'), /^MemoryDenyWriteExecute=yes$/m);
		const bin = path.join(dir, 'plimsoll');
		writeFileSync(bin, `#!/bin/sh\nexec ${LIKE_UNIT} ${allowedCalls().join(' ')} -- ${RELEASE} "$@"\n`, { mode: 0o755 });
		const server = await startPlimsoll({ bin });
		try {
			await signUp(server, 'unit@example.org', 'correct horse');
			const { processes } = await (await fetch(`${server.adminUrl}/status`)).json();
			for (const p of processes) assert.equal(p.sandbox, 7, `${p.role} is closed in`);
			process.kill(server.pid, 'SIGHUP');
		} finally {
			await server.stop();
		}
		// Where the filter is known to bite, so that the above means something.
		const denied = run(LIKE_UNIT, [...allowedCalls(), '--', '/bin/mount', '-t', 'tmpfs', 'none', dir]);
		assert.notEqual(denied.status, 0);
		assert.match(denied.stderr, /not permitted|must be superuser|denied/);
	}));

const COMMANDS = () => [...run(plimsollBin(), ['help']).stdout.matchAll(/^ {2}([a-z]+) /gm)].map((m) => m[1]);

test('manual pages are well-formed and have every command and key', () => {
	for (const name of readdirSync(path.join(ROOT, 'doc/man'))) {
		const lint = run('mandoc', ['-Tlint', path.join(ROOT, 'doc/man', name)]);
		const problems = lint.stdout.split('\n').filter((line) => line && !/referenced manual not found: Xr plimsoll/.test(line));
		assert.deepEqual(problems, []);
	}
	const page = read('doc/man/plimsoll.1');
	assert.ok(COMMANDS().length >= 7);
	for (const command of COMMANDS()) assert.match(page, new RegExp(`^\\.It Cm ${command}\\b`, 'm'), `plimsoll.1 lacks ${command}`);
	assert.equal(run(plimsollBin(), ['config', '--man']).stdout, read('doc/man/plimsoll.ini.5'));
});

// What bash offers for the words; the last one is being typed.
function completions(words) {
	const script = `source completion/plimsoll.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_plimsoll "$1" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
	const env = { ...process.env, PATH: `${path.dirname(plimsollBin())}:${process.env.PATH}` };
	const r = run('bash', ['-c', script, 'bash', ...words], { cwd: ROOT, env });
	assert.equal(r.stderr, '');
	return r.stdout.split('\n').filter(Boolean);
}

test('bash completes commands, their options, keys and files', () => {
	assert.deepEqual(completions(['plimsoll', '']).sort(), COMMANDS().sort());
	assert.deepEqual(completions(['plimsoll', 'mig']), ['migrate']);
	assert.deepEqual(completions(['plimsoll', '-c', 'some.ini', 'mig']), ['migrate']);
	assert.deepEqual(completions(['plimsoll', 'check', '--d']), ['--data']);
	assert.deepEqual(completions(['plimsoll', 'config', '--']).sort(), ['--help', '--man', '--reference', '--set']);
	assert.deepEqual(completions(['plimsoll', 'serve', '--no']), ['--no-sandbox']);
	assert.deepEqual(completions(['plimsoll', 'load', '--war']).sort(), ['--warm', '--warm-up']);
	assert.deepEqual(completions(['plimsoll', 'line', '--wa']).sort(), ['--warm', '--watch']);
	assert.deepEqual(completions(['plimsoll', 'status', '--no']), []);
	assert.deepEqual(completions(['plimsoll', 'restore', '--']).sort(), ['--anonymise', '--force', '--help', '--password', '--set']);
	assert.deepEqual(completions(['plimsoll', 'serve', '--set', 'http.proxy_p']), ['http.proxy_protocol=']);
	assert.deepEqual(completions(['plimsoll', 'serve', '-c', 'meson.b']), ['meson.build']);
});

test('the configuration that the package installs is good', () => {
	const r = run(plimsollBin(), ['check', '-c', path.join(ROOT, 'debian/plimsoll.ini')]);
	assert.equal(r.status, 0, r.stderr);
	// With every key that is only shown switched on it is good too.
	return withFolder((dir) => {
		const file = path.join(dir, 'plimsoll.ini');
		writeFileSync(file, read('debian/plimsoll.ini').replace(/^;([a-z_]+ = )/gm, '$1'));
		const all = run(plimsollBin(), ['check', '-c', file]);
		assert.equal(all.status, 0, all.stderr);
	});
});

// What apt would be asked to install in a stage of the container.
const aptPackages = (text) => text.replace(/\\\n/g, ' ').match(/--no-install-recommends ([^&]*?)(?:&&|\n|$)/)[1].trim().split(/\s+/);

test('the container is built from what the tree says it needs, and runs what it links', () => {
	const [, build, last] = read('Containerfile').split(/^FROM .*$/m);
	const [, needed] = /build_packages="([^"]*)"/.exec(read('tools/deps'));
	assert.deepEqual(aptPackages(build).sort(), ['make', ...needed.split(/\s+/)].sort());
	const folder = `lib/${run('gcc', ['-print-multiarch']).stdout.trim()}`;
	const libraries = new Set();
	for (const name of ['plimsoll', 'plimsoll-courier', 'plimsoll-lab', 'plimsoll-media', 'plimsoll-nats']) {
		const dynamic = run('objdump', ['-p', path.join(path.dirname(RELEASE), name)]).stdout;
		for (const [, library] of dynamic.matchAll(/NEEDED +(\S+)/g)) libraries.add(`/${folder}/${library}`).add(`/usr/${folder}/${library}`);
	}
	const owners = run('dpkg', ['-S', ...libraries]).stdout.trim().split('\n');
	const linked = new Set(owners.map((line) => line.split(':')[0]).filter((name) => name !== 'libc6'));
	assert.deepEqual(aptPackages(last).filter((name) => name !== 'ca-certificates').sort(), [...linked].sort());
	const debian = read('debian/control').replace(/\n /g, ' ');
	const [, depends] = /^Build-Depends: (.*)$/m.exec(debian);
	for (const name of needed.split(/\s+/)) {
		if (['gcc', 'libc6-dev'].includes(name)) continue; // essential to building packages
		assert.ok(depends.split(/,\s*/).includes(name), `debian/control lacks ${name}`);
	}
});
