// The log of uploads: all of them, one with its files, one file.
import { call } from './api.js';
import { badge, facts, h, number, size, table, time } from './dom.js';
import { filters, pageOf, pager } from './page_parts.js';
import { to } from './place.js';

const SORTS = { '': 'Newest first', 'oldest': 'Oldest first', 'large': 'Largest first', 'small': 'Smallest first' };
const ORDER = { oldest: { sort: 'created_at' }, large: { sort: 'size', reverse: 'true' }, small: { sort: 'size' } };

const nameOf = (upload) => upload.filename || 'files one by one';
const linkTo = (upload) => h('a', { href: to(['upload', upload.id]) }, nameOf(upload));
const isOpen = (upload) => !upload.completed_at;

function marks(upload) {
	return [upload.try_symbols && badge('try'), ' ', isOpen(upload) && badge('not complete', 'open')];
}

const COLUMNS = [
	['Upload', (u) => [linkTo(u), ' ', marks(u)]],
	['By', (u) => u.user.email],
	['When', (u) => time(u.created_at)],
	['Size', (u) => (u.size ? size(u.size) : ''), 'number'],
	['New files', (u) => number(u.files_count), 'number'],
	['There already', (u) => number(u.skipped_keys.length), 'number'],
];

function tiles({ uploads, files }) {
	const spans = { today: 'Today', yesterday: 'Yesterday', this_month: 'This month', last_30_days: '30 days' };
	const tile = ([name, words]) => h('div', {}, h('dt', {}, words), h('dd', {}, number(uploads[name].count), h('small', {}, `${size(uploads[name].total_size)}, ${number(files[name].count)} new files`)));
	return h('dl', { class: 'tiles', 'aria-label': uploads.all_uploads ? 'Uploads of everybody' : 'Your uploads' }, Object.entries(spans).map(tile));
}

export async function uploads(query) {
	const { sort, ...rest } = query;
	const [list, { stats }] = await Promise.all([call('/api/uploads/', { query: { ...rest, ...ORDER[sort] } }), call('/api/stats/')]);
	const fields = [
		list.can_view_all && ['user', 'E-mail has'],
		['size', 'Size', { placeholder: '>100mb' }],
		['created_at', 'Date', { placeholder: 'today, >=2026-05-01' }],
		['sort', 'Order', { options: SORTS }],
	].filter(Boolean);
	return {
		title: list.can_view_all ? 'Uploads' : 'Your uploads',
		parts: [
			tiles(stats),
			filters(['uploads'], query, fields),
			table(COLUMNS, list.uploads, 'There is no such upload.'),
			pager(['uploads'], query, { page: pageOf(query), hasNext: list.has_next, total: list.total }),
		],
	};
}

// ---- one ----

const FILE_COLUMNS = [
	['File', (f) => h('a', { href: to(['file', f.id]) }, f.key)],
	['State', (f) => (!f.completed_at ? badge('not sent yet', 'open') : badge(f.update ? 'replaced one' : 'new'))],
	['Size', (f) => size(f.size), 'number'],
	['When', (f) => time(f.completed_at)],
];

function keys(title, list) {
	return list.length > 0 && h('details', {}, h('summary', {}, `${title}: ${number(list.length)}`), h('ul', {}, list.map((key) => h('li', {}, key))));
}

export async function upload(id) {
	const { upload: u } = await call(`/api/uploads/upload/${id}`);
	return {
		title: nameOf(u),
		parts: [
			h('p', {}, marks(u)),
			facts([
				['By', u.user.email],
				['Begun', time(u.created_at)],
				['Complete', time(u.completed_at) || 'not yet, or it broke off'],
				['Size', u.size ? size(u.size) : null],
				['Fetched from', u.download_url],
				['Still to come', u.files_incomplete_count ? number(u.files_incomplete_count) : null],
			]),
			h('h2', {}, 'Files'),
			table(FILE_COLUMNS, u.file_uploads, 'Nothing new was in it.'),
			keys('There already, with the same content', u.skipped_keys),
			keys('Not stored, as lists and the like are not', u.ignored_keys),
			u.related.length > 0 && h('div', {}, h('h2', {}, 'The same content, sent at other times'), table(COLUMNS, u.related, '')),
		],
	};
}

export async function file(id) {
	const { file: f } = await call(`/api/uploads/files/file/${id}`);
	return {
		title: f.key,
		parts: [
			facts([
				['Download', f.url ? h('a', { href: f.url }, f.url) : 'it is not there any more'],
				['Debug file', f.debug_filename],
				['Debug id', h('code', {}, f.debug_id)],
				['Code file', f.code_file],
				['Code id', f.code_id && h('code', {}, f.code_id)],
				['Made by', f.generator],
				['Size', size(f.size)],
				['Storage', f.bucket_name === 'try' ? 'try builds' : 'regular'],
				['Uploaded', time(f.completed_at) || 'not yet'],
				['With', linkTo(f.upload)],
			]),
		],
	};
}

export async function files(query) {
	const { sort, ...rest } = query;
	const list = await call('/api/uploads/files/', { query: { ...rest, ...ORDER[sort] } });
	const fields = [
		['key', 'Key has', { placeholder: 'xul, sym' }],
		['size', 'Size', { placeholder: '>100mb' }],
		['created_at', 'Date', { placeholder: 'today' }],
		['upload_type', 'Storage', { options: { '': 'Both', regular: 'Regular', try: 'Try builds' } }],
		['sort', 'Order', { options: SORTS }],
	];
	const columns = [FILE_COLUMNS[0], ['Upload', (f) => h('a', { href: to(['upload', f.upload.id]) }, `${f.upload.id}`)], ['Storage', (f) => (f.upload.try_symbols ? badge('try') : 'regular')], ...FILE_COLUMNS.slice(1)];
	return {
		title: 'Files uploaded',
		parts: [filters(['files'], query, fields), table(columns, list.files, 'There is no such file.'), pager(['files'], query, { page: pageOf(query), hasNext: list.has_next, total: list.total })],
	};
}
