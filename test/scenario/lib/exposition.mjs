// A strict reader of Prometheus' text exposition format 0.0.4: names, label syntax, escapes, one HELP and
// TYPE before the samples of a family, families in one piece, no series twice, histograms that agree
// with themselves. Throws at the first thing that is not as the format has it.
import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*="((?:[^"\\\n]|\\["\\n])*)"/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN|[+-]Inf)$/;

function takeLabels(text, line) {
	const labels = {};
	let rest = text;
	while (!rest.startsWith('}')) {
		const [whole, value] = LABEL.exec(rest) ?? assert.fail(line);
		const name = whole.slice(0, whole.indexOf('='));
		assert.ok(!(name in labels), line);
		labels[name] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
		rest = rest.slice(whole.length);
		if (rest.startsWith(',')) rest = rest.slice(1);
		else assert.ok(rest.startsWith('}'), line);
	}
	return [labels, rest.slice(1)];
}

function takeSample(line) {
	const [name] = NAME.exec(line) ?? assert.fail(line);
	let rest = line.slice(name.length);
	let labels = {};
	if (rest.startsWith('{')) [labels, rest] = takeLabels(rest.slice(1), line);
	assert.ok(rest.startsWith(' '), line);
	assert.match(rest.slice(1), NUMBER, line);
	return { name, labels, value: Number(rest.slice(1).replace('Inf', 'Infinity')) };
}

function checkHistogram(family, samples) {
	const series = new Map();
	for (const s of samples) {
		const { le, ...labels } = s.labels;
		const key = JSON.stringify(labels);
		const own = series.get(key) ?? { buckets: [] };
		if (s.name === `${family}_bucket`) own.buckets.push([le === '+Inf' ? Infinity : Number(le), s.value]);
		else own[s.name.slice(family.length + 1)] = s.value;
		series.set(key, own);
	}
	for (const [key, { buckets, count, sum }] of series) {
		for (let i = 1; i < buckets.length; i++) assert.ok(buckets[i][0] > buckets[i - 1][0] && buckets[i][1] >= buckets[i - 1][1], `${family}${key}`);
		assert.deepEqual(buckets.at(-1), [Infinity, count], `${family}${key}`);
		assert.ok(sum >= 0, `${family}${key}`);
	}
}

function isOf(name, { family, type }) {
	return type === 'histogram' ? ['_bucket', '_sum', '_count'].some((end) => name === family + end) : name === family;
}

// [{ name, labels, value }] in the order of the page.
export function readExposition(text) {
	const samples = [];
	const seen = new Set();
	const families = new Map();
	let open = null;
	assert.ok(text.endsWith('\n'), 'ends with a line end');
	for (const line of text.slice(0, -1).split('\n')) {
		const [, kind, family, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
		if (kind === 'HELP') {
			assert.ok(!families.has(family) && NAME.exec(family)[0] === family, line);
			assert.ok(!/\\[^\\n]/.test(rest), line);
			open = { family, type: null, samples: [] };
			families.set(family, open);
		} else if (kind === 'TYPE') {
			assert.ok(open.family === family && open.type === null && ['counter', 'gauge', 'histogram'].includes(rest), line);
			open.type = rest;
		} else {
			const sample = takeSample(line);
			const key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
			assert.ok(open?.type && isOf(sample.name, open), `${line} is not of ${open?.family}`);
			assert.ok(!seen.has(key), `twice: ${line}`);
			if (open.type === 'counter') assert.ok(sample.value >= 0, line);
			seen.add(key);
			open.samples.push(sample);
			samples.push(sample);
		}
	}
	for (const { family, type, samples: own } of families.values()) if (type === 'histogram') checkHistogram(family, own);
	return samples;
}
