// The page for signing up: a form, and the waiting time while many others sign up.
import { SignUpQueue, inWords } from './signup_queue.js';

const find = (selector) => document.querySelector(selector);
const title = document.title;
let whole = 0; // of the wait that is under way, milliseconds

function show(name, focus = false) {
	for (const section of document.querySelectorAll('[data-screen]')) {
		section.hidden = section.dataset.screen !== name;
	}
	const heading = find(`[data-screen="${name}"] h1`);
	if (focus) {
		heading.tabIndex = -1;
		heading.focus();
	}
}

function onWait(ms) {
	if (find('[data-screen="waiting"]').hidden) {
		show('waiting', true);
		whole = ms;
	}
	find('[data-time]').textContent = inWords(ms);
	find('[data-bar]').value = whole > 0 ? 1 - ms / whole : 1;
	document.title = `${inWords(ms)} – ${title}`;
}

function onTry() {
	document.title = title;
	show('trying');
}

const queue = new SignUpQueue({ onWait, onTry });

find('form').addEventListener('submit', async (event) => {
	event.preventDefault();
	const fields = Object.fromEntries(new FormData(event.target));
	find('[data-wrong]').hidden = true;
	try {
		await queue.join(fields);
		event.target.reset();
		find('[data-email]').textContent = fields.email;
		show('mail', true);
	} catch (error) {
		find('[data-wrong]').textContent = error.message;
		find('[data-wrong]').hidden = false;
		show('form');
	}
	document.title = title;
});

// Back on the page after a reload: the place in the line is kept, the password is not.
const { place } = queue;
if (place) {
	find('[name="email"]').value = place.email;
	find('[data-kept]').hidden = false;
	find('[name="password"]').focus();
}
show('form');
