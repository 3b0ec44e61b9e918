// The rules of doc/alerts.yml, read and evaluated over /metrics by as much of Prometheus' language as they use.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readExposition } from './exposition.mjs';

const FILE = fileURLToPath(new URL('../../../doc/alerts.yml', import.meta.url));

// { name: expr } of the file, whose lines have the form that Prometheus' own formatter gives.
export function readRules() {
	const rules = new Map();
	let name;
	for (const line of readFileSync(FILE, 'utf8').split('\n')) {
		const [, key, value] = /^ +(?:- )?(alert|expr): (.+)$/.exec(line) ?? [];
		if (key === 'alert') name = value;
		if (key === 'expr') rules.set(name, value);
	}
	return rules;
}

export async function scrape(server) {
	try {
		return readExposition(await (await fetch(`${server.adminUrl}/metrics`)).text());
	} catch {
		return null;
	}
}

// Series for which METRIC OP NUMBER, (METRIC != 0) OP NUMBER or increase(METRIC[TIME]) OP NUMBER holds; of two
// scrapes, newer last. One label may be asked for: {LABEL="x"}, {LABEL=~"x|y"}, {LABEL!~"x|y"}.
export function evaluate(expr, older, newer) {
	const form = /^(?:(increase)?\()?([a-z_0-9]+)(?:\{(\w+)(=|=~|!~)"([^"]*)"\})?(?:\[\w+\]\)| (!= 0)\))? (==|>|<) ([\d.]+)$/;
	const [, rise, metric, label, match, values, nonzero, op, limit] = form.exec(expr) ?? assert.fail(expr);
	if (metric === 'up') return newer === null ? [{ labels: {} }] : [];
	return (newer ?? []).filter((s) => {
		if (s.name !== metric || (label && values.split('|').includes(s.labels[label]) !== (match !== '!~'))) return false;
		const before = older?.find((o) => o.name === metric && JSON.stringify(o.labels) === JSON.stringify(s.labels));
		const value = rise ? s.value - (before?.value ?? 0) : s.value;
		if (nonzero && s.value === 0) return false;
		return { '==': value === Number(limit), '>': value > Number(limit), '<': value < Number(limit) }[op];
	});
}
