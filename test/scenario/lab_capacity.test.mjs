// The worked examples of doc/capacity: each command there gives the lines that stand below it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ROOT, lab } from './lib/lab.mjs';

const FOLDER = path.join(ROOT, 'doc/capacity');
const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && readFileSync(path.join(FOLDER, name), 'utf8').includes('$ plimsoll plan '));

// [[command, [lines]]] of the blocks of a page.
function commandsOf(text) {
	const found = [];
	for (const [, block] of text.matchAll(/^```\n([^]*?)^```/gm)) {
		for (const line of block.split('\n').filter(Boolean)) {
			if (line.startsWith('$ ')) found.push([line.slice(2), []]);
			else found.at(-1)?.[1].push(line);
		}
	}
	return found.filter(([command]) => command.startsWith('plimsoll plan '));
}

test('there are examples', () => assert.ok(pages.length >= 3, pages.join()));

for (const page of pages) {
	test(`the commands of ${page} give what stands below them`, async () => {
		for (const [command, lines] of commandsOf(readFileSync(path.join(FOLDER, page), 'utf8'))) {
			const end = await lab(command.split(' ').slice(1));
			assert.equal(end.code, 0, `${command}: ${end.stderr}`);
			const got = end.stdout.split('\n').map((line) => line.trimEnd());
			let from = 0;
			assert.ok(lines.length > 0, command);
			for (const line of lines) {
				const at = got.indexOf(line, from);
				assert.ok(at >= 0, `${command}\nhas no line\n${line}\nin\n${end.stdout}`);
				from = at + 1;
			}
		}
	});
}
