// ELF files made byte by byte (64 bits, little-endian): as many sections as a test wants, and lies.
//   elf({ buildId: '05c3...', sections: [{ name: '.text', flags: ALLOC, data }] }) -> Buffer
import zlib from 'node:zlib';
import { u32, u64 } from './little_endian.mjs';

export const [PROGBITS, SYMTAB, STRTAB, NOTE, NOBITS] = [1, 2, 3, 7, 8];
export const [ALLOC, COMPRESSED] = [2, 0x800];

const note = (id) => Buffer.concat([u32(4), u32(id.length), u32(3), Buffer.from('GNU\0'), id]);

// Data of a section with the flag COMPRESSED; size: what it says it will be.
export function compressed(data, size = data.length) {
	return Buffer.concat([u32(1), u32(0), u64(size), u64(1), zlib.deflateSync(data)]);
}

// Lies: sectionsAt and sectionCount of the header.
export function elf({ buildId, sections = [], sectionsAt, sectionCount }) {
	const names = ['', ...sections.map((s) => s.name), ...(buildId ? ['.note.gnu.build-id'] : []), '.shstrtab'];
	const text = Buffer.from(names.map((n) => `${n}\0`).join(''));
	const all = [
		{ type: 0 },
		...sections,
		...(buildId ? [{ type: NOTE, flags: ALLOC, data: note(Buffer.from(buildId, 'hex')) }] : []),
		{ type: STRTAB, data: text },
	];
	const pieces = [Buffer.alloc(64)];
	let at = 64;
	let nameAt = 0;
	const rows = all.map((s, i) => {
		const data = Buffer.from(s.data ?? '');
		const row = Buffer.concat([u32(nameAt), u32(s.type ?? PROGBITS), u64(s.flags ?? 0), u64(0), u64(at), u64(s.size ?? data.length), u32(0), u32(0), u64(4), u64(0)]);
		nameAt += names[i].length + 1;
		pieces.push(data);
		at += data.length;
		return row;
	});
	const head = pieces[0];
	Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head);
	head.writeUInt16LE(3, 16); // a shared object
	head.writeUInt16LE(62, 18);
	head.writeUInt32LE(1, 20);
	head.writeBigUInt64LE(BigInt(sectionsAt ?? at), 40);
	head.writeUInt16LE(64, 52);
	head.writeUInt16LE(64, 58);
	head.writeUInt16LE(sectionCount ?? rows.length, 60);
	head.writeUInt16LE(rows.length - 1, 62);
	return Buffer.concat([...pieces, ...rows]);
}

// What a build leaves: the whole program, and what it is stripped into.
export function build(buildId, { size = 5000 } = {}) {
	const code = Buffer.alloc(size, `code of ${buildId}`);
	const info = Buffer.alloc(size * 3, `types of ${buildId}`);
	const text = { name: '.text', flags: ALLOC, data: code };
	const debug = [{ name: '.debug_info', data: info }, { name: '.debug_str', flags: COMPRESSED, data: compressed(info) }];
	return {
		code,
		info,
		whole: elf({ buildId, sections: [text, ...debug] }),
		stripped: elf({ buildId, sections: [text] }),
		debug: elf({ buildId, sections: [{ name: '.text', type: NOBITS, flags: ALLOC, size }, ...debug] }),
	};
}
