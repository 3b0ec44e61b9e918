// A whole server of the release build whose Nth allocation or system call in one role fails:
// NTH_TRACE=1 prints where the failing call came from.
//   const faulty = await startFaulty(dir); faulty.arm('store', 'alloc', 17); ... faulty.state()
// test/fault/ has the preloaded library and the program that preloads it.
import { closeSync, copyFileSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPlimsoll } from './plimsoll.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FAULTS = path.join(ROOT, 'build/test/test/fault');
const KINDS = { none: 0, alloc: 1, call: 2 };
const CONTROL_BYTES = 64; // struct control of fault_nth.c

export function releaseBin() {
	return process.env.PLIMSOLL_RELEASE_BIN ?? path.join(ROOT, 'build/release/cmd/plimsoll');
}

// Programs of the release build in the folder bin, into which the library is preloaded; control is what its file
// says at first.
export function preloaded(bin, library, control) {
	const programs = path.dirname(releaseBin());
	mkdirSync(bin, { recursive: true });
	for (const name of ['plimsoll', 'plimsoll-courier']) {
		copyFileSync(path.join(programs, name), path.join(bin, `${name}.real`));
		copyFileSync(path.join(FAULTS, 'fault_exec'), path.join(bin, name));
	}
	copyFileSync(path.join(programs, 'plimsoll-media'), path.join(bin, 'plimsoll-media'));
	copyFileSync(path.join(FAULTS, library), path.join(bin, 'fault.so'));
	writeFileSync(path.join(bin, 'fault.control'), control);
	return path.join(bin, 'plimsoll');
}

export async function startFaulty(dir, options = {}) {
	const program = preloaded(path.join(dir, 'bin'), 'fault_nth.so', Buffer.alloc(4096));
	const fd = openSync(path.join(dir, 'bin', 'fault.control'), 'r+');
	const server = await startPlimsoll({ ...options, dir, bin: program });

	// Counting begins when the kind is there, so that goes last; it is taken away first.
	const disarm = () => writeSync(fd, Buffer.alloc(4), 0, 4, 0);
	return {
		server,
		disarm,
		arm(role, kind, at) {
			const block = Buffer.alloc(CONTROL_BYTES);
			disarm();
			block.writeUInt32LE(at, 4);
			block.write(role, 16, 'latin1');
			writeSync(fd, Buffer.from([process.env.NTH_TRACE ? 1 : 0]), 0, 1, CONTROL_BYTES);
			writeSync(fd, block, 4, CONTROL_BYTES - 4, 4);
			block.writeUInt32LE(KINDS[kind], 0);
			writeSync(fd, block, 0, 4, 0);
		},
		state() {
			const block = Buffer.alloc(CONTROL_BYTES);
			readSync(fd, block, 0, CONTROL_BYTES, 0);
			const text = block.toString('latin1', 32, 64);
			return { count: block.readUInt32LE(8), fired: block.readUInt32LE(12), what: text.slice(0, text.indexOf('\0')) };
		},
		close: () => closeSync(fd),
	};
}
