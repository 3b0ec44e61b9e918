// Tokens: the list, a new one whose key is shown once, longer life, the end.
import { call } from './api.js';
import { badge, careful, day, h, paste, say, table } from './dom.js';
import { filters } from './page_parts.js';

const DAYS = { 30: '30 days', 90: '90 days', 365: 'A year', 730: 'Two years' };

function state(token) {
	if (token.is_blocked) {
		return badge('blocked', 'open');
	}
	return token.is_expired ? badge('expired', 'open') : badge('live');
}

function made(key, origin) {
	return h(
		'section',
		{ class: 'notice key', role: 'status', tabindex: '-1' },
		h('h2', {}, 'This is the new key'),
		h('p', {}, 'It is shown once: only its hash is kept. Put it where your builds find it.'),
		h('p', {}, h('code', {}, key)),
		paste(`curl -H 'Auth-Token: ${key}' --form symbols.zip=@symbols.zip ${origin}/upload/`),
	);
}

function permissionBoxes(permissions) {
	return h('fieldset', {}, h('legend', {}, 'It may'), permissions.map((p) => h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'permission', value: p.id, checked: p.codename === 'upload_symbols' }), h('span', {}, p.name))));
}

function newToken(permissions, session, done) {
	const wrong = h('p', { class: 'wrong', role: 'alert' });
	const fields = [
		h('label', {}, 'For', h('select', { name: 'expires' }, Object.entries(DAYS).map(([value, words]) => h('option', { value, selected: value === '365' }, words)))),
		h('label', {}, 'Notes', h('input', { type: 'text', name: 'notes', maxlength: '200', placeholder: 'what it is for' })),
		session.user.is_superuser && h('label', {}, 'Whose', h('input', { type: 'email', name: 'user', placeholder: session.user.email, autocapitalize: 'off', spellcheck: 'false' })),
	];
	async function submit(event) {
		event.preventDefault();
		const data = new FormData(event.target);
		wrong.textContent = '';
		try {
			const form = { permissions: data.getAll('permission').join(','), expires: data.get('expires'), notes: data.get('notes'), user: data.get('user') };
			await done((await call('/api/tokens/', { method: 'POST', form })).key);
		} catch (error) {
			wrong.textContent = Object.values(error.fields ?? {}).flat().join(' ') || error.message;
		}
	}
	return h('form', { class: 'card', submit }, h('h2', {}, 'A new token'), permissionBoxes(permissions), h('div', { class: 'row' }, fields), wrong, h('button', { type: 'submit' }, 'Make it'));
}

function actions(token, again) {
	const path = `/api/tokens/token/${token.id}`;
	async function change(words, ...request) {
		try {
			await call(...request);
			say(words);
		} catch (error) {
			say(error.message);
		}
		await again();
	}
	return [
		careful('A year more', 'Really a year more?', () => change('Extended', `${path}/extend`, { method: 'POST', form: { days: 365 } })),
		careful('Revoke', 'Really revoke?', () => change('Revoked', path, { method: 'DELETE' })),
	];
}

export async function tokens(query, session, again, key = null) {
	const list = await call('/api/tokens/', { query });
	const columns = [
		['Key', (t) => h('code', {}, t.key), 'start'],
		query.user && ['Whose', (t) => t.user],
		['May', (t) => t.permissions.map((p) => p.name).join(', ')],
		['State', state],
		['Until', (t) => day(t.expires_at)],
		['Notes', (t) => t.notes],
		['', (t) => actions(t, () => again()), 'do'],
	].filter(Boolean);
	const fields = [
		['state', 'Show', { options: { '': 'Live ones', expired: 'Expired ones', all: 'All' } }],
		session.user.is_superuser && ['user', 'Of', { options: { '': 'Yourself', all: 'Everybody' } }],
	].filter(Boolean);
	return {
		title: 'Tokens',
		parts: [
			key && made(key, session.public_url),
			filters(['tokens'], query, fields),
			table(columns, list.tokens, `You have no such token. ${list.totals.all} in all.`),
			newToken(list.permissions, session, (newKey) => again(newKey)),
		],
	};
}
