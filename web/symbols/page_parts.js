// What the pages with lists share: a form of filters whose state is the address, and the way from page to
// page.
import { h, number } from './dom.js';
import { to } from './place.js';

// fields: [name, label, { options } | attributes of an input]
export function filters(path, query, fields) {
	const control = ([name, label, more = {}]) => {
		const { options, ...attributes } = more;
		const input = options
			? h('select', { name }, Object.entries(options).map(([value, words]) => h('option', { value, selected: (query[name] ?? '') === value }, words)))
			: h('input', { type: 'text', name, value: query[name] ?? '', autocapitalize: 'off', spellcheck: 'false', ...attributes });
		return h('label', { class: options ? '' : 'grow' }, label, input);
	};
	const submit = (event) => {
		event.preventDefault();
		location.hash = to(path, Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()])));
	};
	return h('form', { class: 'filters', role: 'search', submit }, fields.map(control), h('button', { type: 'submit', class: 'second' }, 'Show'));
}

const NOT_COUNTED = 1000000;

export function pager(path, query, { page, hasNext, total }) {
	const link = (words, n) => h('a', { href: to(path, { ...query, page: n > 1 ? n : '' }) }, words);
	const count = total === undefined || total >= NOT_COUNTED ? null : `${number(total)} in all`;
	return h('nav', { class: 'pager', 'aria-label': 'Pages of this list' }, page > 1 && link('Back', page - 1), (page > 1 || hasNext) && `Page ${page}`, hasNext && link('Next', page + 1), count);
}

export const pageOf = (query) => Math.max(1, Number(query.page) || 1);
