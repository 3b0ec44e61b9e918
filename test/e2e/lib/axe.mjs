// axe-core in a page: what it finds serious or worse.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const addAxe = (page) => page.evaluate(AXE);

// One line each; rules: these alone.
export async function faults(page, where, rules) {
	const found = await page.evaluate(async (only) => {
		const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...(only && { runOnly: only }) });
		return violations
			.filter(({ impact }) => impact === 'serious' || impact === 'critical')
			.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
	}, rules);
	return found.map((one) => `${where}: ${one}`);
}

// All rules in the light, and those of colours once more in the dark.
export async function faultsInBoth(page, where) {
	await page.emulateMedia({ colorScheme: 'light' });
	const light = await faults(page, where);
	await page.emulateMedia({ colorScheme: 'dark' });
	return [...light, ...(await faults(page, `${where}, dark`, ['color-contrast', 'link-in-text-block']))];
}
