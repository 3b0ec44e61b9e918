// How the HTML part of a mail looks, as a mail program shows it: light, dark, on a phone, with the colours of sites.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from '../harness/client.mjs';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { partsOf, startSink } from '../harness/smtp_sink.mjs';
import { launchBrowser, newContext, picture } from './lib/browser.mjs';

// Relative luminance (WCAG 2) of "rgb(r, g, b)".
function luminance(color) {
	const [r, g, b] = color.match(/\d+/g).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
	const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (light + 0.05) / (dark + 0.05);
}

test('a mail is legible in light and dark and no wider than a phone', async () => {
	const sink = await startSink();
	const server = await startPlimsoll({ conf: { web: { instances: 1 }, mail: { smtp: sink.url } } });
	const browser = await launchBrowser();
	try {
		const sites = [{}, { backgroundColor: 'fe0' }, { backgroundColor: 'ffffff' }, { backgroundColor: '#000' }, { backgroundColor: '777777' }];
		for (const [i, more] of sites.entries()) {
			const site = i ? 'https://shop.example' : 'https://a-site-with-quite-a-long-name.department.example.org';
			const headers = { 'accept-language': i % 4 ? 'en' : 'de' };
			await new Client(server.url, { headers }).stage(`reader${i}@example.com`, 'correct horse', { site, ...more });
		}
		const mails = await sink.waitFor(sites.length);
		for (const phone of [false, true]) {
			for (const dark of [false, true]) {
				const context = await newContext(browser, { phone, dark });
				const page = await context.newPage();
				for (const [i] of sites.entries()) {
					const { html } = partsOf(mails.find((m) => m.to[0] === `reader${i}@example.com`));
					await page.setContent(html);
					const width = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
					assert.ok(width[0] <= width[1], `${width} px wide`);
					const pairs = await page.evaluate(() => {
						const solid = (element) => {
							const { backgroundColor } = getComputedStyle(element);
							return backgroundColor === 'rgba(0, 0, 0, 0)' ? solid(element.parentElement) : backgroundColor;
						};
						return [...document.querySelectorAll('div, p, a')]
							.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
							.map((e) => [e.textContent.slice(0, 40), getComputedStyle(e).color, solid(e)]);
					});
					assert.ok(pairs.length >= 5);
					for (const [text, front, back] of pairs) assert.ok(contrast(front, back) >= 4.5, `${text}: ${front} on ${back}`);
					await picture(page, `mail-${i}${phone ? '-phone' : ''}${dark ? '-dark' : ''}`, { fullPage: true });
				}
				await context.close();
			}
		}
	} finally {
		await browser.close();
		await server.stop();
		await sink.stop();
	}
});
