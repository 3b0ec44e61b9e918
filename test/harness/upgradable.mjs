// A Plimsoll whose program can be replaced while it runs: a link in its own folder that points to
// one of the two versions of test/harness/trial_table.c.
//   const server = await startUpgradable({ conf });
//   server.use('next'); await server.upgrade(); server.pidNow(); await server.stop()
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPlimsoll } from './plimsoll.mjs';
import { until } from './roles.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TRIAL = process.env.TRIAL_DIR ?? path.join(ROOT, 'build/test/test/harness');

export const trialBin = (version) => path.join(TRIAL, version, 'plimsoll');

// Processes of either version, whoever started them: supervisors, roles, zombies not counted.
export function trialProcesses() {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.filter((name) => {
			try {
				return readlinkSync(`/proc/${name}/exe`).startsWith(TRIAL);
			} catch {
				return false; // it ended meanwhile
			}
		})
		.map(Number);
}

// wrap(link): text of a script that starts the program instead.
export async function startUpgradable({ conf = {}, version = 'now', wrap, ...more } = {}) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-upgrade-'));
	const link = path.join(dir, 'plimsoll');
	symlinkSync(trialBin(version), link);
	const script = path.join(dir, 'start');
	if (wrap) writeFileSync(script, wrap(link), { mode: 0o755 });
	const server = await startPlimsoll({ dir, bin: wrap ? script : link, conf, ...more });
	const pidNow = () => Number(readFileSync(path.join(server.dataDir, 'lock'), 'utf8'));
	return Object.assign(server, {
		pidNow,
		// Puts another program where the server was started from; a path, or 'now' and 'next'.
		use(program) {
			symlinkSync(program.includes('/') ? program : trialBin(program), `${link}.new`);
			renameSync(`${link}.new`, link);
		},
		removeProgram: () => rmSync(link),
		writeProgram(text) {
			rmSync(link);
			writeFileSync(link, text, { mode: 0o755 });
		},
		// `plimsoll upgrade`; throws with its words when it fails.
		upgrade: () => promisify(execFile)(trialBin('now'), ['upgrade', '-c', server.confPath]),
		signal: (name) => process.kill(pidNow(), name),
		check: () => spawnSync(trialBin(version), ['check', '--data', '-c', server.confPath], { encoding: 'utf8' }),
		// Ends it in order, whoever serves now, and looks for what was left behind.
		async stop() {
			process.kill(pidNow(), 'SIGTERM');
			await until('the end of all processes', () => trialProcesses().length === 0, 30);
			const end = await server.ended;
			if (end.code !== 0 || /AddressSanitizer|LeakSanitizer|runtime error: /.test(server.stderr())) {
				throw new Error(`plimsoll ended with ${end.signal ?? end.code}\n${server.stderr()}`);
			}
		},
		// For the end of a test that has failed: nothing of it may stay.
		cleanUp() {
			for (const pid of trialProcesses()) {
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
