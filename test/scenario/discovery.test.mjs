// Identity providers of other domains, looked up in the network: what their documents may be, what is
// remembered of them and for how long, what happens when they go, and where the server does not go.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { askCertificate, assertion, bundle, MINUTE, newKey, payloadOf, signed } from '../harness/assertion.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { Domains } from '../harness/domains.mjs';
import { freePort, startPlimsoll } from '../harness/plimsoll.mjs';
import { pidOf, until } from '../harness/roles.mjs';
import { isOk, isText, PASS, SITE } from './lib/wsapi.mjs';

const providerKey = newKey();
const userKey = newKey();
const DOCUMENT = { 'public-key': providerKey.publicKey, authentication: '/in', provisioning: '/prov' };
const status = (code, headers = {}) => (req, res) => res.writeHead(code, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(DOCUMENT));
const FAILED = (domain) => `can't get public key for ${domain}: ${domain} is not a browserid primary - `;
const NO_200 = 'non-200 response code to /.well-known/browserid';

const sites = {
	'good.example': DOCUMENT,
	'delegated.example': { authority: 'good.example' },
	'circle1.example': { authority: 'circle2.example' },
	'circle2.example': { authority: 'circle1.example' },
	'big.example': { ...DOCUMENT, more: 'x'.repeat(17 * 1024) },
	'slow.example': () => {},
	'trickle.example': (req, res) => {
		res.writeHead(200, { 'Content-Type': 'application/json' });
		const timer = setInterval(() => res.write(' '), 50);
		res.on('close', () => clearInterval(timer));
	},
	'redirect.example': status(302, { Location: 'https://good.example/.well-known/browserid' }),
	'missing.example': status(404),
	'type.example': (req, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end(JSON.stringify(DOCUMENT)),
	'garbage.example': (req, res) => res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"authentication":'),
	'keyless.example': { authentication: '/in', provisioning: '/prov' },
	'disabled.example': { disabled: true },
	'gone.example': { headers: { 'Cache-Control': 'max-age=0' }, document: DOCUMENT },
	'later.example': status(404),
	'short.example': { headers: { 'Cache-Control': 'public, max-age=0' }, document: DOCUMENT },
	'many.example': (req, res) => setTimeout(() => res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(DOCUMENT)), 1000),
	'bridge.example': DOCUMENT,
	'forced.example': status(404),
	'fresh.example': DOCUMENT,
};
for (let i = 1; i <= 6; i++) sites[`long${i}.example`] = { authority: `long${i + 1}.example` };

const strangers = new Domains({ 'untrusted.example': DOCUMENT, 'othername.example': DOCUMENT });
const domains = new Domains(sites);
let server;

before(async () => {
	await domains.start();
	await strangers.start({ names: ['untrusted.example'] });
	server = await startPlimsoll({ conf: config({ provider_private: 'yes' }) });
});
after(async () => {
	await server?.stop();
	await domains.stop();
	await strangers.stop();
});

function config(more = {}) {
	const hosts = [
		...Object.keys(sites).map((name) => `${name}=127.0.0.1:${domains.port}`),
		`untrusted.example=127.0.0.1:${strangers.port}`,
		// A certificate that is trusted, but of other names.
		`othername.example=127.0.0.1:${domains.port}`,
		'nobody.example=127.0.0.1:1',
		'no.such.domain=127.0.0.1:1',
		'bridged.example=127.0.0.1:1',
	];
	const identity = {
		primaries: 'yes', test_doors: 'yes', provider_ca: domains.ca, provider_hosts: hosts,
		provider_timeout: '1500ms', provider_cache_min: '400ms', provider_cache_failed: '400ms',
		proxy_idps: 'bridged.example=bridge.example', forcible_issuers: 'forced.example, other.example', ...more,
	};
	return { identity, web: { instances: 1 }, log: { level: 'info' } };
}

let counter = 0;
const at = (domain) => `u${++counter}@${domain}`;
const newClient = () => new Client(server.url);
const info = async (email, of = server) => (await new Client(of.url).get(`/wsapi/address_info?email=${encodeURIComponent(email)}`)).json;
const cert = (email, iss, key = providerKey) => signed({ 'public-key': userKey.publicKey, principal: { email }, iat: Date.now() - MINUTE, exp: Date.now() + 10 * MINUTE, iss }, key);
const proof = (email, iss, aud = SITE) => bundle([cert(email, iss)], assertion(userKey, aud));
const verify = async (text, more = {}) => (await newClient().request('POST', '/verify', { body: JSON.stringify({ assertion: text, audience: SITE, ...more }) })).json;
const signIn = (client, email, iss) => client.post('/wsapi/auth_with_assertion', { assertion: proof(email, iss, server.url), ephemeral: false });
// Log lines are written some times a second.
async function isLogged(of, pattern) {
	for (let i = 0; i < 40 && !pattern.test(of.stderr()); i++) await sleep(50);
	assert.match(of.stderr(), pattern);
}
// Waits until what is kept of a domain for the shortest time has run out.
const expire = () => sleep(450);

test('a domain with a document speaks for its addresses', async () => {
	const email = at('Good.Example');
	assert.deepEqual(await info(email), { type: 'primary', issuer: 'good.example', auth: 'https://good.example/in', prov: 'https://good.example/prov', state: 'unknown' });
	assert.deepEqual(domains.asked.filter((line) => line.startsWith('good.')), ['good.example /.well-known/browserid?domain=good.example']);
	const client = newClient();
	assert.equal((await signIn(client, email, 'good.example')).json.success, true);
	assert.equal((await info(email)).state, 'known');
	const good = await verify(proof(email, 'good.example'));
	assert.deepEqual([good.status, good.email, good.issuer], ['okay', email, 'good.example'], JSON.stringify(good));
	const discovered = (await newClient().get('/wsapi/discovery?domain=good.example')).json;
	assert.deepEqual(discovered, { 'public-key': providerKey.publicKey, authentication: 'https://good.example/in', provisioning: 'https://good.example/prov' });
	assert.equal(domains.count('good.example'), 1, 'what is known is not asked again');
});

test('one domain speaks for another, which is asked for by the first name', async () => {
	const email = at('delegated.example');
	assert.deepEqual(await info(email), { type: 'primary', issuer: 'good.example', auth: 'https://good.example/in', prov: 'https://good.example/prov', state: 'unknown' });
	assert.ok(domains.asked.includes('good.example /.well-known/browserid?domain=delegated.example'));
	assert.equal((await signIn(newClient(), email, 'good.example')).json.success, true);
	assert.deepEqual(await verify(proof(email, 'delegated.example')), { status: 'failure', reason: "can't get public key for delegated.example: another domain speaks for it" });
	assert.equal((await verify(proof(at('missing.example'), 'good.example'))).reason, "issuer 'good.example' may not speak for emails from 'missing.example'");
});

test('a bridge speaks for a domain that has no document', async () => {
	const email = at('bridged.example');
	assert.equal((await info(email)).issuer, 'bridge.example');
	assert.equal((await signIn(newClient(), email, 'bridge.example')).json.success, true);
	assert.ok(domains.asked.includes('bridge.example /.well-known/browserid?domain=bridged.example'));
	assert.deepEqual((await newClient().get('/.well-known/browserid?domain=bridged.example')).json, { authority: 'bridge.example' });
	assert.ok((await newClient().get('/.well-known/browserid?domain=good.example')).json['public-key']);
});

test('what is no provider, and why', async () => {
	const rows = {
		'missing.example': NO_200,
		'redirect.example': NO_200,
		'nobody.example': NO_200,
		'no.such.domain': NO_200,
		'slow.example': 'timeout trying to load /.well-known/browserid',
		'trickle.example': 'timeout trying to load /.well-known/browserid',
		'big.example': 'too long a response to /.well-known/browserid',
		'type.example': "non 'application/json' response to /.well-known/browserid",
		'garbage.example': 'bad support document at /.well-known/browserid',
		'keyless.example': 'bad support document at /.well-known/browserid',
		'untrusted.example': 'no trusted certificate for /.well-known/browserid',
		'othername.example': 'no trusted certificate for /.well-known/browserid',
	};
	await Promise.all(Object.entries(rows).map(async ([domain, why]) => {
		assert.deepEqual(await verify(proof(at(domain), domain)), { status: 'failure', reason: FAILED(domain) + why });
	}));
	assert.equal((await verify(proof(at('circle1.example'), 'circle1.example'))).reason, "can't get public key for circle1.example: too many delegations, or they lead in a circle");
	assert.equal((await verify(proof(at('long1.example'), 'long1.example'))).reason, "can't get public key for long1.example: too many delegations, or they lead in a circle");
	assert.equal((await verify(proof(at('disabled.example'), 'disabled.example'))).reason, "can't get public key for disabled.example: the domain has switched its identity provider off");
	for (const domain of ['missing.example', 'type.example', 'disabled.example']) {
		assert.deepEqual(await info(at(domain)), { type: 'secondary', issuer: '127.0.0.1', disabled: domain === 'disabled.example', state: 'unknown' });
	}
	assert.equal(strangers.count('untrusted.example'), 0);
	isText(await newClient().post('/wsapi/used_address_as_primary', { email: at('missing.example') }), 400, 'Bad Request: requires authentication');
});

test('who asks for the same domain at the same time waits for one answer; others do not wait', async () => {
	const asks = Array.from({ length: 20 }, () => info(at('many.example')));
	let answered = 0;
	for (const ask of asks) ask.then(() => answered++, () => answered++);
	assert.equal((await newClient().get('/wsapi/ping')).text, 'ok');
	assert.equal((await info(at('good.example'))).type, 'primary');
	assert.equal(answered, 0, 'a slow domain holds up nobody else');
	for (const answer of await Promise.all(asks)) assert.equal(answer.type, 'primary');
	assert.equal(domains.count('many.example'), 1);
});

test('an answer is kept as long as its server says, within bounds', async () => {
	await info(at('short.example'));
	await info(at('short.example'));
	assert.equal(domains.count('short.example'), 1, 'kept at least for provider_cache_min');
	await expire();
	await info(at('short.example'));
	assert.equal(domains.count('short.example'), 2);
	assert.equal(domains.count('good.example'), 2, 'once for itself, once for the one it speaks for');
});

test('a provider that was there lately and is not now is offline; one that says so is not', async () => {
	const email = at('gone.example');
	assert.equal((await signIn(newClient(), email, 'gone.example')).json.success, true);
	const there = sites['gone.example'];
	sites['gone.example'] = status(500);
	await expire();
	assert.deepEqual(await info(email), { type: 'secondary', issuer: '127.0.0.1', disabled: false, normalizedEmail: email, state: 'offline' });
	assert.equal((await info(at('gone.example'))).state, 'unknown', 'only addresses that are known');
	sites['gone.example'] = there;
	await expire();
	assert.equal((await info(email)).state, 'known', 'and is back');
	sites['gone.example'] = { headers: there.headers, document: { disabled: true } };
	await expire();
	const off = await info(email);
	assert.deepEqual([off.disabled, off.state], [true, 'transition_no_password']);
	sites['gone.example'] = status(500);
	await expire();
	assert.equal((await info(email)).state, 'transition_no_password', 'it was forgotten');
});

test('a domain with a provider takes from this server the right to speak for it', async () => {
	const email = at('later.example');
	const client = await signUp(server, email, PASS);
	const own = (await askCertificate(client, email, userKey)).text;
	const text = () => bundle([own], assertion(userKey, SITE));
	assert.equal((await verify(text())).status, 'okay');
	sites['later.example'] = DOCUMENT;
	await expire();
	assert.deepEqual(await verify(text()), { status: 'failure', reason: "issuer '127.0.0.1' may not speak for emails from 'later.example'" });
	isText(await askCertificate(client, email, userKey), 400, 'Bad Request: Invalid issuer, unable to issue certificate');
	assert.equal((await info(email)).state, 'transition_to_primary');
	isOk(await client.post('/wsapi/used_address_as_primary', { email }));
	assert.equal((await info(email)).state, 'known');
});

test('another issuer of ours, where it is configured and asked for', async () => {
	const email = at('good.example');
	const client = await signUp(server, at('missing.example'), PASS);
	isOk(await client.post('/wsapi/add_email_with_assertion', { assertion: proof(email, 'good.example', server.url) }));
	const forced = await askCertificate(client, email, userKey, { forceIssuer: 'forced.example' });
	assert.equal(forced.status, 200, forced.text);
	assert.equal(payloadOf(forced.text).iss, 'forced.example');
	isText(await askCertificate(client, email, userKey, { forceIssuer: 'else.example' }), 400, 'Bad Request: Invalid issuer, unable to issue certificate');
	const text = bundle([forced.text], assertion(userKey, SITE));
	const good = await verify(text, { experimental_forceIssuer: 'forced.example' });
	assert.deepEqual([good.status, good.email, good.issuer], ['okay', email, 'forced.example'], JSON.stringify(good));
	assert.equal((await verify(text)).reason, FAILED('forced.example') + NO_200, 'only where it is asked for');
	assert.equal((await verify(text, { experimental_forceIssuer: 'other.example' })).reason, FAILED('forced.example') + NO_200);
	const answer = (await newClient().get(`/wsapi/address_info?email=${email}&issuer=forced.example`)).json;
	assert.deepEqual([answer.type, answer.issuer, answer.state], ['secondary', 'forced.example', 'known']);
});

test('fetches are counted and logged; doors for tests are announced', async () => {
	const text = await (await fetch(`${server.adminUrl}/metrics`)).text();
	for (const outcome of ['success', 'error']) {
		const count = text.match(new RegExp(`fetch_well_known_${outcome}_seconds_count\\{role="courier"[^}]*\\} (\\d+)`));
		assert.ok(Number(count?.[1]) > 3, `${outcome} ${count}`);
	}
	await isLogged(server, /document_fetched host=good\.example outcome=fetched status=200/);
	await isLogged(server, /no_document host=redirect\.example .*status=302/);
	await isLogged(server, /providers_at_other_addresses/);
	await isLogged(server, /private_addresses_are_allowed/);
});

test('the courier dies: what is known goes on, and what is not is asked when it is back', async () => {
	process.kill(await pidOf(server, 'courier'), 'SIGKILL');
	const known = await new Client(server.url).get(`/wsapi/address_info?email=${at('bridge.example')}`);
	assert.equal(known.json?.type, 'primary', known.text);
	assert.equal((await newClient().get('/wsapi/ping')).text, 'ok');
	// Until then nobody can tell, which is not the same as that there is none.
	const answers = [];
	await until('the courier is back', async () => {
		answers.push(await newClient().get(`/wsapi/address_info?email=${at('fresh.example')}`));
		return answers.at(-1).json?.type === 'primary';
	});
	for (const answer of answers.slice(0, -1)) assert.equal(answer.status, 503, answer.text);
});

test('private addresses are not asked, whatever the name says', async () => {
	const before = domains.asked.length;
	const other = await startPlimsoll({ conf: config() });
	try {
		assert.equal((await info(at('good.example'), other)).type, 'secondary');
		const client = new Client(other.url);
		const answer = (await client.request('POST', '/verify', { body: JSON.stringify({ assertion: proof(at('good.example'), 'good.example'), audience: SITE }) })).json;
		assert.equal(answer.reason, FAILED('good.example') + NO_200, 'and it is not told from one that is not there');
		assert.equal(domains.asked.length, before);
		await isLogged(other, /no_document host=good\.example outcome="not an address of the public internet"/);
		// Names that are addresses are no domains.
		assert.equal((await info('a@10.0.0.1', other)).type, 'secondary');
		assert.doesNotMatch(other.stderr(), /host=10\.0\.0\.1/);
		assert.deepEqual(Object.keys((await client.get('/wsapi/discovery?domain=127.0.0.1')).json), ['public-key', 'authentication', 'provisioning']);
		assert.equal(domains.asked.length, before);
	} finally {
		await other.stop();
	}
});

test('over plain http for tests, one at a time; and through a proxy', async () => {
	const slow = ['s1.example', 's2.example', 's3.example', 's4.example'];
	const plain = await new Domains({ 'good.example': DOCUMENT, ...Object.fromEntries(slow.map((name) => [name, () => {}])) }).start({ tls: false });
	const ports = { web: await freePort(), admin: await freePort() };
	try {
		const conf = (identity) => ({ identity: { primaries: 'yes', test_doors: 'yes', ...identity }, web: { instances: 1 }, log: { level: 'info' } });
		const hosts = ['good.example', ...slow].map((name) => `${name}=127.0.0.1:${plain.port}`);
		const first = await startPlimsoll({ conf: conf({ provider_plain_http: 'yes', provider_hosts: hosts, provider_parallel: 1, provider_timeout: '800ms' }), ports });
		try {
			assert.equal((await info(at('good.example'), first)).auth, 'http://good.example/in');
			await isLogged(first, /providers_over_plain_http/);
			// Whose turn does not come in time is not taken for one without a provider.
			const answers = await Promise.all(slow.map((name) => new Client(first.url).get(`/wsapi/address_info?email=${at(name)}`)));
			const statuses = answers.map((answer) => answer.status).sort();
			assert.deepEqual([statuses.at(0), statuses.at(-1)], [200, 503], statuses.join());
			assert.equal((await info(at('good.example'), first)).type, 'primary');
		} finally {
			await first.stop();
		}
		// Nothing resolves the name: the proxy gets it as it is.
		const asked = [];
		plain.server.on('connect', (req, socket) => {
			asked.push(req.url);
			socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
		});
		const second = await startPlimsoll({ conf: conf({ provider_proxy: `http://127.0.0.1:${plain.port}` }), ports });
		try {
			assert.equal((await info(at('good.example'), second)).type, 'secondary');
			assert.deepEqual(asked, ['good.example:443']);
		} finally {
			await second.stop();
		}
	} finally {
		await plain.stop();
	}
});

test('nothing is looked up where public_url is on this machine and nobody said so, or with primaries = no', async () => {
	const before = domains.asked.length;
	const ports = { web: await freePort(), admin: await freePort() };
	for (const primaries of ['auto', 'no']) {
		const other = await startPlimsoll({ conf: config({ primaries, provider_private: 'yes' }), ports });
		try {
			assert.equal((await info(at('good.example'), other)).type, 'secondary', primaries);
		} finally {
			await other.stop();
		}
	}
	assert.equal(domains.asked.length, before);
});
