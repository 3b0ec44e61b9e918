// The role processes behind a running server, for tests that stop and kill them, and what their sandboxes
// are tried on.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './patience.mjs';

export async function status(server) {
	return (await fetch(`${server.adminUrl}/status`)).json();
}

// Rows of /status of the processes of one role that run.
export async function processes(server, role) {
	return (await status(server)).processes.filter((p) => p.role === role && p.state !== 'empty');
}

// The row of one process, or undefined while it does not run.
export async function processOf(server, role, instance = 0) {
	return (await processes(server, role)).find((p) => p.instance === instance);
}

export async function pidOf(server, role, instance = 0) {
	const row = await processOf(server, role, instance);
	if (!row) throw new Error(`${role}/${instance} does not run`);
	return row.pid;
}

// Waits until check() gives something true, and resolves to it. Errors of check count as "not yet". The seconds are
// those of a quiet machine.
export async function until(what, check, seconds = 15) {
	let last;
	for (const end = Date.now() + seconds * PATIENCE * 1000; Date.now() < end; await sleep(30)) {
		try {
			const value = await check();
			if (value) return value;
			last = undefined;
		} catch (error) {
			last = error;
		}
	}
	throw new Error(`${what}: not within ${seconds * PATIENCE} s${last ? `: ${last.message}` : ''}`);
}

// Waits until another process has taken the place of one and serves.
export function restarted(server, role, oldPid, instance = 0) {
	return until(`a new ${role}`, async () => {
		const row = await processOf(server, role, instance);
		return row && row.pid !== oldPid && row.state === 'serving' && row;
	});
}

// Children of a process, from /proc/PID/stat: "pid (name) state ppid ...".
export function childrenOf(parent) {
	const found = [];
	for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
		try {
			const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
			const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
			if (Number(ppid) === parent) found.push(Number(name));
		} catch {
			// it ended meanwhile
		}
	}
	return found;
}

// Ends supervisor and roles all at once, as a power cut would, and waits for the end of them.
export async function killEverything(server) {
	process.kill(server.pid, 'SIGSTOP'); // so that it starts nobody meanwhile
	const children = childrenOf(server.pid);
	for (const pid of children) process.kill(pid, 'SIGKILL');
	await server.kill();
	await until('the end of all roles', () => children.every((pid) => !isAlive(pid)));
}

function isAlive(pid) {
	try {
		return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
	} catch {
		return false;
	}
}

// For --sandbox-probe: a data folder with a file where the roles have theirs.
export function probeFolder() {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-probe-'));
	for (const name of ['db', 'keys', 'blobs/new', 'blobs/ab']) mkdirSync(path.join(dir, name), { recursive: true });
	for (const name of ['blobs/ab/probe', 'blobs/new/probe']) writeFileSync(path.join(dir, name), 'blob');
	writeFileSync(path.join(dir, 'db/plimsoll.db'), 'database');
	writeFileSync(path.join(dir, 'keys/probe.key'), 'key');
	return dir;
}
