// A Plimsoll whose program can be replaced while it runs: a link in its own folder that points to
// one of the two versions of test/harness/trial_table.c. The programs themselves have a name in that
// folder, too, so that whoever runs from there is this server's and not another test's.
//   const server = await startUpgradable({ conf });
//   server.use('next'); await server.upgrade(); server.pidNow(); await server.stop()
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPlimsoll } from './plimsoll.mjs';
import { until } from './roles.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TRIAL = process.env.TRIAL_DIR ?? path.join(ROOT, 'build/test/test/harness');

export const trialBin = (version) => path.join(TRIAL, version, 'plimsoll');

// Gives the files of both versions a name in dir/now and dir/next.
function bringPrograms(dir) {
	for (const version of ['now', 'next']) {
		mkdirSync(path.join(dir, version));
		for (const name of ['plimsoll', 'plimsoll-courier']) {
			const [from, to] = [path.join(TRIAL, version, name), path.join(dir, version, name)];
			try {
				linkSync(from, to);
			} catch (error) {
				if (error.code !== 'EXDEV') throw error;
				copyFileSync(from, to);
			}
		}
	}
}

// Processes whose program is in the folder, whoever started them: supervisors, roles; zombies have none.
function processesFrom(dir) {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.filter((name) => {
			try {
				return readlinkSync(`/proc/${name}/exe`).startsWith(`${dir}/`);
			} catch {
				return false; // it ended meanwhile
			}
		})
		.map(Number);
}

// wrap(link): text of a script that starts the program instead.
export async function startUpgradable({ conf = {}, version = 'now', wrap, ...more } = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-upgrade-'));
	bringPrograms(dir);
	const program = (which) => path.join(dir, which, 'plimsoll');
	const link = path.join(dir, 'plimsoll');
	symlinkSync(program(version), link);
	const script = path.join(dir, 'start');
	if (wrap) writeFileSync(script, wrap(link), { mode: 0o755 });
	const server = await startPlimsoll({ dir, bin: wrap ? script : link, conf, ...more });
	const pidNow = () => Number(readFileSync(path.join(server.dataDir, 'lock'), 'utf8'));
	return Object.assign(server, {
		pidNow,
		program,
		processes: () => processesFrom(dir),
		// Puts another program where the server was started from; a path, or 'now' and 'next'.
		use(other) {
			symlinkSync(other.includes('/') ? other : program(other), `${link}.new`);
			renameSync(`${link}.new`, link);
		},
		removeProgram: () => rmSync(link),
		writeProgram(text) {
			rmSync(link);
			writeFileSync(link, text, { mode: 0o755 });
		},
		// `plimsoll upgrade`; throws with its words when it fails.
		upgrade: () => promisify(execFile)(program('now'), ['upgrade', '-c', server.confPath]),
		signal: (name) => process.kill(pidNow(), name),
		check: () => spawnSync(program(version), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' }),
		// Ends it in order, whoever serves now, and looks for what was left behind.
		async stop() {
			process.kill(pidNow(), 'SIGTERM');
			await until('the end of all processes', () => processesFrom(dir).length === 0, 30);
			const end = await server.ended;
			if (end.code !== 0 || /AddressSanitizer|LeakSanitizer|runtime error: /.test(server.stderr())) {
				throw new Error(`plimsoll ended with ${end.signal ?? end.code}\n${server.stderr()}`);
			}
		},
		// For the end of a test that has failed: nothing of it may stay.
		cleanUp() {
			for (const pid of processesFrom(dir)) {
				try {
					process.kill(pid, 'SIGKILL');
				} catch {
					// it ended meanwhile
				}
			}
			rmSync(dir, { recursive: true, force: true });
		},
	});
}
