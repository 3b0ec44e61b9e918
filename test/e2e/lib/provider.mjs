// Identity providers of other domains for a service in a test: the example provider, and one whose pages
// were made for Persona: they talk through the library that its scripts held (npm's js-channel), and
// know nothing of what is new here.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MINUTE, newKey, signed } from '../../harness/assertion.mjs';
import { freePort, startPlimsoll } from '../../harness/plimsoll.mjs';
import { answers } from './browser.mjs';

const EXAMPLE = fileURLToPath(new URL('../../../example/provider.py', import.meta.url));
const CHANNEL = path.join(path.dirname(createRequire(import.meta.url).resolve('js-channel/package.json')), 'src/jschannel.js');

export const KEEPER = { email: 'keeper@provider.example', password: 'lighthouse' };
export const channelSource = () => readFileSync(CHANNEL, 'utf8');

// The example provider of provider.example. row: what [identity] shimmed_primaries says of it.
async function startExampleProvider(identityUrl, dir) {
	const port = await freePort();
	const url = `http://localhost:${port}`;
	const args = [EXAMPLE, '--port', String(port), '--identity', identityUrl, '--data', dir];
	const child = spawn('python3', args, { stdio: ['ignore', 'ignore', 'inherit'] });
	const ended = new Promise((resolve) => child.once('close', resolve));
	const kill = () => child.kill('SIGKILL');
	process.on('exit', kill);
	for (let i = 0; !(await answers(`${url}/whoami`)); i++) {
		if (i === 200 || child.exitCode !== null) throw new Error('the example provider does not start');
		await sleep(50);
	}
	return {
		url,
		row: `provider.example|${url}|${path.join(dir, 'browserid.json')}`,
		async stop() {
			process.off('exit', kill);
			child.kill('SIGTERM');
			await ended;
		},
	};
}

const PROVISIONING = `<!doctype html><title>prov</title><script src="/jschannel.js"></script><script>
const channel = Channel.build({ window: window.parent, origin: '*', scope: 'vep_prov' });
channel.call({ method: 'beginProvisioning', success({ email, cert_duration_s }) {
	fetch('/session?email=' + encodeURIComponent(email)).then((r) => r.json()).then(({ ok, why }) => {
		if (!ok) {
			channel.notify({ method: 'raiseProvisioningFailure', params: why });
			return;
		}
		channel.call({ method: 'genKeyPair', success(pubkey) {
			fetch('/cert', { method: 'POST', body: JSON.stringify({ email, pubkey, cert_duration_s }) })
				.then((r) => r.text())
				.then((cert) => channel.notify({ method: 'registerCertificate', params: cert }));
		} });
	});
} });
</script>`;

const authentication = (identityUrl) => `<!doctype html><title>auth</title>
<script src="${identityUrl}/authentication_api.js"></script><h1 id="email"></h1>
<button id="in">in</button><button id="out">out</button><script>
navigator.id.beginAuthentication(function (email) {
	document.getElementById('email').textContent = email;
	document.getElementById('in').onclick = function () { navigator.id.completeAuthentication(); };
	document.getElementById('out').onclick = function () { navigator.id.raiseAuthenticationFailure('no'); };
});
</script>`;

// Says nothing, and tries to lead the dialog away.
const SILENT = '<!doctype html><title>silent</title><script>top.location = "/elsewhere";</script>';

// A provider of classic.example. users: the addresses that are signed in there (on any browser: it does
// without cookies); why: what it says of others; isSilent: its provisioning page says nothing; asked:
// bodies of requests for certificates.
async function startClassicProvider(identityUrl, dir) {
	const key = newKey();
	const provider = { users: new Set(), why: 'nobody is signed in', isSilent: false, asked: [] };
	const certify = ({ email, pubkey, cert_duration_s }) => {
		const times = { iat: Date.now() - MINUTE, exp: Date.now() + cert_duration_s * 1000 };
		return signed({ 'public-key': JSON.parse(pubkey), principal: { email }, ...times, iss: 'classic.example' }, key);
	};
	const server = http.createServer(async (request, response) => {
		const url = new URL(request.url, 'http://localhost');
		const reply = (type, body) => response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		if (url.pathname === '/jschannel.js') reply('text/javascript', channelSource());
		else if (url.pathname === '/prov') reply('text/html', provider.isSilent ? SILENT : PROVISIONING);
		else if (url.pathname === '/in') reply('text/html', authentication(identityUrl));
		else if (url.pathname === '/session') {
			const ok = provider.users.has(url.searchParams.get('email'));
			reply('application/json', JSON.stringify({ ok, why: provider.why }));
		} else if (url.pathname === '/cert') {
			const body = JSON.parse(Buffer.concat(chunks));
			provider.asked.push(body);
			reply('text/plain', certify(body));
		} else response.writeHead(404).end();
	});
	await new Promise((resolve) => server.listen(0, 'localhost', resolve));
	const url = `http://localhost:${server.address().port}`;
	const document = path.join(dir, 'classic.json');
	writeFileSync(document, JSON.stringify({ 'public-key': key.publicKey, authentication: '/in', provisioning: '/prov' }));
	return Object.assign(provider, {
		url,
		row: `classic.example|${url}|${document}`,
		stop() {
			server.close();
			server.closeAllConnections();
		},
	});
}

// A service that knows both; its stop() ends them too.
export async function startWithProviders() {
	const ports = { web: await freePort(), admin: await freePort() };
	const url = `http://127.0.0.1:${ports.web}`;
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-provider-'));
	const keeper = await startExampleProvider(url, dir);
	const classic = await startClassicProvider(url, dir);
	const endProviders = async () => {
		classic.stop();
		await keeper.stop();
		rmSync(dir, { recursive: true, force: true });
	};
	try {
		const identity = { shimmed_primaries: `${keeper.row}, ${classic.row}`, clock_skew: '5s' };
		const server = await startPlimsoll({ ports, conf: { identity } });
		const { stop } = server;
		return Object.assign(server, {
			keeper,
			classic,
			async stop() {
				await endProviders();
				await stop.call(server);
			},
		});
	} catch (error) {
		await endProviders();
		throw error;
	}
}
