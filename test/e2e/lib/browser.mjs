// Debian's Chromium driven through playwright-core, and the example site, for end-to-end tests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { freePort } from '../../harness/plimsoll.mjs';
import { PATIENCE } from '../../harness/patience.mjs';

const EXAMPLE = fileURLToPath(new URL('../../../example/server.py', import.meta.url));
const FLAGS = [
	'--headless',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];
const PATIENCE_MS = 20000 * PATIENCE; // sanitizer builds on busy machines
const PHONE = { width: 360, height: 640 };

// Two programs of Debian's: the browser that people have, and the same engine without the browser's own
// services, which costs a third of the processor time. What goes between sites or people (cookies, windows,
// keys, pictures) is proved with the first (whole), single pages with the second; CHROMIUM=/usr/bin/chromium takes it for all.
const CHROMIUM = '/usr/bin/chromium';
const HEADLESS_SHELL = process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell';

export function launchBrowser({ flags = [], whole = false } = {}) {
	return chromium.launch({ executablePath: whole ? CHROMIUM : HEADLESS_SHELL, args: [...FLAGS, ...flags] });
}

// A browser of its own as far as cookies and storage go. What goes wrong in its pages (errors,
// refused content) is in context.complaints.
// anyCertificate: for a service behind a front with a certificate made for the test.
export async function newContext(browser, { phone = false, dark = false, anyCertificate = false, locale } = {}) {
	const context = await browser.newContext({
		viewport: phone ? PHONE : { width: 1000, height: 760 },
		colorScheme: dark ? 'dark' : 'light',
		isMobile: phone,
		locale,
		ignoreHTTPSErrors: anyCertificate,
		hasTouch: phone,
		deviceScaleFactor: phone ? 2 : 1,
	});
	return listenTo(context);
}

function listenTo(context) {
	context.setDefaultTimeout(PATIENCE_MS);
	context.complaints = [];
	context.on('weberror', (error) => context.complaints.push(String(error.error())));
	context.on('console', (message) => {
		if (/Content Security Policy|Refused to/.test(message.text())) context.complaints.push(message.text());
	});
	return context;
}

// A browser, and its only context, whose owner allows third-party cookies; Chromium's default is to block them.
export async function newPermissiveContext() {
	const profile = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-profile-'));
	mkdirSync(path.join(profile, 'Default'));
	writeFileSync(path.join(profile, 'Default/Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 0 } }));
	const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: FLAGS });
	const { close } = context;
	context.close = async () => {
		await close.call(context);
		// Its last processes are still writing for a moment.
		rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
	};
	return listenTo(context);
}

// Saves what a page shows when the environment names a folder in SCREENSHOTS.
export async function picture(page, name, options = {}) {
	const folder = process.env.SCREENSHOTS;
	if (!folder) return;
	mkdirSync(folder, { recursive: true });
	await page.screenshot({ ...options, path: path.join(folder, `${name}.png`) });
}

// What a page shows at phone and desktop width, light and dark: nothing is wider than a phone, and
// pictures as above.
export async function look(page, name) {
	const before = page.viewportSize();
	for (const [size, viewport] of [['phone', PHONE], ['desktop', { width: 1000, height: 760 }]]) {
		await page.setViewportSize(viewport);
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		assert.ok(width <= viewport.width, `${name}: ${width} px wide at ${viewport.width}`);
		for (const colorScheme of process.env.SCREENSHOTS ? ['light', 'dark'] : []) {
			await page.emulateMedia({ colorScheme });
			await picture(page, `${name}-${size}-${colorScheme}`);
		}
	}
	await page.emulateMedia({ colorScheme: null });
	await page.setViewportSize(before);
}

// The user comes back to a window whose timers slept.
export function comeBack(page) {
	return page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
}

export function answers(url) {
	return new Promise((resolve) => {
		const req = http.get(url, { agent: false }, (res) => resolve(res.resume().statusCode === 200));
		req.on('error', () => resolve(false));
	});
}

// The example site on "localhost", which for a browser is another site than 127.0.0.1. env: over ours.
export async function startExample(identityUrl, env = {}) {
	const port = await freePort();
	const args = [EXAMPLE, '--port', String(port), '--identity', identityUrl];
	const child = spawn('python3', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
	const url = `http://localhost:${port}`;
	const ended = new Promise((resolve) => child.once('close', resolve));
	const kill = () => child.kill('SIGKILL');
	process.on('exit', kill);
	for (let i = 0; !(await answers(`${url}/whoami`)); i++) {
		if (i === 200 || child.exitCode !== null) throw new Error('the example site does not start');
		await sleep(50);
	}
	return {
		url,
		async stop() {
			process.off('exit', kill);
			child.kill('SIGTERM');
			await ended;
		},
	};
}

// Clicks "Sign in" at the example site; resolves to the dialog's page.
export async function openDialog(site) {
	const [dialog] = await Promise.all([site.waitForEvent('popup'), site.click('#sign-in')]);
	return dialog;
}

// Waits until a screen of the dialog (or of the page behind the mail's link) is shown.
export function screenShown(page, name) {
	return page.locator(`[data-screen="${name}"]:not([hidden])`).waitFor();
}

export async function enterAddress(dialog, email) {
	await screenShown(dialog, 'address');
	await dialog.fill('#address-email', email);
	await dialog.press('#address-email', 'Enter');
}

export async function enterPassword(dialog, password) {
	await screenShown(dialog, 'password');
	await dialog.fill('#password-pass', password);
	await dialog.press('#password-pass', 'Enter');
}

// At the page behind a link that was opened in another browser.
export async function confirmWith(landing, password) {
	await screenShown(landing, 'password');
	await landing.fill('#verify-pass', password);
	await landing.press('#verify-pass', 'Enter');
}

export async function chooseNewPassword(dialog, password) {
	await screenShown(dialog, 'new');
	await dialog.fill('#new-pass', password);
	await dialog.fill('#new-repeat', password);
	await dialog.press('#new-repeat', 'Enter');
}

export async function signedInAs(site, email) {
	await site.locator('#in:not([hidden])').waitFor();
	return (await site.textContent('#email')) === email;
}
