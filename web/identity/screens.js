// A page is a stack of <section data-screen="name">, one shown at a time; this shows them, runs
// their forms, and says what goes wrong where a screen reader hears it.
import { ApiError } from './api.js';
import { fillTexts, setText } from './text.js';

const SLOW_MS = 1000;
const VERY_SLOW_MS = 10000;
const SPREAD_MS = 900;

let current = null;
let quieten = null; // ends what the current screen says of its slowness

function sectionOf(name) {
	return document.querySelector(`[data-screen="${name}"]`);
}

export function element(name, selector) {
	return sectionOf(name).querySelector(selector);
}

export function currentScreen() {
	return current;
}

// Says in place, after a while each, that it takes its time; the function it gives ends that.
function sayWhenSlow(place, steps) {
	const timers = steps.map(([ms, key]) => setTimeout(() => setText(place, key), ms));
	return () => {
		timers.forEach(clearTimeout);
		place.textContent = '';
	};
}

// Shows a screen, its texts filled with values, and moves the focus there unless that is to be done
// quietly, as when a page shows its first one.
export function show(name, values = {}, { quiet = false } = {}) {
	const section = sectionOf(name);
	fillTexts(section, values);
	for (const other of document.querySelectorAll('[data-screen]')) {
		other.hidden = other !== section;
	}
	current = name;
	quieten?.();
	const slow = section.querySelector('[data-slow]');
	quieten = slow && sayWhenSlow(slow, [[VERY_SLOW_MS, 'slow']]);
	if (quiet) {
		return;
	}
	const heading = section.querySelector('h1, h2');
	if (heading) {
		document.title = heading.textContent;
		heading.tabIndex = -1;
	}
	(section.querySelector('[data-focus]') ?? heading)?.focus();
}

// A notice of a screen, or none (key null). Said again only when it changes.
export function showNotice(name, key, values = {}) {
	const place = element(name, '[data-notice]');
	const notice = document.createElement('p');
	if (key !== null) {
		setText(notice, key, values);
	}
	if (notice.textContent !== place.textContent) {
		place.replaceChildren(...notice.childNodes);
	}
	place.hidden = key === null;
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

// Without a field it is said at the one that is entered first.
export function showFieldError(form, { field, key }) {
	const input = form.elements[field] ?? form.querySelector('[data-focus]');
	setText(noteOf(input), key);
	noteOf(input).hidden = false;
	input.setAttribute('aria-invalid', 'true');
	input.focus();
	input.select?.();
}

export function clearFieldErrors(form) {
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
	form.quieten?.();
	// Said only when it takes long enough to wonder.
	const steps = [
		[SLOW_MS, 'one_moment'],
		[VERY_SLOW_MS, 'slow'],
	];
	const status = form.querySelector('[role=status]');
	form.quieten = working && status ? sayWhenSlow(status, steps) : null;
}

// Runs work(form.elements) for each submit of a screen's form, one at a time. A FieldError it throws
// is shown at the field; anything else goes to failed(error, again), where again shows this screen,
// and submits what was entered once more if the server was too busy.
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
				failed(error, () => {
					show(name);
					if (error.kind === 'busy') {
						form.requestSubmit();
					}
				});
			}
		} finally {
			setWorking(form, false);
		}
	});
}

// Runs work for each click on a button of a screen, one at a time.
export function onClick(name, selector, work) {
	const button = element(name, selector);
	button.addEventListener('click', async () => {
		if (button.getAttribute('aria-disabled') === 'true') {
			return;
		}
		button.setAttribute('aria-disabled', 'true');
		try {
			await work();
		} finally {
			button.removeAttribute('aria-disabled');
		}
	});
}

// Escape is a click on what leads back from the screen (data-escape), unless its form is at work.
export function wireEscape() {
	document.addEventListener('keydown', (event) => {
		const section = current && sectionOf(current);
		if (event.key !== 'Escape' || event.isComposing || !section || section.querySelector('[data-working]')) {
			return;
		}
		[...section.querySelectorAll('[data-escape]')].find((button) => button.offsetParent !== null)?.click();
	});
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

// Counts the seconds down in place; resolves when they are over. Servers say whole seconds: who were
// sent away together come back spread over the last one.
function countdown(place, seconds) {
	return new Promise((resolve) => {
		let left = seconds;
		const tick = () => {
			if (left <= 0) {
				clearInterval(timer);
				setText(place, 'busy_now');
				setTimeout(resolve, Math.random() * SPREAD_MS);
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
