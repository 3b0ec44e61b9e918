// Puts the texts of messages.*.js into a page. Elements say which by data-text="key"; {name} in a
// text is replaced by a value: a node as it is, a string emphasised and never read as markup.
// One file of texts per language; a page loads English, for what a language lacks, and the reader's.
import { messages as english } from './messages.en.js';

const PLACE = /\{(\w+)\}/;
const OTHERS = ['de']; // languages there is a file of, beside English
const RIGHT_TO_LEFT = /^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/;

// The first of the browser's languages that there are texts in: "de" for "de-AT", too.
function chosenLanguage() {
	const wanted = navigator.languages ?? [navigator.language ?? 'en'];
	const known = wanted
		.map((tag) => tag.toLowerCase())
		.map((tag) => ['en', ...OTHERS].find((one) => tag === one || tag.startsWith(`${one}-`)));
	return known.find(Boolean) ?? 'en';
}

// English, and over it what the reader's language has; a file that cannot be had is done without.
async function loadMessages(language) {
	if (language === 'en') {
		return english;
	}
	try {
		const { messages: others } = await import(`./messages.${language}.js`);
		document.documentElement.lang = language;
		document.documentElement.dir = RIGHT_TO_LEFT.test(language) ? 'rtl' : 'ltr';
		return { ...english, ...others };
	} catch {
		return english;
	}
}

const messages = await loadMessages(chosenLanguage());

function message(key) {
	const found = messages[key];
	if (found === undefined) {
		throw new Error(`no text "${key}"`);
	}
	return found;
}

// The text as a plain string.
export function text(key, values = {}) {
	return message(key).replace(new RegExp(PLACE, 'g'), (_, name) => values[name]);
}

// The nodes of a string, in which a narrow screen may break an address or a host before "@" and dots.
export function breakable(string) {
	if (!/^\S+[@.]\S+$/.test(string)) {
		return [string];
	}
	return string.split(/(?=[@.])/).flatMap((piece) => [document.createElement('wbr'), piece]);
}

function emphasised(value) {
	const strong = document.createElement('strong');
	strong.append(...breakable(String(value)));
	return strong;
}

// Makes the text the content of an element.
export function setText(element, key, values = {}) {
	const nodes = message(key)
		.split(PLACE)
		.map((piece, i) => {
			if (i % 2 === 0) {
				return piece;
			}
			return values[piece] instanceof Node ? values[piece] : emphasised(values[piece]);
		});
	element.replaceChildren(...nodes);
}

// Fills every element below root whose text needs no values it does not get.
export function fillTexts(root, values = {}) {
	for (const element of root.querySelectorAll('[data-text]')) {
		const names = [...message(element.dataset.text).matchAll(new RegExp(PLACE, 'g'))];
		if (names.every(([, name]) => values[name] !== undefined)) {
			setText(element, element.dataset.text, values);
		}
	}
}
