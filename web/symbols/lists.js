// What is missing, and what is there of a module.
import { call } from './api.js';
import { badge, h, number, size, table, time } from './dom.js';
import { filters, pageOf, pager } from './page_parts.js';
import { to } from './place.js';

export async function missing(query) {
	const list = await call('/missingsymbols/', { query });
	const columns = [
		['Module', (r) => r.symbol],
		['Debug id', (r) => h('code', {}, r.debugid)],
		['File', (r) => r.filename],
		['Code file, id', (r) => [r.code_file, ' ', r.code_id]],
		['Asked for', (r) => number(r.count), 'number'],
		['Last', (r) => time(r.modified_at)],
	];
	return {
		title: 'Missing symbols',
		parts: [
			h('p', {}, 'What somebody asked for and is not here. As CSV, for programs that fetch it elsewhere: ', h('a', { href: '/missingsymbols.csv' }, 'the last 24 hours'), ', ', h('a', { href: '/missingsymbols.csv?today=1' }, 'today'), '.'),
			filters(['missing'], query, [
				['symbol', 'Module has'],
				['debugid', 'Debug id has'],
				['filename', 'File has'],
			]),
			table(columns, list.records, 'Nothing is missing.'),
			pager(['missing'], query, { page: list.page, hasNext: list.total_count > list.page * list.batch_size, total: list.total_count }),
		],
	};
}

export async function stored(query) {
	const asked = query.name || query.id;
	const list = asked ? await call('/api/stored/', { query }) : { files: [], next: null };
	const columns = [
		['File', (f) => [h('a', { href: f.url }, f.file), ' ', f.try_symbols && badge('try')]],
		['Module', (f) => f.debug_filename],
		['Debug id', (f) => h('code', {}, f.debug_id)],
		['Code file, id', (f) => [f.code_file, ' ', f.code_id]],
		['Size', (f) => size(f.size), 'number'],
		['Uploaded', (f) => h('a', { href: to(['upload', f.upload]) }, time(f.modified_at))],
		['Last used', (f) => time(f.used_at)],
	];
	return {
		title: 'Search a module',
		parts: [
			filters(['stored'], query, [
				['name', 'Debug file begins with', { placeholder: 'libxul.so', required: true }],
				['id', 'Debug, code or build id has'],
			]),
			asked ? table(columns, list.files, 'There are no symbols of such a module here.') : h('p', { class: 'note' }, 'Large and small letters count in names, not in ids.'),
			list.next && h('nav', { class: 'pager', 'aria-label': 'Pages of this list' }, h('a', { href: to(['stored'], { ...query, after: list.next }) }, 'Next')),
		],
	};
}
