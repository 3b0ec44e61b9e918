// What the home page tells of the server: what to try first and what runs here.
import { Api } from './api.js';
import { explain } from './screens.js';
import { fillTexts, setText, text } from './text.js';

// What `make run` starts beside a server on this machine, and a user of the provider.
const EXAMPLE = 'http://localhost:8009/';
const KEEPER = { email: 'keeper@provider.example', password: 'lighthouse' };

const find = (selector) => document.querySelector(selector);

function listItem(...children) {
	const item = document.createElement('li');
	item.append(...children);
	return item;
}

function code(words) {
	const element = document.createElement('code');
	element.textContent = words;
	return element;
}

// The line of about:config for this server, ready to copy.
function preference() {
	return {
		name: code('identity.fxaccounts.autoconfig.uri'),
		value: code(`${location.origin}/firefox`),
		http: code('identity.fxaccounts.allowHttp'),
	};
}

function step(key, link = null, values = {}) {
	const item = listItem();
	const words = document.createElement('span');
	setText(words, key, {
		script: code(`<script src="${location.origin}/include.js"></script>`),
		call: code('navigator.id.get()'),
		...KEEPER,
		...preference(),
		...values,
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
		steps.push(step('home_try_example', EXAMPLE), step('home_try_provider'));
	}
	steps.push(step('home_try_site'));
	if (server.services.some(({ name }) => name === 'sync')) {
		steps.push(step(location.protocol === 'https:' ? 'home_try_sync' : 'home_try_sync_http', '/firefox/'));
	}
	const url = (wanted) => server.services.find(({ name }) => name === wanted)?.url;
	if (url('symbols')) {
		steps.push(step('home_try_symbols', url('symbols'), { variable: code(`DEBUGINFOD_URLS=${url('symbols')}/`) }));
	}
	if (url('pairs')) {
		steps.push(step('home_try_pairs', url('pairs')));
	}
	find('[data-steps]').replaceChildren(...steps);
	find('[data-try]').classList.toggle('local', isLocal);
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

export async function showServer() {
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
