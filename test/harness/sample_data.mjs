// Real inputs of symbol servers, which are no part of the tree: PLIMSOLL_SAMPLE_DATA, or ../shared/data. What
// needs one that is not there says so and is skipped.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, inflateRawSync } from 'node:zlib';

const folder = process.env.PLIMSOLL_SAMPLE_DATA ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../shared/data');

// 72 modules of Firefox, each with its .sym and .dbg.gz, as one archive.
export const sampleArchive = path.join(folder, 'firefox-symbols-sample.zip');
// "KEY\tTIMES" a line: what was uploaded to Mozilla's server in 2017.
export const sampleKeys = path.join(folder, 'symbol-keys.tsv.gz');
// The body of a request of the fourth version a line.
export const sampleRequests = path.join(folder, 'symbolication-requests.ndjson.gz');

// For the option "skip" of a test: false, or why it is skipped.
export const without = (file) => !existsSync(file) && `${file} is not here`;

export const lines = (file) => gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');

// { name: bytes } of a good archive's members.
export function unzip(file) {
	const zip = readFileSync(file);
	const members = {};
	let at = zip.readUInt32LE(zip.length - 22 + 16);
	for (let left = zip.readUInt16LE(zip.length - 22 + 10); left > 0; left--) {
		const [nameLength, extraLength, noteLength] = [28, 30, 32].map((o) => zip.readUInt16LE(at + o));
		const local = zip.readUInt32LE(at + 42);
		const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
		const packed = zip.subarray(data, data + zip.readUInt32LE(at + 20));
		members[zip.toString('utf8', at + 46, at + 46 + nameLength)] = zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed);
		at += 46 + nameLength + extraLength + noteLength;
	}
	return members;
}
