// A service, the example site and a browser, and the ways a person goes through them.
import assert from 'node:assert/strict';
import { Client, mailedLink } from '../../harness/client.mjs';
import { startFront } from '../../harness/front.mjs';
import { freePort, startPlimsoll } from '../../harness/plimsoll.mjs';
import { stretched } from '../../harness/stretched.mjs';
import {
	chooseNewPassword,
	enterAddress,
	launchBrowser,
	newContext,
	openDialog,
	screenShown,
	signedInAs,
	startExample,
} from './browser.mjs';

export const PASSWORD = 'tidal pässwörd 7';

// The posts that a context's pages send from now on: [{ url, body }].
export function recordPosts(context) {
	const posts = [];
	context.on('request', (request) => {
		if (request.method() === 'POST') posts.push({ url: request.url(), body: request.postData() ?? '' });
	});
	return posts;
}

// Options: front, a kind of test/harness/front.mjs that the service stands behind, with https; or start,
// which makes the service, and caFile, whom to trust if it speaks https itself. flags, whole: of the browser.
export async function startWorld({ front, start = startPlimsoll, caFile, flags, whole } = {}) {
	const world = new World();
	try {
		if (front) await world.startBehind(front);
		else world.server = await start();
		// The site asks the service for itself, and Python's OpenSSL trusts whom the variable says.
		const trusted = front ? world.front.caFile : caFile;
		const env = trusted ? { SSL_CERT_FILE: trusted } : {};
		world.example = await startExample(world.server.url, env);
		world.browser = await launchBrowser({ flags, whole });
	} catch (error) {
		await world.stop();
		throw error;
	}
	return world;
}

class World {
	async stop() {
		await this.browser?.close();
		await this.example?.stop();
		await this.front?.stop();
		await this.server?.stop();
	}

	async startBehind(kind) {
		const port = await freePort();
		this.server = await startPlimsoll({
			conf: {
				plimsoll: { public_url: `https://127.0.0.1:${port}` },
				http: { trusted_proxies: '127.0.0.1', proxy_protocol: kind === 'haproxy-proxy-protocol' ? 'yes' : 'no' },
			},
			probeFrom: '127.0.0.9', // who looks whether it is ready is no proxy
		});
		this.front = await startFront(kind, this.server.ports.web, { port, healthPort: this.server.ports.health });
	}

	// Does the password open the account? Asked as a page does, which costs the server little.
	async opens(email, password) {
		const client = new Client(this.server.url);
		const how = (await client.get(`/wsapi/password_kdf?email=${encodeURIComponent(email)}`)).json;
		const { kdf } = how;
		const answer = kdf === 'plain' ? await client.login(email, password) : await client.login(email, stretched(password, how), { kdf });
		return answer.json.success;
	}

	// A context with the session of a client of test/harness/client.mjs.
	async contextOf(client, options) {
		const context = await newContext(this.browser, options);
		const [name, value] = client.session;
		await context.addCookies([{ name, value, url: this.server.url, httpOnly: true }]);
		return context;
	}

	// The example site's page, signed out.
	async openSite(context) {
		const site = await context.newPage();
		await site.goto(this.example.url);
		await site.locator('#out:not([hidden])').waitFor();
		return site;
	}

	// Signs up at the example site up to "check your mail"; resolves to the dialog.
	async signUpUntilMail(site, email) {
		const dialog = await openDialog(site);
		await enterAddress(dialog, email);
		await chooseNewPassword(dialog, PASSWORD);
		await screenShown(dialog, 'mail');
		return dialog;
	}

	// Opens the link of the newest mail to that address; path: if it leads there.
	async openLink(context, email, path = '/verify_email_address') {
		const page = await context.newPage();
		const link = await mailedLink(this.server, email, { page: path });
		await page.goto(link.href);
		return page;
	}

	// An account made through the pages; resolves to the example site's page, signed in.
	async signUp(context, email) {
		const site = await this.openSite(context);
		await this.signUpUntilMail(site, email);
		const landing = await this.openLink(context, email);
		await screenShown(landing, 'done');
		assert.ok(await signedInAs(site, email));
		await landing.close();
		return site;
	}
}
