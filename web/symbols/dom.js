// Elements, made in one expression: h('p', { class: 'note' }, 'text', child). Text is always text. A
// function as an attribute listens to that event.

export function h(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (typeof value === 'function') {
			element.addEventListener(key, value);
		} else if (value === true) {
			element.setAttribute(key, '');
		} else if (value !== false && value !== undefined && value !== null) {
			element.setAttribute(key, value);
		}
	}
	element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
	return element;
}

export function say(text) {
	document.querySelector('[role=status].sr').textContent = text;
}

// columns: [title, cell(row), class]; the first cell is the row's header.
export function table(columns, rows, empty) {
	if (rows.length === 0) {
		return h('p', { class: 'none' }, empty);
	}
	// One child, so that on a phone a cell is two columns: its title and that.
	const cell = (row, [title, make, name = ''], i) => {
		const content = h('div', {}, make(row));
		const isEmpty = content.textContent.trim() === '';
		return h(i === 0 ? 'th' : 'td', { scope: i === 0 && 'row', class: `${name}${isEmpty ? ' none-here' : ''}`, 'data-label': title }, content);
	};
	return h(
		'table',
		{ class: 'list' },
		h('thead', {}, h('tr', {}, columns.map(([title, , name]) => h('th', { scope: 'col', class: name }, title)))),
		h('tbody', {}, rows.map((row) => h('tr', {}, columns.map((column, i) => cell(row, column, i))))),
	);
}

export function facts(pairs) {
	return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([title, value]) => h('div', {}, h('dt', {}, title), h('dd', {}, value))));
}

// A command with a button that copies it.
export function paste(text) {
	const button = h('button', { type: 'button', class: 'plain', click: copy }, 'Copy');
	async function copy() {
		try {
			await navigator.clipboard.writeText(text);
			button.textContent = 'Copied';
			say('Copied');
		} catch {
			getSelection().selectAllChildren(button.previousElementSibling);
			button.textContent = 'Selected';
		}
	}
	return h('div', { class: 'paste' }, h('pre', {}, text), button);
}

// A button that asks once more, by changing its words, before it acts.
export function careful(words, question, act) {
	let asked = false;
	const button = h('button', { type: 'button', class: 'plain', click }, words);
	async function click() {
		if (!asked) {
			asked = true;
			button.textContent = question;
			setTimeout(() => {
				asked = false;
				button.textContent = words;
			}, 6000);
			return;
		}
		button.disabled = true;
		await act();
	}
	return button;
}

// ---- words for values ----

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function size(bytes) {
	let n = bytes;
	let unit = 0;
	for (; n >= 1000 && unit < UNITS.length - 1; unit++) {
		n /= 1000;
	}
	return `${unit === 0 || n >= 100 ? Math.round(n) : n.toPrecision(3)} ${UNITS[unit]}`;
}

export function time(text) {
	if (!text) {
		return '';
	}
	const date = new Date(text);
	const shown = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
	return h('time', { datetime: text, title: text }, shown);
}

export function day(text) {
	return h('time', { datetime: text, title: text }, new Date(text).toLocaleDateString(undefined, { dateStyle: 'medium' }));
}

export const number = (n) => n.toLocaleString();
export const badge = (text, name = '') => h('span', { class: `badge ${name}` }, text);
