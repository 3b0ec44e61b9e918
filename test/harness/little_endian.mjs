// Numbers as bytes, the least significant first: for files made byte by byte.
export const u16 = (n) => Buffer.from([n & 255, (n >>> 8) & 255]);

export const u32 = (n) => {
	const out = Buffer.alloc(4);
	out.writeUInt32LE(n >>> 0);
	return out;
};

export const u64 = (n) => {
	const out = Buffer.alloc(8);
	out.writeBigUInt64LE(BigInt(n));
	return out;
};
