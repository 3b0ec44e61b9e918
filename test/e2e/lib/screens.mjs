// All pages of the service and all their screens, found where they are listed, so that a new one is
// looked at like the others.
import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../../../services/identity/page.c', import.meta.url), 'utf8');
const [, table] = /\} pages\[\] = \{(.*?)\n\};/s.exec(source);
const OTHER_PAGES = ['/firefox/', '/en/tos', '/en/privacy', '/en/embedded_tos', '/en/embedded_privacy'];

// The paths of all pages that a browser shows, one of those that are the same document.
export async function pagesOf(server) {
	const documents = new Map();
	for (const path of [...[...table.matchAll(/\{ "(\/[^"]*)",/g)].map(([, one]) => one), ...OTHER_PAGES]) {
		const answer = await fetch(server.url + path);
		const text = await answer.text();
		const isPage = answer.headers.get('content-type').startsWith('text/html');
		if (isPage && !documents.has(text)) documents.set(text, path);
	}
	return [...documents.values()];
}

const VALUES = {
	email: 'somebody.with.a.long.address@mail.example.org',
	site: 'The tide table',
	provider: 'id.provider.example',
	host: 'id.example.org',
	origin: 'http://id.example.org',
	url: 'https://id.example.org',
	seconds: 7,
	reason: 'no reason',
};

export async function openPage(context, url) {
	const page = await context.newPage();
	await page.goto(url);
	await page.waitForLoadState('networkidle');
	return page;
}

// The names of a page's screens, in order.
export function screensOf(page) {
	return page.evaluate(() => [...document.querySelectorAll('[data-screen]')].map((one) => one.dataset.screen));
}

// Shows a screen of a page with its texts, as its scripts would.
export async function showScreen(page, name) {
	await page.evaluate(
		async ([wanted, values]) => {
			const { fillTexts } = await import('/identity/text.js');
			for (const section of document.querySelectorAll('[data-screen]')) {
				section.hidden = section.dataset.screen !== wanted;
			}
			fillTexts(document.querySelector(`[data-screen="${wanted}"]`), values);
		},
		[name, VALUES],
	);
}
