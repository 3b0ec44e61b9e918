// What the parts of this page share: elements and their texts, the screens of one who is not in yet,
// forms that say what is wrong with them.
export const find = (selector, root = document) => root.querySelector(selector);
export const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

// element('li', { className: 'own', ariaLabel: 'Mine' }, 'text', otherElement)
export function element(name, properties = {}, ...children) {
	const made = document.createElement(name);
	for (const [property, value] of Object.entries(properties)) {
		if (property.startsWith('aria')) {
			made.setAttribute(`aria-${property.slice(4).toLowerCase()}`, value);
		} else {
			made[property] = value;
		}
	}
	made.append(...children);
	return made;
}

// Fills in data-value="name" wherever it stands.
export function fill(values) {
	for (const [name, value] of Object.entries(values)) {
		findAll(`[data-value="${name}"]`).forEach((place) => (place.textContent = value));
	}
}

// Says something in a place that is hidden while there is nothing to say.
export function say(place, text) {
	place.hidden = !text;
	place.textContent = text ?? '';
}

// One of the screens before one is in; null: what is inside.
export function show(name, notice = null) {
	find('[data-outside]').hidden = name === null;
	find('[data-inside]').hidden = name !== null;
	for (const section of findAll('[data-screen]')) {
		section.hidden = section.dataset.screen !== name;
		const place = find('[data-notice]', section);
		if (place) {
			say(place, notice);
		}
	}
	const section = name && find(`[data-screen="${name}"]`);
	const first = section && (find('input', section) ?? find('h1', section));
	if (first?.localName === 'h1') {
		first.tabIndex = -1;
	}
	first?.focus();
}

// Resolves when "Try again" is pressed.
export function showFailure(error) {
	fill({ why: wordsOf(error) });
	show('error');
	return new Promise((resolve) => (find('[data-again]').onclick = resolve));
}

export function wordsOf(error) {
	if (error.code === undefined) {
		return `Something is wrong in this page: ${error.message}`;
	}
	const words = {
		network: 'The server does not answer. Are you connected?',
		wrong_credentials: 'The address or the password is wrong.',
		unverified: 'The mail that was sent to this address is not answered yet.',
		locked: 'Too many wrong passwords. Wait a few minutes, then try again.',
		already_paired: 'One of the two has a partner already.',
		too_soon: 'The last mail was sent just now. Wait a minute.',
		bad_token: 'This link is not one of ours. Copy the whole link from the mail.',
		gone: 'This link was used before, or it is too old.',
		stale_version: 'It was changed meanwhile.',
		limit_reached: 'There are as many as there may be.',
		overloaded: 'The server is very busy just now. Try again in a moment.',
	}[error.code];
	return words ?? `The server refused this: ${error.message}`;
}

// Runs work(fields, form) when a form is sent, once at a time; what it throws is said in place.
export function onForm(name, place, work) {
	const form = find(`[data-form="${name}"]`);
	const wrong = place ?? find('[data-wrong]', form);
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (form.hasAttribute('data-working')) {
			return;
		}
		form.toggleAttribute('data-working', true);
		say(wrong, null);
		try {
			await work(Object.fromEntries(new FormData(form)), form);
		} catch (error) {
			say(wrong, wordsOf(error));
		}
		form.toggleAttribute('data-working', false);
	});
	return form;
}

// A click that may fail, said in place.
export function onClick(button, place, work) {
	button.addEventListener('click', async () => {
		say(place, null);
		try {
			await work();
		} catch (error) {
			say(place, wordsOf(error));
		}
	});
}
