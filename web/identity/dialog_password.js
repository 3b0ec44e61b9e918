// The dialog's password screens: the password of an account, what to do when it is forgotten, and a new
// password for a new account or one that has none.
import { chosenPassword, isPassword, loginCredentials, newCredentials } from './account.js';
import * as device from './device.js';
import * as mail from './dialog_mail.js';
import { api, dialog, Moved } from './dialog_state.js';
import * as screens from './screens.js';
import { setText } from './text.js';

const { element, FieldError } = screens;
// What a new password is for, by the kind of mail that confirms it.
const PURPOSES = {
	new: { why: 'new_for', action: 'create_account' },
	transition: { why: 'first_for', action: 'next' },
	add: { why: 'first_add', action: 'next' },
};

let handlers; // { signIn(), change(), failed(error, again) }
let purpose = 'new';

function show(name, notice) {
	screens.clearPasswords(name);
	element(name, 'form').elements.email.value = dialog.email;
	screens.showNotice(name, notice);
	screens.show(name, { email: dialog.email });
}

// How the password of the address in hand is to be sent.
const howToSend = () => api.get('password_kdf', { email: dialog.email });

// ---- the password of an account ----

export function showPassword(notice = null) {
	element('password', 'form').elements.stay.checked = device.staysSignedIn();
	show('password', notice);
}

async function submitPassword({ pass, stay }) {
	if (!isPassword(pass.value)) {
		throw new FieldError('pass', 'wrong_password');
	}
	device.rememberStay(stay.checked);
	await logIn(await loginCredentials(await howToSend(), pass.value));
	await handlers.signIn();
}

// Signs in with the fields that stand for the password; a FieldError says why not.
export async function logIn(fields) {
	const ephemeral = !device.staysSignedIn();
	const answer = await api.post('authenticate_user', { email: dialog.email, ...fields, ephemeral });
	if (answer.success) {
		dialog.proved = true;
		return;
	}
	if (answer.reason === 'no such user') {
		showNew('new', 'no_account_now');
		throw new Moved();
	}
	if (answer.reason === 'no password set for user') {
		showNew('transition');
		throw new Moved();
	}
	throw new FieldError('pass', answer.code === 'account locked' ? 'locked_or_forgot' : 'wrong_password');
}

async function forgot() {
	dialog.proof = null;
	screens.showNotice('password', null);
	try {
		await mail.send('reset');
	} catch (error) {
		if (error instanceof FieldError) {
			screens.showNotice('password', error.key);
		} else {
			handlers.failed(error, () => showPassword());
		}
		return;
	}
	mail.wait('reset');
}

// ---- a new password ----

export function showNew(forWhat, notice = null) {
	purpose = forWhat;
	const { why, action } = PURPOSES[purpose];
	setText(element('new', '[data-for]'), why, { email: dialog.email });
	element('new', 'button[type=submit]').dataset.text = action;
	show('new', notice);
}

async function submitNew(elements) {
	dialog.proof = await newCredentials(await howToSend(), chosenPassword(elements));
	dialog.proved = true;
	const { unverified } = await mail.send(purpose);
	screens.clearPasswords('new');
	if (unverified) {
		await logIn(dialog.proof);
		await handlers.signIn();
	} else {
		mail.wait(purpose);
	}
}

export function wire(given) {
	handlers = given;
	screens.onSubmit('password', submitPassword, handlers.failed);
	screens.onSubmit('new', submitNew, handlers.failed);
	screens.onClick('password', '[data-forgot]', forgot);
	for (const name of ['password', 'new']) {
		screens.wireReveal(name);
		screens.onClick(name, '[data-change]', handlers.change);
	}
}
