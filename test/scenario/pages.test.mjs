// Pages, scripts and documents of the service: their headers, conditional requests, compressed
// forms, and what is not there. Then the health paths.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { Script } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { Client } from '../harness/client.mjs';
import { plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { once } from './lib/raw.mjs';

const LANDINGS = ['/verify_email_address', '/confirm', '/add_email_address', '/reset_password', '/complete_transition'];
const PAGES = ['/', '/sign_in', '/auth', '/provision', '/verify_email_address', ...LANDINGS.map((path) => `${path}?token=x`), '/sign_in?AUTH_RETURN', '/about', '/en/tos', '/pt-BR/privacy', '/unsupported_dialog', '/unsupported_dialog_without_watch', '/cookies_disabled'];
const SCRIPTS = [
	'/include.js', '/include.orig.js', '/provisioning_api.js', '/provisioning_api.orig.js', '/authentication_api.js', '/authentication_api.orig.js',
];
const DIALOGS = ['/', '/sign_in', '/auth'];
const FRAMED = ['/communication_iframe', '/relay'];
const CSP = /^default-src 'self'; .*frame-ancestors 'none'$/;

let server;
let client;
before(async () => {
	server = await startPlimsoll();
	client = new Client(server.url);
});
after(() => server?.stop());

function isGuarded(answer, note) {
	assert.match(answer.headers['content-security-policy'] ?? '', CSP, note);
	assert.equal(answer.headers['x-frame-options'], 'DENY', note);
	assert.equal(answer.headers['x-content-type-options'], 'nosniff', note);
	assert.equal(answer.headers['referrer-policy'], 'same-origin', note);
	assert.equal(answer.headers['strict-transport-security'], undefined, 'only over https');
}

test('every page: 200, HTML, the security headers, no cookie', async () => {
	for (const page of PAGES) {
		const answer = await client.get(page);
		assert.equal(answer.status, 200, page);
		assert.match(answer.headers['content-type'], /^text\/html; *charset=utf-8$/i, page);
		assert.match(answer.text, /^<!doctype html>/i, page);
		assert.equal(answer.headers['set-cookie'], undefined, page);
		assert.equal(answer.headers['cache-control'], 'public, max-age=0, must-revalidate', page);
		assert.equal(answer.headers.vary, 'Accept-Encoding,Accept-Language', page);
		isGuarded(answer, page);
	}
});

test('who may be framed, and whom the dialog and the account manager may frame: providers over https, on this machine also http', async () => {
	for (const page of FRAMED) {
		const answer = await client.get(page);
		assert.equal(answer.status, 200, page);
		assert.equal(answer.headers['x-frame-options'], undefined, page);
		assert.match(answer.headers['content-security-policy'], /^default-src 'self'; .*frame-ancestors \*$/, page);
	}
	const policy = async (page) => (await client.get(page)).headers['content-security-policy'];
	for (const page of DIALOGS) assert.match(await policy(page), /; frame-src https: http:; /, page);
	for (const page of PAGES.filter((one) => !DIALOGS.includes(one.split('?')[0]))) assert.doesNotMatch(await policy(page), /frame-src/, page);
	const conf = { plimsoll: { public_url: 'https://id.example.org' }, identity: { signup: 'closed' } };
	const elsewhere = await startPlimsoll({ conf });
	try {
		const far = new Client(`http://127.0.0.1:${elsewhere.ports.web}`);
		for (const page of DIALOGS) assert.match((await far.get(page)).headers['content-security-policy'], /; frame-src https:; /, page);
	} finally {
		await elsewhere.stop();
	}
});

test('the scripts that providers load', async () => {
	for (const name of ['provisioning_api', 'authentication_api']) {
		const answer = await client.get(`/${name}.js`);
		assert.match(answer.headers['content-type'], /^text\/javascript/);
		assert.equal(answer.headers['set-cookie'], undefined);
		assert.match((await client.get(`/${name}.orig.js`)).text, /navigator\.id/);
	}
});

test('what the pages load is there, and nothing of it is inline or foreign', async () => {
	for (const page of [...PAGES.slice(0, 5), ...FRAMED]) {
		const { text } = await client.get(page);
		assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=/i, `${page} would break its own policy`);
		const links = [...text.matchAll(/(?:src|href)="([^"#?]+)[^"]*"/g)].map((m) => m[1]);
		assert.ok(links.length > 0, page);
		for (const link of links) {
			const url = new URL(link, `${server.url}${page}`);
			assert.equal(url.origin, new URL(server.url).origin, `${page}: ${link}`);
			const answer = await client.get(url.pathname);
			assert.equal(answer.status, 200, `${page}: ${link}`);
			isGuarded(answer, link);
		}
	}
});

test('modules load what is there', async () => {
	const seen = new Set();
	const visit = async (pathname) => {
		if (seen.has(pathname)) return;
		seen.add(pathname);
		const { status, text, headers } = await client.get(pathname);
		assert.equal(status, 200, pathname);
		assert.match(headers['content-type'], /^text\/javascript/, pathname);
		for (const [, name] of text.matchAll(/^(?:import|export)\s[^'"]*['"](\.[^'"]+)['"]/gm)) {
			await visit(new URL(name, `${server.url}${pathname}`).pathname);
		}
	};
	for (const page of [...PAGES.slice(0, 5), ...FRAMED]) {
		const { text } = await client.get(page);
		for (const [, src] of text.matchAll(/<script[^>]*src="([^"]+)"/g)) await visit(new URL(src, `${server.url}${page}`).pathname);
	}
	assert.ok(seen.size >= 5, [...seen].join());
});

test('an ETag that comes back is answered with 304 and the same headers', async () => {
	for (const path of [...PAGES, ...SCRIPTS, '/favicon.ico', '/identity/style.css']) {
		for (const encoding of ['identity', 'gzip']) {
			const headers = { 'accept-encoding': encoding };
			const first = await client.get(path, { headers });
			const { etag } = first.headers;
			assert.match(etag, /^"[^"]+"$/, path);
			for (const match of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
				const again = await client.get(path, { headers: { ...headers, 'if-none-match': match } });
				assert.equal(again.status, 304, `${path} ${match}`);
				assert.equal(again.bytes.length, 0);
				assert.equal(again.headers.etag, etag);
				assert.equal(again.headers['cache-control'], first.headers['cache-control']);
				assert.equal(again.headers.vary, first.headers.vary);
			}
			assert.equal((await client.get(path, { headers: { ...headers, 'if-none-match': '"other"' } })).status, 200, path);
		}
	}
});

test('include.js: small, compressed where the client can, revalidated, no state', async () => {
	const plain = await client.get('/include.js', { headers: { 'accept-encoding': 'identity' } });
	const packed = await client.get('/include.js', { headers: { 'accept-encoding': 'gzip, deflate, br' } });
	assert.match(plain.headers['content-type'], /^text\/javascript/);
	assert.equal(plain.headers['content-encoding'], undefined);
	assert.equal(packed.headers['content-encoding'], 'gzip');
	assert.match(packed.headers.vary, /accept-encoding/i);
	assert.match(plain.headers.vary, /accept-encoding/i);
	assert.ok(gunzipSync(packed.bytes).equals(plain.bytes), 'the same file');
	assert.ok(packed.bytes.length < 5000, `${packed.bytes.length} bytes`);
	assert.ok(plain.bytes.length < 20000, `${plain.bytes.length} bytes`);
	assert.notEqual(packed.headers.etag, plain.headers.etag);
	assert.match(plain.text, /navigator\.id/);
	for (const accept of ['gzip;q=0', 'identity, gzip;q=0', 'br']) {
		const answer = await client.get('/include.js', { headers: { 'accept-encoding': accept } });
		assert.equal(answer.headers['content-encoding'], undefined, accept);
	}
	assert.equal(plain.headers['set-cookie'], undefined);
});

test('a part of a file', async () => {
	const whole = await client.get('/include.js', { headers: { 'accept-encoding': 'identity' } });
	const part = await client.get('/include.js', { headers: { range: 'bytes=10-19' } });
	assert.equal(part.status, 206);
	assert.equal(part.headers['content-range'], `bytes 10-19/${whole.bytes.length}`);
	assert.ok(part.bytes.equals(whole.bytes.subarray(10, 20)));
	const beyond = await client.get('/include.js', { headers: { range: 'bytes=1000000-' } });
	assert.equal(beyond.status, 416);
	assert.equal(beyond.headers['content-range'], `bytes */${whole.bytes.length}`);
});

test('content-hashed addresses are kept for ever, old hashes are not', async () => {
	const { text } = await client.get('/');
	const hashed = /\/v\/[0-9a-f]+\/[\w./-]+/.exec(text)?.[0];
	const hash = hashed ? hashed.split('/')[2] : (await client.get('/identity/style.css', { headers: { 'accept-encoding': 'identity' } })).headers.etag.slice(1, -1);
	const path = hashed ?? `/v/${hash}/identity/style.css`;
	const answer = await client.get(path);
	assert.equal(answer.status, 200, path);
	assert.match(answer.headers['cache-control'], /max-age=31536000, immutable/);
	const old = await client.get(path.replace(hash, '0'.repeat(hash.length)));
	assert.equal(old.status, 200);
	assert.match(old.headers['cache-control'], /must-revalidate/);
	assert.equal((await client.get(`/v/${hash}/identity/none.css`)).status, 404);
});

test('pages load under the hash of all files, which modules share; any site page may load them', async () => {
	const { text } = await client.get('/sign_in');
	const [, base] = /src="(\/v\/[0-9a-f]{10}\/identity\/)dialog\.js"/.exec(text);
	assert.doesNotMatch(text, /"\/identity\//, 'nothing under a path that is asked for again each time');
	for (const name of ['dialog.js', 'style.css', 'messages.en.js', 'favicon.svg']) {
		const answer = await client.get(base + name);
		assert.match(answer.headers['cache-control'], /immutable/, name);
		assert.equal(answer.headers['access-control-allow-origin'], server.url, name);
	}
	for (const path of ['/favicon.ico', '/include.js', '/identity/style.css']) {
		assert.equal((await client.get(path)).headers['access-control-allow-origin'], server.url, path);
	}
	assert.equal((await client.get('/sign_in')).headers['access-control-allow-origin'], undefined);
});

test('texts for frames of sites: framable, the same text; no other page is', async () => {
	for (const name of ['tos', 'privacy']) {
		const embedded = await client.get(`/en/embedded_${name}`);
		assert.equal(embedded.status, 200);
		assert.equal(embedded.headers['x-frame-options'], undefined);
		assert.match(embedded.headers['content-security-policy'], /frame-ancestors \*$/);
		assert.equal(embedded.headers['x-content-type-options'], 'nosniff');
		assert.equal(embedded.text, (await client.get(`/en/${name}`)).text);
		for (const lang of ['xx', 'de', 'zh-Hant-TW']) assert.equal((await client.get(`/${lang}/${name}`)).status, 200, lang);
		for (const lang of ['e', 'en_US', '1', '..', 'en-', 'e1', 'identity', `en-${'x'.repeat(33)}`]) assert.equal((await client.get(`/${lang}/${name}`)).status, 404, lang);
	}
	assert.equal((await client.get('/wsapi/tos')).status, 400, 'no language');
	assert.match((await client.get('/en/tos')).text, /has not written terms of service/);
	assert.match((await client.get('/en/privacy')).text, /<h1>Privacy<\/h1>/);
});

test('pages without scripts: in the language of the reader, or of the path', async () => {
	const ask = (path, language) => client.get(path, { headers: { 'accept-language': language } });
	for (const path of ['/about', '/unsupported_dialog', '/unsupported_dialog_without_watch', '/cookies_disabled']) {
		const [german, english] = [await ask(path, 'de-CH, en;q=0.8'), await ask(path, 'fr, en-GB;q=0.9, de;q=0.5')];
		assert.match(german.text, /<html lang="de">/, path);
		assert.match(english.text, /<html lang="en">/, path);
		assert.notEqual(german.headers.etag, english.headers.etag, path);
		assert.equal(german.headers.vary, 'Accept-Encoding,Accept-Language', path);
		assert.match(german.headers['content-security-policy'], CSP, path);
		assert.equal((await client.get(path)).text, english.text, `${path}: of whoever says nothing`);
		const known = { 'accept-language': 'de', 'if-none-match': german.headers.etag };
		assert.equal((await client.get(path, { headers: known })).status, 304, path);
		assert.equal((await client.get(path, { headers: { ...known, 'accept-language': 'en' } })).status, 200, path);
	}
	for (const path of ['/sign_in', '/include.js', '/favicon.ico']) assert.equal((await ask(path, 'de')).text, (await ask(path, 'en')).text, path);
	assert.match((await ask('/de-AT/tos', 'en')).text, /<html lang="de">[^]*<h1>Nutzungs\u00adbedingungen<\/h1>/);
	assert.match((await ask('/de/embedded_privacy', 'en')).text, /<h1>Datenschutz<\/h1>/);
	assert.match((await ask('/fr/tos', 'de')).text, /<html lang="en">[^]*<h1>Terms of service<\/h1>/);
});

test('addresses of old lead to today\'s, with and without a slash', async () => {
	for (const [path, status, to] of [['/developers', 302, '/about#sites'], ['/signin', 301, '/'], ['/signup', 301, '/'], ['/forgot', 301, '/']]) {
		for (const form of [path, `${path}/`]) {
			const answer = await client.get(form);
			assert.equal(answer.status, status, form);
			assert.equal(answer.headers.location, to, form);
			assert.equal(answer.headers['x-frame-options'], 'DENY', form);
		}
	}
});

test('/humans.txt, /.well-known/dnt-policy.txt, /ver.txt', async () => {
	for (const [path, words] of [['/humans.txt', /Plimsoll/], ['/.well-known/dnt-policy.txt', /Do Not Track/], ['/ver.txt', /^\d+\.\d+\S* plimsoll\n$/]]) {
		const answer = await client.get(path);
		assert.equal(answer.status, 200, path);
		assert.match(answer.headers['content-type'], /^text\/plain/, path);
		assert.match(answer.text, words, path);
	}
});

test('the operator\'s own texts are shown, as text; one that cannot be read is told at start', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-texts-'));
	const terms = path.join(dir, 'terms.txt');
	writeFileSync(terms, '# House rules\n\nBe kind. <script>alert(1)</script>\n\n## Tides\nTwice a day.\n');
	const own = await startPlimsoll({ conf: { identity: { terms_file: terms } } });
	try {
		const { text } = await new Client(own.url).get('/en/tos');
		assert.match(text, /<title>House rules<\/title>/);
		assert.match(text, /<h2>Tides<\/h2>\s*<p>Twice a day\.<\/p>/);
		assert.match(text, /Be kind\. &lt;script&gt;/);
		assert.equal((await new Client(own.url).get('/de/tos')).text, text, 'the same in every language');
		rmSync(terms);
		const check = spawnSync(plimsollBin(), ['check', '-c', own.confPath], { encoding: 'utf8' });
		assert.notEqual(check.status, 0);
		assert.match(check.stdout + check.stderr, /terms_file: .*terms\.txt: No such file/);
		const wrong = ['check', '-c', own.confPath, '--set', `identity.terms_file=${own.confPath}`, '--set', 'identity.asset_url=https://cdn.example/folder'];
		assert.match(spawnSync(plimsollBin(), wrong, { encoding: 'utf8' }).stderr, /asset_url: .* is not of the form/);
	} finally {
		await own.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('include.js is served small, include.orig.js as it was written', async () => {
	const [small, written] = [await client.get('/include.js'), await client.get('/include.orig.js')];
	assert.ok(small.text.length < written.text.length * 0.8, `${small.text.length} of ${written.text.length}`);
	assert.match(written.text, /Sign-in by e-mail address for a web site/);
	for (const { text } of [small, written]) assert.doesNotThrow(() => new Script(text));
});

test('/.well-known/browserid and /pk', async () => {
	for (const path of ['/.well-known/browserid', '/.well-known/browserid?domain=example.org']) {
		const answer = await client.get(path);
		assert.equal(answer.status, 200);
		assert.equal(answer.headers['content-type'], 'application/json');
		assert.equal(answer.headers['cache-control'], 'public, max-age=10');
		assert.deepEqual(Object.keys(answer.json), ['public-key', 'authentication', 'provisioning']);
		assert.equal(answer.json.authentication, '/auth');
		assert.equal(answer.json.provisioning, '/provision');
		const key = answer.json['public-key'];
		assert.deepEqual(Object.keys(key), ['algorithm', 'n', 'e']);
		assert.equal(key.algorithm, 'RS');
		assert.match(key.n, /^\d{616,617}$/);
		assert.equal(key.e, '65537');
		assert.deepEqual((await client.get('/pk')).json, key);
	}
});

test('/robots.txt and /__about__', async () => {
	const robots = await client.get('/robots.txt');
	assert.equal(robots.status, 200);
	assert.match(robots.text, /^User-agent: \*\nDisallow: /);
	for (const path of [...LANDINGS, '/auth', '/provision', ...FRAMED]) assert.ok(robots.text.includes(`\nDisallow: ${path}\n`), path);
	const about = (await client.get('/__about__')).json;
	assert.equal(about.public_url, server.url);
	assert.equal(about.admin, server.adminUrl);
	assert.equal(about.mail, 'development');
	assert.equal(about.signup, 'open');
	assert.deepEqual(about.services.map((s) => s.name), ['identity', 'sync', 'symbols', 'pairs']);
	assert.deepEqual(about.services.map((s) => s.url), [undefined, undefined, server.symbolsUrl, undefined /* the kernel chose its port */]);
});

test('what is not there', async () => {
	const paths = [
		'/nothing', '/sign_in/', '/sign_in/more', '/identity/', '/identity/none.js', '/identity/../index.html', '/include.js/x',
		'/index.html', '/.well-known/', '/.well-known/other', '/v/', '/v/x', '/outbox', '/metrics', '/status', '/%00', '/identity/%2e%2e/x',
	];
	for (const path of paths) {
		const answer = await once(server.ports.web, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
		assert.equal(answer.status, 404, path);
		assert.equal(answer.headers['x-frame-options'], 'DENY', path);
		assert.equal(answer.headers['x-content-type-options'], 'nosniff', path);
	}
});

test('an address that cannot be decoded is not there', async () => {
	for (const path of ['/%e3h', '/%', '/%zz', '/sign_in%', '/wsapi%', '/identity/%e3h', '/v/%zz/x']) {
		const answer = await once(server.ports.web, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
		assert.equal(answer.status, 404, path);
	}
});

test('HEAD: the same headers without a body', async () => {
	for (const path of [...PAGES, ...SCRIPTS, '/.well-known/browserid', '/robots.txt', '/nothing', '/wsapi/have_email', '/__heartbeat__']) {
		const get = await client.get(path);
		const head = await client.request('HEAD', path);
		assert.equal(head.status, get.status, path);
		assert.equal(head.bytes.length, 0, path);
		for (const name of ['content-type', 'content-length', 'etag', 'cache-control', 'content-security-policy']) {
			assert.equal(head.headers[name], get.headers[name], `${path} ${name}`);
		}
	}
});

test('other methods on pages', async () => {
	for (const method of ['POST', 'PUT', 'DELETE']) {
		const answer = await client.request(method, '/sign_in', { body: 'x' });
		assert.equal(answer.status, 405, method);
		assert.match(answer.headers.allow, /GET/, method);
	}
});

test('heartbeats and version, on both listeners', async () => {
	for (const base of [server.url, server.adminUrl]) {
		const asked = new Client(base);
		const beat = await asked.get('/__heartbeat__');
		assert.equal(beat.status, 200);
		assert.equal(beat.text, 'ok');
		const balancer = await asked.get('/__lbheartbeat__');
		assert.equal(balancer.status, 200);
		assert.deepEqual(balancer.json, {});
		const version = await asked.get('/__version__');
		assert.equal(version.json.name, 'plimsoll');
		assert.match(version.json.version, /^\d+\.\d+/);
	}
});

test('the admin listener: pages there, and only there', async () => {
	const admin = new Client(server.adminUrl);
	assert.match((await admin.get('/')).text, /<script type="module" src="\/files\/live\.js">/);
	assert.match((await admin.get('/metrics')).headers['content-type'], /^text\/plain; version=0\.0\.4/);
	const { json } = await admin.get('/status');
	assert.deepEqual([...new Set(json.processes.map((p) => p.role))].sort(), ['admin', 'compute', 'courier', 'files', 'media', 'signer', 'store', 'web']);
	assert.deepEqual((await admin.get('/outbox.json')).json, []);
	assert.match((await admin.get('/outbox')).text, /No mail yet/);
	assert.equal((await admin.get('/sign_in')).status, 404);
	assert.equal((await admin.get('/wsapi/session_context')).status, 404);
});
