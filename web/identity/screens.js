// A page is a stack of <section data-screen="name">, one shown at a time; this shows them, runs
// their forms, and says what goes wrong where a screen reader hears it.
import { ApiError } from './api.js';
import { fillTexts, setText, text } from './text.js';

const SLOW_MS = 1000;

let current = null;

function sectionOf(name) {
	return document.querySelector(`[data-screen="${name}"]`);
}

export function element(name, selector) {
	return sectionOf(name).querySelector(selector);
}

export function currentScreen() {
	return current;
}

// Shows a screen, its texts filled with values, and moves the focus there.
export function show(name, values = {}) {
	const section = sectionOf(name);
	fillTexts(section, values);
	for (const other of document.querySelectorAll('[data-screen]')) {
		other.hidden = other !== section;
	}
	current = name;
	const heading = section.querySelector('h1, h2');
	if (heading) {
		document.title = heading.textContent;
		heading.tabIndex = -1;
	}
	(section.querySelector('[data-focus]') ?? heading)?.focus();
}

// ---- what is wrong with a field ----

export class FieldError extends Error {
	// field: name of the input; key: of the text.
	constructor(field, key) {
		super(`${field}: ${key}`);
		Object.assign(this, { field, key });
	}
}

function noteOf(input) {
	return document.getElementById(`${input.id}-error`);
}

export function showFieldError(form, { field, key }) {
	const input = form.elements[field];
	setText(noteOf(input), key);
	noteOf(input).hidden = false;
	input.setAttribute('aria-invalid', 'true');
	input.focus();
	input.select?.();
}

function clearFieldErrors(form) {
	for (const input of form.querySelectorAll('[aria-invalid]')) {
		input.removeAttribute('aria-invalid');
		noteOf(input).hidden = true;
	}
}

// ---- forms ----

function setWorking(form, working) {
	form.toggleAttribute('data-working', working);
	const button = form.querySelector('button[type=submit]');
	button.setAttribute('aria-disabled', String(working));
	const status = form.querySelector('[role=status]');
	clearTimeout(form.slowTimer);
	if (status) {
		status.textContent = '';
		// Said only when it takes long enough to wonder.
		form.slowTimer = working && setTimeout(() => (status.textContent = text('one_moment')), SLOW_MS);
	}
}

// Runs work(form.elements) for each submit of a screen's form, one at a time. A FieldError it throws
// is shown at the field; anything else goes to failed(error, again), where again shows this screen.
export function onSubmit(name, work, failed) {
	const form = element(name, 'form');
	form.noValidate = true;
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (form.hasAttribute('data-working')) {
			return;
		}
		clearFieldErrors(form);
		setWorking(form, true);
		try {
			await work(form.elements);
		} catch (error) {
			if (error instanceof FieldError) {
				if (current !== name) {
					show(name);
				}
				showFieldError(form, error);
			} else {
				failed(error, () => show(name));
			}
		} finally {
			setWorking(form, false);
		}
	});
}

export function onClick(name, selector, work) {
	element(name, selector).addEventListener('click', work);
}

// The checkbox of a form that makes its passwords readable.
export function wireReveal(name) {
	const form = element(name, 'form');
	const inputs = form.querySelectorAll('input[type=password]');
	form.elements.reveal.addEventListener('change', (event) => {
		for (const input of inputs) {
			input.type = event.target.checked ? 'text' : 'password';
		}
	});
}

// Empties the passwords of a form and hides them again.
export function clearPasswords(name) {
	const { elements } = element(name, 'form');
	for (const input of elements) {
		if (/password$/.test(input.autocomplete)) {
			input.value = '';
			input.type = 'password';
		}
	}
	elements.reveal.checked = false;
}

// ---- busy and broken ----

// Counts the seconds down in place; resolves when they are over.
export function countdown(place, seconds) {
	return new Promise((resolve) => {
		let left = seconds;
		const tick = () => {
			if (left <= 0) {
				clearInterval(timer);
				setText(place, 'busy_now');
				resolve();
			} else {
				setText(place, 'busy_text', { seconds: left-- });
			}
		};
		const timer = setInterval(tick, 1000);
		tick();
	});
}

// Shows the busy screen with its countdown; resolves when the seconds are over and the screen from
// before is back.
export async function waitBusy(seconds) {
	const before = current;
	if (before !== 'busy') {
		show('busy', { seconds });
	}
	await countdown(element('busy', '[data-text=busy_text]'), seconds);
	if (before && before !== 'busy' && current === 'busy') {
		show(before);
	}
}

// The text, with its values, that tells what went wrong.
export function explain(error) {
	if (!(error instanceof ApiError)) {
		return ['error_other', { reason: error.message }];
	}
	return error.kind === 'refused' ? ['error_refused', { reason: error.reason }] : [`error_${error.kind}`];
}

// Shows an error in words; "Try again" calls again.
export function showFailure(error, again) {
	if (error.kind === 'cookies') {
		show('cookies', { host: location.host });
		return;
	}
	setText(element('error', '[data-why]'), ...explain(error));
	element('error', '[data-again]').onclick = again;
	show('error');
}
