// The storage as its document describes it, in as few words as possible: what the random test holds
// both engines against. Times are numbers of writes: 1, 2, 3, ...; 0 is never.
export class Model {
	constructor() {
		this.last = 0;
		this.storage = 0;
		this.collections = new Map(); // name -> { time, items: Map(id -> { modified, payload, sortindex }) }
		this.batches = []; // { collection, records }
	}

	time(name, id) {
		const c = this.collections.get(name);
		return id === undefined ? c?.time ?? 0 : c?.items.get(id)?.modified ?? 0;
	}

	stamp() {
		return ++this.last;
	}

	apply(name, records, inBatch) {
		const t = this.stamp();
		if (!this.collections.has(name)) this.collections.set(name, { items: new Map() });
		const c = this.collections.get(name);
		c.time = this.storage = t;
		for (const r of records) {
			const old = c.items.get(r.id);
			const item = old ?? { modified: t, payload: '' };
			const has = (key) => r[key] !== undefined && r[key] !== null;
			if (inBatch || has('payload') || has('sortindex')) item.modified = t;
			if (has('payload')) item.payload = r.payload;
			if (has('sortindex')) item.sortindex = r.sortindex;
			c.items.set(r.id, item);
			if (r.ttl === 0) item.dies = true;
			else if (has('ttl')) item.dies = false;
		}
		for (const [id, item] of c.items) if (item.dies) c.items.delete(id);
		return t;
	}

	deleteIds(name, ids) {
		const c = this.collections.get(name);
		for (const id of ids) c.items.delete(id);
		return (c.time = this.storage = this.stamp());
	}

	deleteCollection(name) {
		this.batches = this.batches.map((b) => (b.collection === name ? { ...b, closed: true } : b));
		if (!this.collections.delete(name)) return this.storage;
		return (this.storage = this.stamp());
	}

	deleteAll() {
		this.batches = this.batches.map((b) => ({ ...b, closed: true }));
		this.collections.clear();
		this.storage = 0;
		return this.stamp();
	}

	// The records of a list in order; bounds are exclusive, undefined is none.
	list(name, { newer, older, sort = 'newest', ids }) {
		const items = [...(this.collections.get(name)?.items ?? new Map())].map(([id, item]) => ({ id, ...item }));
		const index = (r) => r.sortindex ?? -1e9;
		const byId = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
		const orders = {
			newest: (a, b) => b.modified - a.modified || byId(b, a),
			oldest: (a, b) => a.modified - b.modified || byId(a, b),
			index: (a, b) => index(b) - index(a) || byId(b, a),
		};
		return items
			.filter((r) => (newer === undefined || r.modified > newer) && (older === undefined || r.modified < older) && (!ids || ids.includes(r.id)))
			.sort(orders[sort]);
	}

	counts() {
		return Object.fromEntries([...this.collections].filter(([, c]) => c.items.size > 0).map(([name, c]) => [name, c.items.size]));
	}

	bytes(c) {
		return [...c.items.values()].reduce((sum, item) => sum + Buffer.byteLength(item.payload), 0);
	}

	usage() {
		return Object.fromEntries([...this.collections].map(([name, c]) => [name, this.bytes(c) / 1024]));
	}
}
