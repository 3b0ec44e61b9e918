// doc/PAIRS.md says nothing that is not so: every requirement stands in it, with a test that there is, or as not
// built; and every call of the API.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(path.join(ROOT, 'doc/PAIRS.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));

const exists = (name) => existsSync(path.join(ROOT, /\.c$/.test(name) ? name : `test/${name}.test.mjs`));

test('A1 to A18 stand there once, each with its tests or as not yet', () => {
	const found = rows.filter(([id]) => /^A\d+$/.test(id));
	assert.deepEqual(found.map(([id]) => id), Array.from({ length: 18 }, (_, i) => `A${i + 1}`));
	for (const [id, , state, shownBy] of found) {
		assert.match(state, /^(shown|not yet)/, id);
		assert.equal(shownBy !== '', state.startsWith('shown'), `${id}: ${state}`);
	}
});

test('every test that is named is there', () => {
	const named = [...page.matchAll(/`((?:scenario|e2e)\/\w+|[\w/]+_test\.c)`/g)].map((m) => m[1]);
	assert.ok(named.length > 25);
	for (const name of named) assert.ok(exists(name), name);
});

test('every call of the API is named', () => {
	const table = readFileSync(path.join(ROOT, 'services/pairs/api.def'), 'utf8');
	const paths = [...table.matchAll(/"\/api\/v1(\/[^"]*)"/g)].map((m) => m[1].replace(/:\w+/g, ''));
	assert.ok(paths.length >= 34);
	for (const p of paths) assert.ok(page.includes(p), p);
});
