// Shared lists: both edit them, and what was changed meanwhile is not overwritten.
import * as api from './api.js';
import { element, find, onClick, onForm, say, wordsOf } from './page.js';

export function wireLists(couple) {
	const place = find('[data-lists]');
	const wrong = find('[data-lists-wrong]');

	// The answer is the event that all others get. False: it was not done, and is said.
	async function change(call) {
		say(wrong, null);
		try {
			couple.take(await call);
			return true;
		} catch (error) {
			say(wrong, wordsOf(error));
			couple.tell('lists'); // what was ticked is as it was
			return false;
		}
	}

	function itemRow(list, item) {
		const path = `/lists/${list.id}/items/${item.id}`;
		const box = element('input', { type: 'checkbox', id: `box-${item.id}`, checked: item.complete });
		box.addEventListener('change', () => change(api.patch(path, { complete: box.checked })));
		const away = element('button', { type: 'button', className: 'plain', ariaLabel: `Remove ${item.text}` }, '✕');
		onClick(away, wrong, () => api.remove(path));
		return element('li', { className: item.complete ? 'done' : '' }, element('label', { className: 'check' }, box, element('span', {}, item.text)), away);
	}

	function card(list) {
		const id = `item-${list.id}`;
		const away = element('button', { type: 'button', className: 'plain', ariaLabel: `Delete the list ${list.name}` }, 'Delete');
		onClick(away, wrong, () => api.remove(`/lists/${list.id}?if_version=${list.version}`));
		const input = element('input', { type: 'text', id, name: 'text', maxLength: 200, placeholder: 'New item', autocomplete: 'off', required: true });
		const form = element('form', { className: 'composer inner' }, element('label', { className: 'unseen', htmlFor: id }, `New item of ${list.name}`), input, element('button', { type: 'submit', className: 'second' }, 'Add'));
		form.addEventListener('submit', async (event) => {
			event.preventDefault();
			const isDone = await change(api.post(`/lists/${list.id}/items`, { text: input.value }));
			const now = document.getElementById(id);
			if (isDone && now) {
				now.value = '';
				now.focus();
			}
		});
		const items = element('ul', { className: 'items' }, ...list.items.map((item) => itemRow(list, item)));
		return element('article', { className: 'list' }, element('header', {}, element('h2', {}, list.name), away), items, form);
	}

	// What is being written in a list stays when the list is drawn anew.
	function draw() {
		const written = new Map([...place.querySelectorAll('input[type=text]')].map((input) => [input.id, input.value]));
		const focused = document.activeElement?.id;
		const lists = [...couple.lists.values()];
		place.replaceChildren(...(lists.length > 0 ? lists.map(card) : [element('p', { className: 'day' }, 'No list yet. Shopping? Films to see?')]));
		for (const input of place.querySelectorAll('input[type=text]')) {
			input.value = written.get(input.id) ?? '';
		}
		if (focused && place.contains(document.getElementById(focused))) {
			document.getElementById(focused).focus();
		}
	}

	couple.on('lists', draw);
	onForm('list', wrong, async (fields, form) => {
		couple.take(await api.post('/lists', fields));
		form.reset();
	});
}
