// An HPACK decoder (RFC 7541) for what a server sends: static and dynamic table, Huffman.
const STATIC = [
	':authority', ':method GET', ':method POST', ':path /', ':path /index.html', ':scheme http', ':scheme https', ':status 200', ':status 204',
	':status 206', ':status 304', ':status 400', ':status 404', ':status 500', 'accept-charset', 'accept-encoding gzip, deflate', 'accept-language',
	'accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow', 'authorization', 'cache-control', 'content-disposition',
	'content-encoding', 'content-language', 'content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag', 'expect',
	'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified', 'link', 'location',
	'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie',
	'strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate',
].map((text) => {
	const at = text.indexOf(' ');
	return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
});

// Lengths of the codes of bytes 0 to 255 and of the end; the code is canonical (RFC 7541 appendix B).
const LENGTHS = `13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7
7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30`.split(/\s+/).map(Number);

const CODES = new Map(); // "length:code" -> byte
{
	let code = 0, length = 0;
	const order = LENGTHS.map((n, byte) => [n, byte]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
	for (const [n, byte] of order) {
		code *= 2 ** (n - length);
		length = n;
		CODES.set(`${n}:${code++}`, byte);
	}
	if (code !== 2 ** length) throw new Error('the Huffman table is not complete');
}

function unhuffman(bytes) {
	const out = [];
	let code = 0, length = 0;
	for (const byte of bytes) {
		for (let bit = 7; bit >= 0; bit--) {
			code = code * 2 + ((byte >> bit) & 1);
			const found = CODES.get(`${++length}:${code}`);
			if (found === undefined) continue;
			out.push(found);
			code = length = 0;
		}
	}
	return Buffer.from(out).toString('latin1');
}

export function hpackDecoder() {
	const dynamic = [];
	const entry = (i) => STATIC[i - 1] ?? dynamic[i - 62] ?? (() => { throw new Error(`HPACK index ${i}`); })();
	return (block) => {
		let at = 0;
		const integer = (bits) => {
			const most = (1 << bits) - 1;
			let n = block[at++] & most;
			if (n < most) return n;
			for (let shift = 0; ; shift += 7) {
				const byte = block[at++];
				n += (byte & 127) * 2 ** shift;
				if (byte < 128) return n;
			}
		};
		const string = () => {
			const coded = block[at] & 128;
			const n = integer(7);
			const bytes = block.subarray(at, (at += n));
			return coded ? unhuffman(bytes) : bytes.toString('latin1');
		};
		const fields = [];
		while (at < block.length) {
			const first = block[at];
			if (first & 128) {
				fields.push(entry(integer(7)));
			} else if ((first & 0xe0) === 32) {
				integer(5); // a new size of the table, which is never below what we keep
			} else {
				const index = integer(first & 64 ? 6 : 4);
				const field = [index ? entry(index)[0] : string(), string()];
				fields.push(field);
				if (first & 64) dynamic.unshift(field);
			}
		}
		return fields;
	};
}
