// What can be said of the pages without a browser: their texts are all there, nothing in them needs
// a laxer Content-Security-Policy, and they are as small as promised.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const KIB = 1024;

const names = readdirSync(`${WEB}identity`);
const read = (name) => readFileSync(`${WEB}identity/${name}`, 'utf8');
const pages = names.filter((name) => name.endsWith('.html'));
const scripts = names.filter((name) => name.endsWith('.js'));
// The page of Firefox has its texts there, too.
const firefox = readdirSync(`${WEB}firefox`).filter((name) => /\.(html|js)$/.test(name));
const firefoxText = firefox.map((name) => readFileSync(`${WEB}firefox/${name}`, 'utf8')).join('\n');
const gzipped = (list) => list.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);

async function messagesOf(name) {
	const source = Buffer.from(read(name)).toString('base64');
	return (await import(`data:text/javascript;base64,${source}`)).messages;
}

const messages = () => messagesOf('messages.en.js');
const placesOf = (text) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

// A page with what it loads, directly and by imports.
function closure(page) {
	const found = new Set([page]);
	for (const name of found) {
		for (const [, used] of read(name).matchAll(/(?:\/identity\/|from '\.\/)([\w.]+)/g)) found.add(used);
	}
	return [...found];
}

test('every text that a page names is there, and every text is used', async () => {
	const known = new Set(Object.keys(await messages()));
	for (const page of pages) {
		for (const [, key] of read(page).matchAll(/data-text="(\w+)"/g)) assert.ok(known.has(key), key);
	}
	for (const [, key] of firefoxText.matchAll(/data-text="(\w+)"/g)) assert.ok(known.has(key), key);
	const all = [...pages, ...scripts.filter((name) => !name.startsWith('messages.'))].map(read).join('\n') + firefoxText;
	// Some are put together: error_<kind>, home_signup_<how>, <step>_link.
	const composed = /^(error_|home_signup_|home_mail_|home_try_\w+_link$)/;
	for (const key of known) assert.ok(composed.test(key) || all.includes(key), `${key} is not used`);
});

test('other languages: known keys, the same values in them; what is missing is English and told here', async (t) => {
	const english = await messages();
	const files = scripts.filter((name) => /^messages\.(?!en\b)\w+\.js$/.test(name));
	const [, listed] = /const OTHERS = \[(.*?)\]/.exec(read('text.js'));
	assert.deepEqual(files.map((name) => name.split('.')[1]), [...listed.matchAll(/'(\w+)'/g)].map(([, one]) => one));
	for (const name of files) {
		const other = await messagesOf(name);
		for (const [key, text] of Object.entries(other)) {
			assert.ok(key in english, `${name}: ${key} is in no page any more`);
			assert.deepEqual(placesOf(text), placesOf(english[key]), `${name}: ${key}`);
			// A line may break right behind a value.
			assert.doesNotMatch(text, /\}[.,;:!?]/, `${name}: ${key}`);
		}
		const missing = Object.keys(english).filter((key) => !(key in other));
		if (missing.length > 0) t.diagnostic(`${name} lacks ${missing.join(', ')}`);
		assert.ok(missing.length <= Object.keys(english).length / 2, `${name} is hardly a translation`);
	}
});

test('pages have no inline script, style or handler and load only from their own origin', () => {
	for (const name of pages) {
		const html = read(name);
		assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=|=.?javascript:/i, name);
		for (const [, url] of html.matchAll(/\b(?:src|href)="([^"]+)"/g)) {
			assert.match(url, /^\/[^/]|^\/$/, `${name}: ${url}`);
			if (url.startsWith('/identity/')) assert.ok(existsSync(WEB + url.slice(1)), `${name}: ${url}`);
		}
	}
});

test('nor does the page of Firefox', () => {
	assert.doesNotMatch(firefoxText, /<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=|=.?javascript:/i);
	for (const [, url] of firefoxText.matchAll(/\b(?:src|href)="([^"]+)"/g)) assert.ok(url === '/' || existsSync(WEB + url.slice(1)), url);
});

test('each field has a label, each page a language, a title and a width for phones', () => {
	for (const name of pages) {
		const html = read(name);
		const language = name === 'text_page.html' ? '\\{language\\}' : (/\.(\w+)\.html$/.exec(name)?.[1] ?? 'en');
		assert.match(html, new RegExp(`<html lang="${language}">`));
		assert.ok(names.includes(name.replace(`.${language}.`, '.')), `${name} is there in English`);
		assert.match(html, /<title>[^<]+<\/title>/);
		assert.match(html, /name="viewport" content="width=device-width, initial-scale=1"/);
		for (const [field, id] of html.matchAll(/<input id="([\w-]+)"[^>]*>/g)) {
			assert.ok(html.includes(`<label for="${id}"`), `${name}: ${id}`);
			assert.ok(field.includes(`${id}-error`) && html.includes(`id="${id}-error"`), `${name}: ${id}`);
		}
	}
});

test('include.js is at most 4 KiB gzipped, each page with all it loads at most 40 KiB', () => {
	assert.ok(gzipped(['include.js']) <= 4 * KIB, `${gzipped(['include.js'])} bytes`);
	for (const page of pages) {
		const bytes = gzipped(closure(page));
		assert.ok(bytes <= 40 * KIB, `${page}: ${bytes} bytes`);
	}
});
