// The pages of the symbol server: who is signed in, and the page that the address names.
import { call, useCsrf } from './api.js';
import { h, say } from './dom.js';
import { front, newcomer, signOut, usage } from './front.js';
import { missing, stored } from './lists.js';
import { here, to } from './place.js';
import { tokens } from './tokens.js';
import { file, files, upload, uploads } from './uploads.js';

const main = document.querySelector('main');
const nav = document.querySelector('.top nav');
let session = null;
let shown = 0; // the page that was asked for last: answers for others come too late

const may = (name) => session.user?.permissions.some((p) => p.codename === name) ?? false;

// name in the address, title, who sees it, page(query, id)
const PAGES = [
	['uploads', 'Uploads', () => session.user, (query) => uploads(query)],
	['files', 'Files', () => may('view_all_uploads'), (query) => files(query)],
	['stored', 'Search', () => session.user?.permissions.length > 0, (query) => stored(query)],
	['missing', 'Missing', () => true, (query) => missing(query)],
	['tokens', 'Tokens', () => may('manage_tokens'), (query) => tokensPage(query)],
	['use', 'Use', () => session.user, () => ({ title: 'Use', parts: [usage(session)] })],
];

// With the key of a token that was just made.
function tokensPage(query, key = null) {
	return tokens(query, session, (next) => show((again) => tokensPage(again, next)), key);
}

const INNER = { upload: (query, id) => upload(id), file: (query, id) => file(id) };
const PARENT = { upload: 'uploads', file: 'uploads', '': 'uploads' };

function showNav(name) {
	const at = PARENT[name] ?? name;
	const links = PAGES.filter(([, , allowed]) => allowed()).map(([page, title]) => h('a', { href: to([page]), 'aria-current': page === at && 'page' }, title));
	nav.replaceChildren(...links);
	nav.hidden = false;
}

function showWho() {
	const who = document.querySelector('.who');
	who.replaceChildren(...(session.user ? [session.user.email, h('button', { type: 'button', class: 'plain', click: signOut }, 'Sign out')] : []));
}

function choose(path, query) {
	const [name = '', id] = path;
	const page = PAGES.find(([page]) => page === name);
	if (page && page[2]()) {
		return page[3](query);
	}
	if (!session.user) {
		return front(session, session.why && name ? `${session.why}: sign in again.` : null);
	}
	if (INNER[name] && /^\d+$/.test(id)) {
		return INNER[name](query, id);
	}
	return session.user.permissions.length > 0 ? uploads(query) : newcomer(session);
}

function put({ title, parts }) {
	document.title = title === 'Symbols' ? title : `${title} · Symbols`;
	main.replaceChildren(h('h1', {}, title), ...parts.flat().filter(Boolean));
	const fresh = main.querySelector('.key');
	(fresh ?? main).focus({ preventScroll: !fresh });
	say(title);
}

async function show(make = null) {
	const { path, query } = here();
	const mine = ++shown;
	const slow = setTimeout(() => mine === shown && main.replaceChildren(h('p', { class: 'progress' }, 'One moment …')), 400);
	try {
		showNav(path[0]);
		const page = await (make ? make(query) : choose(path, query));
		if (mine === shown) {
			put(page);
		}
	} catch (error) {
		if (error.status === 403 && session.user) {
			await begin(); // signed out meanwhile, or allowed less
		}
		if (mine === shown) {
			const fields = Object.entries(error.fields ?? {}).map(([name, texts]) => `${name}: ${texts.join(' ')}`).join('. ');
			put({ title: 'That did not work', parts: [h('p', { class: 'notice', role: 'alert' }, fields || error.message), h('p', {}, h('a', { href: to(path, query), click: () => show() }, 'Try again'))] });
		}
	} finally {
		clearTimeout(slow);
	}
}

async function begin() {
	session = await call('/api/_auth/');
	useCsrf(session.csrf_token);
	showWho();
}

try {
	await begin();
	addEventListener('hashchange', () => show());
	await show();
} catch (error) {
	put({ title: 'That did not work', parts: [h('p', { class: 'notice', role: 'alert' }, error.message), h('p', {}, h('a', { href: '/', click: () => location.reload() }, 'Try again'))] });
}
