// What the dialog shows of the site that asks, of the user's addresses, and beside its forms.
import { element } from './screens.js';
import { breakable, setText, text } from './text.js';

const hostOf = (request) => new URL(request?.origin ?? location.origin).host;

// The name of the site that asks (null: this server), as it calls itself or by its host.
export function nameOf(request) {
	return request?.params.siteName || hostOf(request);
}

// ---- the site ----

// A site may call itself anything: its host is shown below the name whenever they differ.
function dressHead(screen, request) {
	setText(element(screen, '[data-heading]'), request ? 'sign_in_to' : 'dialog_title', { site: nameOf(request) });
	const host = element(screen, '[data-host]');
	host.hidden = nameOf(request) === hostOf(request);
	host.textContent = hostOf(request);
	const logo = element(screen, '[data-logo]');
	logo.hidden = !request?.params.logo;
	if (request?.params.logo) {
		logo.src = request.params.logo;
	}
}

function dressTerms(screen, terms) {
	const line = element(screen, '[data-terms]');
	line.hidden = !terms;
	if (terms) {
		[line.children[0].href, line.children[1].href] = [terms.terms, terms.privacy];
	}
}

// Fills in what the screens say of the site that asks, or of none.
export function dress(request) {
	for (const screen of ['address', 'pick']) {
		dressHead(screen, request);
		dressTerms(screen, request?.params.terms);
	}
	if (request?.params.color) {
		document.body.classList.add('coloured');
		document.body.style.setProperty('--site', request.params.color);
	}
	const note = request ? 'address_note' : 'address_note_here';
	setText(element('address', '[data-note]'), note, { site: nameOf(request) });
	for (const line of document.querySelectorAll('[data-cancel-line]')) {
		line.hidden = !request;
	}
}

// ---- the addresses ----

function choice(address, { checked, note }) {
	const label = document.createElement('label');
	const input = document.createElement('input');
	Object.assign(input, { type: 'radio', name: 'email', value: address, checked });
	const name = document.createElement('span');
	name.append(...breakable(address));
	label.append(input, name);
	if (note) {
		const small = document.createElement('small');
		setText(small, note);
		label.append(small);
	}
	return label;
}

// The addresses to pick from: first is chosen, last was used here last.
export function showChoices(emails, { first, last }) {
	element('pick', '[data-choices]').replaceChildren(
		...emails.map((one) =>
			choice(one, { checked: one === first, note: one === last ? 'pick_used_here' : null }),
		),
	);
	setText(element('pick', 'legend'), emails.length === 1 ? 'pick_one' : 'pick_which');
}

// ---- notices ----

// What the screen that waits for the mail says below; a screen reader hears it when it changes.
export function showMailNotice(key) {
	const place = element('mail', '[data-notice]');
	if (key === null) {
		place.textContent = '';
	} else if (place.textContent !== text(key)) {
		setText(place, key);
	}
}
