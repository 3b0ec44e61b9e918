// Debian's Firefox, headless, driven over Marionette: a profile of its own, only this machine reachable.
//   const firefox = await Firefox.start({ prefs: { 'identity.fxaccounts.allowHttp': true } });
//   await firefox.chrome('return Services.appinfo.version');
//   await firefox.stop();
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../harness/free_port.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'; // how WebDriver names one
const START_MS = 60000;

// Nothing of it may go out: whatever is not on this machine is behind a proxy that is not there.
const QUIET = {
	'network.proxy.type': 1,
	'network.proxy.socks': '127.0.0.1',
	'network.proxy.socks_port': 9,
	'network.proxy.no_proxies_on': '127.0.0.1, localhost',
	'dom.push.enabled': false,
	'app.update.enabled': false,
	'app.normandy.enabled': false,
	'browser.shell.checkDefaultBrowser': false,
	'browser.startup.page': 0,
	'browser.startup.homepage_override.mstone': 'ignore',
	'datareporting.policy.dataSubmissionEnabled': false,
	'toolkit.telemetry.enabled': false,
	'services.settings.server': 'http://127.0.0.1:9/',
	'services.sync.log.appender.file.logOnSuccess': true,
	'extensions.getAddons.cache.enabled': false,
};

export class Firefox {
	static async start({ prefs = {} } = {}) {
		const firefox = new this();
		firefox.profile = mkdtempSync(join(tmpdir(), 'plimsoll-firefox-'));
		const port = await freePort();
		const all = Object.entries({ ...QUIET, 'marionette.port': port, ...prefs });
		writeFileSync(join(firefox.profile, 'user.js'), all.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''));
		const flags = ['--headless', '--marionette', '--remote-allow-system-access', '--no-remote', '--profile', firefox.profile];
		firefox.process = spawn('firefox-esr', flags, { stdio: 'ignore', env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1', HOME: firefox.profile } });
		firefox.ended = new Promise((resolve) => firefox.process.on('exit', resolve).on('error', resolve));
		try {
			await firefox.#connect(port);
			await firefox.command('WebDriver:NewSession', { capabilities: { alwaysMatch: {} } });
			await firefox.command('WebDriver:SetTimeouts', { script: 120000, implicit: 20000, pageLoad: 60000 });
		} catch (error) {
			await firefox.stop();
			throw error;
		}
		return firefox;
	}

	async #connect(port) {
		for (const until = Date.now() + START_MS; ; await sleep(100)) {
			this.socket = net.connect(port, '127.0.0.1');
			const failure = await new Promise((resolve) => this.socket.once('connect', resolve).once('error', resolve));
			if (!failure) break;
			if (Date.now() > until || this.process.exitCode !== null) throw new Error(`Firefox does not listen: ${failure}`);
		}
		this.waiting = new Map();
		this.next = 1;
		let got = Buffer.alloc(0);
		this.socket.on('data', (bytes) => {
			got = Buffer.concat([got, bytes]);
			for (;;) {
				// "LENGTH:JSON"
				const colon = got.indexOf(':');
				const length = Number(got.subarray(0, colon));
				if (colon < 0 || got.length < colon + 1 + length) return;
				const message = JSON.parse(got.subarray(colon + 1, colon + 1 + length));
				got = got.subarray(colon + 1 + length);
				if (Array.isArray(message)) this.#answer(message);
			}
		});
		this.socket.on('error', () => {});
		this.socket.on('close', () => this.waiting.forEach(({ reject }) => reject(new Error('Firefox has ended'))));
	}

	#answer([, id, error, result]) {
		const { resolve, reject } = this.waiting.get(id);
		this.waiting.delete(id);
		if (error) reject(new Error(`${error.error}: ${error.message}`));
		else resolve(result && 'value' in result ? result.value : result);
	}

	command(name, parameters = {}) {
		const id = this.next++;
		const text = JSON.stringify([0, id, name, parameters]);
		const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
		this.socket.write(`${Buffer.byteLength(text)}:${text}`);
		return answer;
	}

	// Runs the body of an async function in the browser itself; args are its arguments. One at a time: the context
	// that scripts run in is the session's.
	async chrome(body, ...args) {
		await this.command('Marionette:SetContext', { value: 'chrome' });
		try {
			const script = `const done = arguments[arguments.length - 1];
				(async (...args) => { ${body} })(...Array.prototype.slice.call(arguments, 0, -1))
					.then((value) => done({ value }), (error) => done({ error: String(error) + "\\n" + error?.stack }));`;
			const { value, error } = await this.command('WebDriver:ExecuteAsyncScript', { script, args, sandbox: 'system', newSandbox: false });
			if (error) throw new Error(error);
			return value;
		} finally {
			await this.command('Marionette:SetContext', { value: 'content' });
		}
	}

	goTo(url) {
		return this.command('WebDriver:Navigate', { url });
	}

	async #element(selector) {
		return (await this.command('WebDriver:FindElement', { using: 'css selector', value: selector }))[ELEMENT];
	}

	async type(selector, text) {
		await this.command('WebDriver:ElementSendKeys', { id: await this.#element(selector), text });
	}

	// The same in the place of what is there.
	async enter(selector, text) {
		await this.script('document.querySelector(arguments[0]).value = "";', selector);
		await this.type(selector, text);
	}

	// Runs the body of a function in the page.
	script(script, ...args) {
		return this.command('WebDriver:ExecuteScript', { script, args });
	}

	async click(selector) {
		await this.command('WebDriver:ElementClick', { id: await this.#element(selector) });
	}

	// Waits until a screen of our pages is shown, and something is said there; its text.
	async screen(name, says = /./, seconds = 30) {
		let shown;
		for (const until = Date.now() + seconds * 1000; Date.now() < until; await sleep(100)) {
			shown = await this.script('const s = document.querySelector("[data-screen]:not([hidden])"); return s && [s.dataset.screen, s.innerText];');
			if (shown?.[0] === name && says.test(shown[1])) return shown[1];
		}
		throw new Error(`the screen ${name} did not come, but ${shown}`);
	}

	async stop() {
		this.socket?.destroy();
		this.process.kill('SIGTERM');
		const gentle = setTimeout(() => this.process.kill('SIGKILL'), 5000);
		await this.ended;
		clearTimeout(gentle);
		rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
	}
}
