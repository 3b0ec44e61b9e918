// The live page. Asks /live every two seconds while it is seen: first everything, then only what is
// new. A page that is hidden or paused asks nothing.

const EVERY_MS = 2000;
const PATIENCE_MS = 4000;
const LATEST_RETRY_MS = 10000;
const KEPT_POINTS = 450;
const NOTHING_FULL = 0.1; // below it there is no fullest worth naming
const LAG_BAD_US = 250000;
const SILENT_US = 3000000;
const WATER_FULL_PX = 84; // where the mark is drawn, and where its bottom is
const WATER_EMPTY_PX = 208;
const OVER = 1.07; // drawn while requests are refused

const TILES = [
	['active_users', 'Active users', count, ''],
	['goodput_per_second', 'Goodput', count, '/s'],
	['refused_per_second', 'Refused', count, '/s', (v) => v > 0],
	['errors_per_second', 'Errors', count, '/s', (v) => v > 0],
	['cores_busy', 'Cores busy', (v) => v.toFixed(2), ''],
	['queue_wait_seconds', 'Queue wait', time, '', (v) => v > 0.4],
	['store_commit_p99_seconds', 'Commit p99', time, '', (v) => v > 0.1],
	['mail_delay_seconds', 'Mail delay', time, '', (v) => v > 120],
];

const REASONS = {
	compute: 'compute is full',
	store: 'the store is full',
	signer: 'the signer is full',
	loop: 'web processes are full',
	tasks: 'too many tasks',
	late: 'waited too long',
	queue_full: 'a queue is full',
	behind: 'refused by a role behind',
};

const history = new Map(); // series name -> values, oldest first
let before = null; // the answer before the newest
let paused = false;
let timer = 0;
let asking = false;
let retryMs = EVERY_MS;
let answeredAt = null;

const byId = (id) => document.getElementById(id);

// ---- numbers for people ----

function count(n) {
	if (n >= 1e6) return `${(n / 1e6).toFixed(n >= 1e7 ? 1 : 2)} M`;
	if (n >= 1e4) return `${Math.round(n / 1000)} k`;
	if (n >= 100 || n === 0) return String(Math.round(n));
	return n.toFixed(n >= 10 ? 1 : 2);
}

function time(seconds) {
	if (seconds === 0) return '0 s';
	if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
	if (seconds < 0.1) return `${(seconds * 1000).toFixed(1)} ms`;
	if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
	if (seconds < 120) return `${seconds.toFixed(1)} s`;
	return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const percent = (share) => `${Math.round(share * 100)} %`;
const shown = (value, format) => (value === null || value === undefined ? '–' : format(value));
const words = (name) => name.replace(/^[^.]*\./, '').replaceAll('_', ' ');

// ---- pieces of the page ----

function make(name, content, attributes = {}) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (value !== undefined && value !== false) element.setAttribute(key, value);
	}
	element.append(...[content].flat().filter((part) => part !== undefined && part !== null));
	return element;
}

function setText(id, text) {
	const element = byId(id);
	if (element.textContent !== text) element.textContent = text;
}

// A line of the last minutes, scaled to its own largest value; gaps where there is no value.
function spark(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const values = history.get(name) ?? [];
	const most = Math.max(...values.map((v) => v ?? 0), 0) || 1;
	let path = '';
	let pen = 'M';
	values.forEach((v, i) => {
		if (v === null) {
			pen = 'M';
			return;
		}
		const x = (100 * (KEPT_POINTS - values.length + i + 1)) / KEPT_POINTS;
		path += `${pen}${x.toFixed(1)} ${(27 - (25 * v) / most).toFixed(1)}`;
		pen = 'L';
	});
	svg.setAttribute('class', 'spark');
	svg.setAttribute('viewBox', '0 0 100 28');
	svg.setAttribute('preserveAspectRatio', 'none');
	svg.setAttribute('aria-hidden', 'true');
	for (const [d, kind] of [['M0 27.5H100', 'base'], [path || 'M0 0', 'value']]) {
		const element = document.createElementNS('http://www.w3.org/2000/svg', 'path');
		element.setAttribute('d', d);
		element.setAttribute('class', kind);
		svg.append(element);
	}
	return svg;
}

const help = {}; // of figures and activities, from the first answer

function showTiles(now) {
	byId('tiles').replaceChildren(
		...TILES.map(([name, title, format, unit, isBad]) => {
			const value = now.headline[name];
			const bad = value !== null && isBad?.(value);
			const number = [shown(value, format), unit ? make('small', unit) : null];
			return make('div', [make('dt', title), make('dd', number), spark(name)], { title: help[name], 'data-bad': bad && '' });
		}),
	);
}

function showActivities(now) {
	const rows = Object.entries(now.headline.activities_per_second).map(([name, value]) =>
		make('tr', [
			make('th', words(name), { scope: 'row', title: help[name] }),
			make('td', spark(`activities_per_second.${name}`), { class: 'chart' }),
			make('td', count(value)),
		]),
	);
	byId('activities').tBodies[0].replaceChildren(...rows);
}

function showTimes(now) {
	const { latency_p50_seconds: p50, latency_p99_seconds: p99 } = now.headline;
	const rows = Object.keys(p99).map((name) =>
		make('tr', [
			make('th', name, { scope: 'row' }),
			make('td', spark(`latency_p99_seconds.${name}`), { class: 'chart' }),
			make('td', shown(p50[name], time), { class: 'none' }),
			make('td', shown(p99[name], time)),
		]),
	);
	byId('times').tBodies[0].replaceChildren(...rows);
}

// Rates of counters between the last two answers, largest first.
function rates(now, member) {
	if (!before || now.now_ms <= before.now_ms) return [];
	const seconds = (now.now_ms - before.now_ms) / 1000;
	return Object.entries(now[member])
		.map(([name, n]) => [name, (n - (before[member][name] ?? 0)) / seconds])
		.filter(([, rate]) => rate > 0)
		.sort((a, b) => b[1] - a[1]);
}

function showRefused(now) {
	const why = rates(now, 'refused_why');
	const ops = rates(now, 'refused_op').slice(0, 4);
	if (why.length === 0) {
		const total = Object.values(now.refused_why).reduce((sum, n) => sum + n, 0);
		byId('refused').replaceChildren(make('p', total ? `Nothing now; ${count(total)} since the start.` : 'Nothing so far.', { class: 'none' }));
		return;
	}
	const most = why[0][1];
	const rows = [
		...why.map(([name, rate]) => {
			const bar = make('span', [], { class: 'bar' });
			bar.style.width = `${(100 * rate) / most}%`;
			return make('tr', [make('th', REASONS[name] ?? name, { scope: 'row' }), make('td', bar, { class: 'chart' }), make('td', count(rate))]);
		}),
		...ops.map(([name, rate]) => make('tr', [make('th', make('small', words(name)), { scope: 'row', title: name }), make('td', []), make('td', make('small', count(rate)))])),
	];
	byId('refused').replaceChildren(make('table', make('tbody', rows)));
}

// What a process used between the last two answers, as a share of the time.
function used(now, process, member) {
	const old = before?.processes.find((p) => p.pid === process.pid);
	if (!old || now.now_ms <= before.now_ms) return null;
	return Math.max(0, (process[member] - old[member]) / 1000 / (now.now_ms - before.now_ms));
}

function stateOf(p) {
	if (p.state === 'empty') return ['down', true];
	if (p.silence_us > SILENT_US) return [`silent for ${Math.round(p.silence_us / 1e6)} s`, true];
	return [p.state, p.state !== 'serving'];
}

function showRoles(now) {
	const many = new Set(now.processes.filter((p) => p.instance > 0).map((p) => p.role));
	const rows = now.processes.map((p) => {
		const [state, isBad] = stateOf(p);
		return make('tr', [
			make('th', many.has(p.role) ? `${p.role} ${p.instance}` : p.role, { scope: 'row', title: `process ${p.pid}` }),
			make('td', state, { 'data-bad': isBad && '' }),
			make('td', shown(used(now, p, 'busy_us'), (v) => percent(Math.min(v, 1)))),
			make('td', shown(used(now, p, 'cpu_us'), percent)),
			make('td', String(p.queue_len)),
			make('td', time(p.queue_wait_us / 1e6)),
			make('td', time(p.loop_lag_us / 1e6), { 'data-bad': p.loop_lag_us > LAG_BAD_US && '' }),
			make('td', ['web', 'admin'].includes(p.role) ? String(p.connections) : ''),
			make('td', String(p.restarts), { 'data-bad': p.restarts > 0 && '' }),
		]);
	});
	byId('roles').tBodies[0].replaceChildren(...rows);
}

// "level=warn role=web/0 mod=http event=x a=b": role, what, and the rest.
function showWarnings(now) {
	const items = now.warnings.map(({ at_ms: at, line }) => {
		const field = (name) => new RegExp(`(?:^| )${name}=(\\S+)`).exec(line)?.[1] ?? '';
		const rest = line.replace(/^.*? event=\S+ ?/, '');
		const when = new Date(at);
		const day = when.toDateString() === new Date().toDateString() ? '' : `${when.toLocaleDateString()} `;
		return make('li', [
			make('time', day + when.toLocaleTimeString(), { datetime: when.toISOString() }),
			make('b', `${field('role')}: ${field('event').replaceAll('_', ' ')}`),
			make('span', rest),
		]);
	});
	byId('warnings').replaceChildren(...(items.length ? items : [make('li', 'None.', { class: 'none' })]));
}

// ---- roles and classes ----

// Use over the window of warnings, with the threshold in the bar; the longest wait that new work meets.
function showUse(now) {
	const { roles, warn_at: warnAt, window_s: windowS } = now.capacity;
	const rows = Object.entries(roles).map(([role, use]) => {
		const waits = now.processes.filter((p) => p.role === role && p.state !== 'empty').map((p) => p.queue_wait_us);
		const gauge = make('span', make('span', []), { class: 'gauge', 'data-near': use >= warnAt && '' });
		gauge.firstChild.style.width = percent(use).replace(' ', '');
		gauge.style.setProperty('--warn-at', percent(warnAt).replace(' ', ''));
		return make('tr', [
			make('th', role, { scope: 'row' }),
			make('td', gauge, { class: 'chart' }),
			make('td', percent(use), { 'data-bad': use >= warnAt && '' }),
			make('td', time(Math.max(0, ...waits) / 1e6)),
		]);
	});
	byId('use').tBodies[0].replaceChildren(...rows);
	setText('use-window', windowS === 60 ? 'over a minute' : `over ${time(windowS)}`);
}

function showClasses(now) {
	const seconds = before ? (now.now_ms - before.now_ms) / 1000 : 0;
	const rate = (name, member) => (seconds > 0 ? Math.max(0, (now.classes[name][member] - before.classes[name][member]) / seconds) : null);
	const rows = Object.entries(now.classes).map(([name, { title }]) => {
		const refused = rate(name, 'refused');
		return make('tr', [
			make('th', title, { scope: 'row' }),
			make('td', shown(rate(name, 'admitted'), count)),
			make('td', shown(refused, count), { 'data-bad': refused > 0 && '' }),
		]);
	});
	byId('classes').tBodies[0].replaceChildren(...rows);
}

// ---- the verdict ----

// Its words change seldom: they are read out by screen readers.
function verdict(now) {
	const h = now.headline;
	const down = now.processes.filter((p) => stateOf(p)[1]);
	if (h.refused_per_second > 0) return ['over', 'At the line: requests are refused'];
	if (down.length > 0) return ['over', `Not all well: ${[...new Set(down.map((p) => p.role))].join(', ')} ${stateOf(down[0])[0].replace(/ for.*/, '')}`];
	if (h.errors_per_second > 0) return ['over', 'Answers fail with errors'];
	if (h.mail_delay_seconds > 120) return ['near', 'Mail does not leave'];
	if (now.capacity.near || h.line_share >= now.capacity.warn_at) return ['near', 'Near the line'];
	return ['calm', 'Well below the line'];
}

// Peak, the line in users, and how long growth takes there; what is not known yet is left out.
function headroom({ peak_share: share, peak_ms: at, peak_users: users, line_users: line, months, growth }) {
	if (share === null) return 'The headroom is known after the first window.';
	const when = new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
	const parts = [`The day’s peak was ${percent(share)} of the line, at ${when}${users >= 1 ? ` with ${count(users)} active users` : ''}.`];
	if (line !== null) parts.push(`The line is at about ${count(line)}.`);
	if (months !== null && months < 120) parts.push(months === 0 ? 'There is no room to grow.' : `${months.toFixed(1)} months at ${percent(growth)} a month.`);
	return parts.join(' ');
}

function showLine(now) {
	const share = now.headline.line_share ?? 0;
	const [mood, text] = verdict(now);
	const level = now.headline.refused_per_second > 0 ? Math.max(share, OVER) : share;
	document.querySelector('main').dataset.mood = mood;
	byId('water').style.transform = `translateY(${WATER_EMPTY_PX - level * (WATER_EMPTY_PX - WATER_FULL_PX)}px)`;
	setText('share', percent(share));
	setText('verdict', text);
	const fullest = now.fullest === 'processors' ? 'the processors are' : `${now.fullest} is`;
	setText('fullest', `of the load line in use${share < NOTHING_FULL ? '' : `; ${fullest} the fullest`}`);
	setText('headroom', headroom(now.capacity));
	setText('load', now.load === null ? '' : `load number ${(now.load.permille / 1000).toFixed(2)}, ${now.load.ready ? 'ready' : 'not ready'}`);
	document.title = `${percent(share)} · ${text} · Plimsoll`;
}

// ---- asking ----

function keepHistory({ since, points }) {
	for (const [name, values] of Object.entries(points)) {
		const old = since === 0 ? [] : (history.get(name) ?? []);
		history.set(name, [...old, ...values].slice(-KEPT_POINTS));
	}
}

function showFirst(now) {
	for (const figure of now.figures) help[figure.name] = `${figure.help} ${figure.act}`;
	Object.assign(help, now.activities);
	setText('version', now.version);
	byId('links').replaceChildren(...now.links.map((link) => make('a', link, { href: link })));
}

function show(now) {
	if (now.figures) showFirst(now);
	keepHistory(now.history);
	showLine(now);
	showTiles(now);
	showActivities(now);
	showTimes(now);
	showUse(now);
	showClasses(now);
	showRefused(now);
	showRoles(now);
	showWarnings(now);
	before = now;
}

async function ask() {
	asking = true;
	const query = before ? `?since=${before.history.seq}` : '';
	try {
		const answer = await fetch(`/live${query}`, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
		if (!answer.ok) throw new Error(`status ${answer.status}`);
		show(await answer.json());
		answeredAt = new Date();
		retryMs = EVERY_MS;
		setText('asked', '');
	} catch {
		document.querySelector('main').dataset.mood = 'lost';
		setText('verdict', 'The server does not answer');
		setText('fullest', answeredAt ? `What is shown is of ${answeredAt.toLocaleTimeString()}.` : '');
		retryMs = Math.min(2 * retryMs, LATEST_RETRY_MS);
	}
	asking = false;
	plan();
}

function plan(ms = retryMs) {
	clearTimeout(timer);
	if (!paused && !asking && !document.hidden) timer = setTimeout(ask, ms);
}

byId('pause').addEventListener('click', () => {
	paused = !paused;
	byId('pause').setAttribute('aria-pressed', String(paused));
	byId('pause').textContent = paused ? 'Go on' : 'Pause';
	setText('asked', paused ? 'Paused.' : '');
	plan(0);
});
document.addEventListener('visibilitychange', () => plan(0));
ask();
