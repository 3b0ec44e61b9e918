// Zip archives made byte by byte, good ones and such as nobody should send.
//   zip([{ name, data, method: 0 | 8, ...lies }], { ...lies }) -> Buffer
import zlib from 'node:zlib';
import { u16, u32, u64 } from './little_endian.mjs';

const TABLE = Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
	return n >>> 0;
});

export function crc32(data) {
	let crc = 0xffffffff;
	for (const byte of data) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
	return (crc ^ 0xffffffff) >>> 0;
}

// Lies of a member: localName, size, crc, packedSize, flags, method (of the headers), offset, encrypted.
// descriptor: sizes stand behind the bytes; zip64: numbers stand in the extra field.
export function zip(members, { entries, comment = '', directoryOffset, prefix = Buffer.alloc(0) } = {}) {
	const pieces = [prefix];
	const directory = [];
	let at = prefix.length;
	const put = (...buffers) => {
		for (const b of buffers) {
			pieces.push(b);
			at += b.length;
		}
	};
	for (const m of members) {
		const data = Buffer.from(m.data ?? '');
		const method = m.method ?? 8;
		const packed = m.packed ?? (method === 8 ? zlib.deflateRawSync(data) : data);
		const name = Buffer.from(m.name);
		const localName = Buffer.from(m.localName ?? m.name);
		const size = m.size ?? data.length;
		const crc = m.crc ?? crc32(data);
		const packedSize = m.packedSize ?? packed.length;
		const flags = (m.descriptor ? 8 : 0) | (m.encrypted ? 1 : 0);
		const offset = m.offset ?? at;
		const local = m.descriptor ? [u32(0), u32(0), u32(0)] : [u32(crc), u32(m.localPackedSize ?? packedSize), u32(m.localSize ?? size)];
		if (m.offset === undefined) {
			put(u32(0x04034b50), u16(20), u16(flags), u16(m.localMethod ?? method), u32(0), ...local, u16(localName.length), u16(0), localName, packed);
			if (m.descriptor) put(u32(0x08074b50), u32(crc), u32(packedSize), u32(size));
		}
		const extra = m.zip64 ? Buffer.concat([u16(1), u16(24), u64(size), u64(packedSize), u64(offset)]) : Buffer.alloc(0);
		const [s, p, o] = m.zip64 ? [0xffffffff, 0xffffffff, 0xffffffff] : [size, packedSize, offset];
		directory.push(u32(0x02014b50), u16(20), u16(20), u16(flags), u16(method), u32(0), u32(crc), u32(p), u32(s), u16(name.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0), u32(o), name, extra);
	}
	const begin = at;
	put(...directory);
	const count = entries ?? members.length;
	const text = Buffer.from(comment);
	put(u32(0x06054b50), u16(0), u16(0), u16(count), u16(count), u32(at - begin), u32(directoryOffset ?? begin), u16(text.length), text);
	return Buffer.concat(pieces);
}

// A form with one file part, as curl --form NAME=@FILE sends it; fields before and behind.
export function form(name, data, { before = {}, behind = {}, boundary = 'XxBoundaryxX', filename = 'x.zip' } = {}) {
	const field = ([key, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`;
	return Buffer.concat([
		Buffer.from(Object.entries(before).map(field).join('')),
		Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`),
		data,
		Buffer.from(`\r\n${Object.entries(behind).map(field).join('')}--${boundary}--\r\n`),
	]);
}

export const formType = (boundary = 'XxBoundaryxX') => `multipart/form-data; boundary=${boundary}`;
