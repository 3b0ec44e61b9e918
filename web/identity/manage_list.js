// The rows of the account manager's list: an address, what is to know of it, what can be done.
import { sitesOf } from './device.js';
import { breakable, setText, text } from './text.js';

const SITES_SHOWN = 3;

function note(key, values) {
	const small = document.createElement('small');
	setText(small, key, values);
	return small;
}

function hostsOf(email) {
	const hosts = sitesOf(email).map((origin) => new URL(origin).host);
	const shown = hosts.slice(0, SITES_SHOWN).join(', ');
	return hosts.length > SITES_SHOWN ? `${shown}, …` : shown;
}

// The button's name has the address, so that it says what it does where the row is not seen.
function button(name, key, email) {
	const element = document.createElement('button');
	Object.assign(element, { type: 'button', className: 'plain', value: email, name });
	element.setAttribute('aria-label', `${text(key)}: ${email}`);
	setText(element, key);
	return element;
}

function row(email, isUnverified) {
	const item = document.createElement('li');
	const words = document.createElement('span');
	const name = document.createElement('span');
	name.dataset.address = '';
	name.append(...breakable(email));
	words.append(name);
	if (isUnverified) {
		words.append(note('address_unverified'));
	}
	const hosts = hostsOf(email);
	if (hosts) {
		words.append(note('address_used', { sites: hosts }));
	}
	item.append(words);
	if (isUnverified) {
		item.append(button('reverify', 'address_reverify', email));
	}
	item.append(button('remove', 'address_remove', email));
	return item;
}

export function addressRows({ emails, unverified }) {
	return emails.map((email) => row(email, unverified.includes(email)));
}
