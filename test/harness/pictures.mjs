// Pictures for tests, made when they are needed: a PNG by hand, the other formats from it by the tools of libvips
// and libheif.
//   const png = pngOf(60, 40, (x) => (x < 30 ? [255, 0, 0] : [0, 0, 255]));
//   const jpeg = await converted(png, 'jpg', '[Q=95]');
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateSync } from 'node:zlib';
import { crc32 } from './zip.mjs';

const run = promisify(execFile);

function chunk(type, data) {
	const out = Buffer.alloc(data.length + 12);
	out.writeUInt32BE(data.length, 0);
	out.write(type, 4, 'latin1');
	data.copy(out, 8);
	out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
	return out;
}

// Of a header alone, whatever data comes: { width, height, depth, colour }.
export function pngHead({ width, height, depth = 8, colour = 2 }, data = Buffer.from([0])) {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head.set([depth, colour, 0, 0, 0], 8);
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(data)), chunk('IEND', Buffer.alloc(0))]);
}

// pixel(x, y) gives [r, g, b] or [r, g, b, a].
export function pngOf(width, height, pixel) {
	const bands = pixel(0, 0).length;
	const rows = Buffer.alloc(height * (width * bands + 1));
	for (let y = 0, at = 0; y < height; y++) {
		rows[at++] = 0;
		for (let x = 0; x < width; x++) for (const value of pixel(x, y)) rows[at++] = value;
	}
	return pngHead({ width, height, colour: bands === 4 ? 6 : 2 }, rows);
}

// Left red, right blue.
export const halves = (width = 60, height = 40) => pngOf(width, height, (x) => (x < width / 2 ? [255, 0, 0] : [0, 0, 255]));

async function inFolder(fn) {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pictures-'));
	try {
		return await fn(dir);
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}

// suffix: jpg, png, webp, gif, heic, avif; options as libvips has them.
export function converted(png, suffix, options = '') {
	return inFolder(async (dir) => {
		const [from, to] = [path.join(dir, 'from.png'), path.join(dir, `to.${suffix}`)];
		writeFileSync(from, png);
		if (suffix === 'heic' || suffix === 'avif') await run('heif-enc', [...(suffix === 'avif' ? ['-A'] : []), '-q', '90', '-o', to, from]);
		else await run('vips', ['copy', from, `${to}${options}`]);
		return readFileSync(to);
	});
}

// In the colours of a profile that libvips has, which is embedded: p3, cmyk.
export function withProfile(png, profile) {
	return inFolder(async (dir) => {
		const [from, to] = [path.join(dir, 'from.png'), path.join(dir, 'to.jpg')];
		writeFileSync(from, png);
		await run('vips', ['icc_transform', from, to, profile, '--input-profile', 'srgb']);
		return readFileSync(to);
	});
}

// The result of a command of libvips on a file: vips(bytes, 'getpoint', '1', '1').
export function vips(bytes, command, ...args) {
	return inFolder(async (dir) => {
		const file = path.join(dir, 'picture');
		writeFileSync(file, bytes);
		return (await run('vips', [command, file, ...args])).stdout.trim();
	});
}

export const pixelAt = async (bytes, x, y) => (await vips(bytes, 'getpoint', `${x}`, `${y}`)).split(/\s+/).map(Number);

export function header(bytes) {
	return inFolder(async (dir) => {
		const file = path.join(dir, 'picture');
		writeFileSync(file, bytes);
		return (await run('vipsheader', ['-a', file])).stdout;
	});
}

// A JPEG with an EXIF segment: the orientation, and where it was taken as text that is easily found.
export function withExif(jpeg, orientation, secret = 'SECRET-PLACE') {
	const words = Buffer.from(`${secret}\0`, 'latin1');
	const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4);
	tiff.write('II', 0, 'latin1');
	tiff.writeUInt16LE(42, 2);
	tiff.writeUInt32LE(8, 4);
	tiff.writeUInt16LE(2, 8);
	// ImageDescription (0x010e, ASCII), Orientation (0x0112, SHORT)
	tiff.writeUInt16LE(0x010e, 10);
	tiff.writeUInt16LE(2, 12);
	tiff.writeUInt32LE(words.length, 14);
	tiff.writeUInt32LE(tiff.length, 18);
	tiff.writeUInt16LE(0x0112, 22);
	tiff.writeUInt16LE(3, 24);
	tiff.writeUInt32LE(1, 26);
	tiff.writeUInt16LE(orientation, 30);
	const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, words]);
	const head = Buffer.from([0xff, 0xe1, 0, 0]);
	head.writeUInt16BE(body.length + 2, 2);
	return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}
