// A slow symbolicator beside the server's: keeps every record of a .sym and goes through all of them for
// each address (symbols.md 3.2).

const hex = (text) => Number.parseInt(text, 16);

export class SlowSymbols {
	constructor(text) {
		this.files = new Map();
		this.origins = new Map();
		this.funcs = [];
		this.publics = [];
		let func;
		for (const line of text.split('\n')) func = this.#take(line.replace(/\r$/, ''), func);
	}

	#take(line, func) {
		let m;
		if ((m = /^MODULE (\S+) (\S+) (\S+) (.*)$/.exec(line))) this.id = m[3];
		else if ((m = /^INFO CODE_ID (\S+) ?(.*)$/.exec(line))) this.codeFile = m[2] || undefined;
		else if ((m = /^FILE (\d+) (.*)$/.exec(line))) this.files.has(m[1]) || this.files.set(m[1], m[2]);
		else if ((m = /^INLINE_ORIGIN (\d+) (.*)$/.exec(line))) this.origins.has(m[1]) || this.origins.set(m[1], m[2]);
		else if ((m = /^FUNC (?:m )?([0-9a-fA-F]+) ([0-9a-fA-F]+) \S+ ?(.*)$/.exec(line))) {
			func = { start: hex(m[1]), end: hex(m[1]) + hex(m[2]), name: m[3] || '<unknown>', lines: [], inlines: [], depth: -1 };
			const meets = (f) => f.start < func.end && func.start < f.end;
			if (func.end > func.start && !this.funcs.some(meets)) this.funcs.push(func);
		} else if ((m = /^PUBLIC (?:m )?([0-9a-fA-F]+) \S+ ?(.*)$/.exec(line))) {
			if (hex(m[1]) !== 0) this.publics.push({ start: hex(m[1]), name: m[2] || '<unknown>' });
			return undefined;
		} else if ((m = /^INLINE (.*)$/.exec(line)) && func) {
			const [depth, callLine, callFile, origin, ...ranges] = m[1].split(' ');
			// One that jumps over a depth is malformed.
			if (Number(depth) > func.depth + 1) return func;
			func.depth = Number(depth);
			const pairs = [];
			for (let i = 0; i < ranges.length; i += 2) pairs.push([hex(ranges[i]), hex(ranges[i]) + hex(ranges[i + 1])]);
			func.inlines.push({ depth: Number(depth), line: Number(callLine), file: callFile, origin, pairs });
		} else if ((m = /^([0-9a-f]+) ([0-9a-f]+) (-?\d+) (\d+)$/.exec(line)) && func) {
			func.lines.push({ start: hex(m[1]), end: hex(m[1]) + hex(m[2]), line: Number(m[3]), file: m[4] });
		}
		return func;
	}

	#place(record) {
		const file = record && this.files.get(record.file);
		if (file === undefined) return {};
		return record.line > 0 ? { file, line: record.line } : { file };
	}

	// What a frame of the fifth version has beside its module, or {}.
	find(offset) {
		const before = this.funcs.filter((f) => f.start <= offset).reduce((a, b) => (a && a.start > b.start ? a : b), undefined);
		const hexOf = (n) => `0x${n.toString(16)}`;
		if (before && offset < before.end) {
			const calls = [{ function: before.name }];
			for (let depth = 0; ; depth++) {
				const r = before.inlines.find((i) => i.depth === depth && i.pairs.some(([from, to]) => from <= offset && offset < to));
				if (!r) break;
				Object.assign(calls[depth], this.#place(r));
				calls.push({ function: this.origins.get(r.origin) ?? '' });
			}
			Object.assign(calls.at(-1), this.#place(before.lines.find((l) => l.start <= offset && offset < l.end)));
			const frame = { ...calls[0], function_offset: hexOf(offset - before.start), function_size: hexOf(before.end - before.start) };
			if (calls.length > 1) frame.inlines = calls.slice(1).reverse();
			return frame;
		}
		const symbol = this.publics.filter((p) => p.start <= offset).reduce((a, b) => (a && a.start >= b.start ? a : b), undefined);
		if (!symbol || (before && symbol.start <= before.start)) return {};
		return { function: symbol.name, function_offset: hexOf(offset - symbol.start) };
	}

	// Where something begins or ends, for choosing addresses.
	edges() {
		return this.funcs.flatMap((f) => [f.start, f.end, ...f.lines.map((l) => l.start), ...f.inlines.flatMap((i) => i.pairs.flat())]).concat(this.publics.map((p) => p.start));
	}
}
