// The page of a load run in a browser: nothing is fetched, nothing is wider than a phone or a sheet.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { launchBrowser, look, newContext } from './lib/browser.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('the page of a run is read without network on a screen, a phone and paper', async (t) => {
	const scratch = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-page-'));
	const server = http.createServer((req, res) => setTimeout(() => res.end('x'), 3));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const browser = await launchBrowser();
	t.after(async () => {
		await browser.close();
		server.closeAllConnections?.();
		server.close();
		rmSync(scratch, { recursive: true, force: true });
	});
	const file = path.join(scratch, 'load.html');
	// Void (6) on a busy machine: the page is the same, and says so.
	await promisify(execFile)(plimsollBin(), ['load', 'models/web.lua', '--users', '200k', '--for', '3s', '--html', file, `http://127.0.0.1:${server.address().port}`], { cwd: ROOT }).catch((error) => assert.equal(error.code, 6, error.stderr));

	const context = await newContext(browser);
	const page = await context.newPage();
	const asked = [];
	page.on('request', (request) => asked.push(request.url()));
	await page.goto(`file://${file}`);
	await look(page, 'report-load');
	assert.equal(await page.locator('figure').count(), 3);
	// Letters of an axis keep their size, and no two labels lie on each other.
	await page.setViewportSize({ width: 360, height: 640 });
	const labels = await page.locator('.area .x').evaluateAll((all) => all.map((one) => ({ figure: one.parentElement.offsetTop, ...one.getBoundingClientRect().toJSON() })));
	for (const [i, one] of labels.entries()) {
		assert.ok(one.height >= 11, `${one.height} px high`);
		const next = labels[i + 1];
		if (next?.figure === one.figure) assert.ok(next.left > one.right, `label ${i} lies on the next one`);
	}
	await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
	await page.setViewportSize({ width: 680, height: 960 });
	assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)', 'paper is white');
	const table = await page.locator('table').evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().right)));
	assert.ok(table <= 680, `a table reaches ${table} px on a sheet of 680`);
	assert.deepEqual(asked, [`file://${file}`]);
	assert.deepEqual(context.complaints, []);
});
