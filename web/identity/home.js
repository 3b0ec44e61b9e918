// The home page: the account of this browser, what runs here and what to try first.
import { canSign } from './account.js';
import { Api, isSignedOut, keepsCookies } from './api.js';
import { forgetDevice } from './device.js';
import { forgetKeys } from './keys.js';
import { countdown, explain } from './screens.js';
import { breakable, fillTexts, setText, text } from './text.js';

const EXAMPLE = 'http://localhost:8009/';

const find = (selector) => document.querySelector(selector);
const api = new Api(waitBusy);

// ---- the account ----

function showAccount(state) {
	for (const part of document.querySelectorAll('[data-account]')) {
		part.hidden = part.dataset.account !== state;
	}
}

async function waitBusy(seconds) {
	showAccount('busy');
	await countdown(find('[data-busy]'), seconds);
}

function showFailure(error, again) {
	setText(find('[data-why]'), ...explain(error));
	find('[data-again]').onclick = again;
	showAccount('error');
}

function listItem(...children) {
	const item = document.createElement('li');
	item.append(...children);
	return item;
}

async function loadAccount() {
	showAccount('loading');
	try {
		const context = await api.context();
		if (!keepsCookies(context)) {
			fillTexts(find('[data-cookies]'), { host: location.host });
			find('[data-cookies]').hidden = false;
		}
		if (!context.authenticated) {
			showAccount('out');
			return;
		}
		const { emails } = await api.get('list_emails');
		find('[data-addresses]').replaceChildren(...emails.map((email) => listItem(...breakable(email))));
		showAccount('in');
	} catch (error) {
		showFailure(error, loadAccount);
	}
}

async function signOut() {
	try {
		await api.post('logout');
	} catch (error) {
		if (!isSignedOut(error)) {
			showFailure(error, loadAccount);
			return;
		}
	}
	await forgetKeys();
	forgetDevice();
	await loadAccount();
}

// ---- the server ----

function code(words) {
	const element = document.createElement('code');
	element.textContent = words;
	return element;
}

function step(key, link = null) {
	const item = listItem();
	const words = document.createElement('span');
	setText(words, key, {
		script: code(`<script src="${location.origin}/include.js"></script>`),
		call: code('navigator.id.get()'),
	});
	item.append(words);
	if (link) {
		const anchor = document.createElement('a');
		anchor.href = link;
		setText(anchor, `${key}_link`);
		item.append(' ', anchor);
	}
	return item;
}

function showSteps(server) {
	const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname);
	const keepsMail = server.mail === 'development';
	const steps = [step(keepsMail ? 'home_try_signup' : 'home_try_signup_smtp')];
	steps.push(keepsMail ? step('home_try_outbox', server.admin && `${server.admin}/outbox`) : step('home_try_smtp'));
	if (isLocal) {
		steps.push(step('home_try_example', EXAMPLE));
	}
	steps.push(step('home_try_site'));
	find('[data-steps]').replaceChildren(...steps);
}

function showFacts(server) {
	const facts = [
		['home_address', server.public_url],
		['home_version', server.version],
		['home_services', server.services.map(({ name, summary }) => `${name}: ${summary}`).join('; ')],
		['home_mail', text(`home_mail_${server.mail}`)],
		['home_signup', text(`home_signup_${server.signup}`)],
	];
	find('[data-facts]').replaceChildren(
		...facts.map(([key, value]) => {
			const row = document.createElement('div');
			const name = document.createElement('dt');
			const fact = document.createElement('dd');
			setText(name, key);
			fact.textContent = value;
			row.append(name, fact);
			return row;
		}),
	);
}

// A session of one name of the server is none under another, and its mails lead to its own.
function warnElsewhere(server) {
	const own = new URL(server.public_url);
	if (own.origin === location.origin) {
		return;
	}
	const box = find('[data-elsewhere]');
	fillTexts(box, { url: server.public_url });
	box.querySelector('a').href = own.href;
	box.hidden = false;
}

async function loadServer() {
	try {
		const server = await new Api().about();
		showSteps(server);
		showFacts(server);
		warnElsewhere(server);
	} catch (error) {
		const line = document.createElement('p');
		setText(line, ...explain(error));
		find('[data-facts]').replaceWith(line);
	}
}

fillTexts(document);
if (!canSign()) {
	fillTexts(find('[data-insecure]'), { origin: location.origin });
	find('[data-insecure]').hidden = false;
}
find('[data-sign-out]').addEventListener('click', signOut);
loadAccount();
loadServer();
