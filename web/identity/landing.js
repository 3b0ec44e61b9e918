// The pages behind the links in mails, and behind the one that the server prints while nobody has an
// account: confirm an address, choose a new password, make the first account. One document for all of
// them; what the link is for says its path.
import { canSign, chosenPassword, credentials, isEmail, isPassword } from './account.js';
import { Api, keepsCookies } from './api.js';
import * as screens from './screens.js';
import { fillTexts, setText } from './text.js';

const CONFIRM = {
	call: 'complete_email_confirmation',
	title: 'verify_done_title',
	done: 'verify_done',
	bad: 'confirm_bad',
};
// chooses: the password is chosen here, if none was when the mail was asked for. choosesEmail: the address
// is, too. incomplete: what a link without a whole token is told.
const PAGES = {
	'/verify_email_address': {
		call: 'complete_user_creation',
		title: 'verify_done_title',
		done: 'verify_done',
		bad: 'verify_bad',
		chooses: 'invite_for',
		chosen: 'invite_done',
	},
	'/confirm': CONFIRM,
	'/add_email_address': CONFIRM,
	'/reset_password': {
		call: 'complete_reset',
		title: 'reset_done_title',
		done: 'reset_done',
		bad: 'reset_bad',
		chooses: 'reset_for',
		chosen: 'reset_done',
	},
	'/complete_transition': {
		call: 'complete_transition',
		title: 'verify_done_title',
		done: 'verify_done',
		bad: 'confirm_bad',
	},
	'/first_account': {
		call: 'complete_user_creation',
		title: 'first_done_title',
		done: 'first_done',
		bad: 'first_bad',
		choosesEmail: true,
		incomplete: 'first_incomplete',
	},
};

const api = new Api(screens.waitBusy);
const page = PAGES[location.pathname];
const token = new URLSearchParams(location.search).get('token') ?? '';

let found = null; // answer of email_for_token: email, must_auth, needs_password, kdf, salt, rounds

// ---- using the link ----

function why({ code, reason }) {
	if (code === 'account locked') {
		return ['account_locked'];
	}
	return reason.includes('as many addresses') ? ['too_many_addresses'] : ['error_refused', { reason }];
}

function showRefusal(answer) {
	if (answer.reason === 'no such secret') {
		setText(screens.element('bad', '[data-why]'), page.bad);
		screens.show('bad');
	} else {
		setText(screens.element('refused', '[data-why]'), ...why(answer));
		screens.show('refused');
	}
}

async function complete(fields, done = page.done) {
	const answer = await api.post(page.call, { token, ...fields });
	if (!answer.success) {
		showRefusal(answer);
		return;
	}
	setText(screens.element('done', 'h1'), page.title);
	setText(screens.element('done', '[data-why]'), done, { email: fields.email });
	screens.show('done');
}

// Who opens the link in another browser than asked for it shows a password: the one that was chosen
// then, or that of the account.
async function submitPassword({ pass }) {
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_password');
	}
	try {
		await complete(await credentials(found, pass.value));
	} catch (error) {
		if (error.status === 401) {
			const isLocked = error.reason.includes('locked');
			throw new screens.FieldError('pass', isLocked ? 'locked' : 'wrong_password');
		}
		throw error;
	}
}

async function submitNew(elements) {
	await complete(await credentials(found, chosenPassword(elements)), page.chosen);
}

async function submitFirst(elements) {
	const email = elements.email.value.trim();
	if (!isEmail(email)) {
		throw new screens.FieldError('email', 'wrong_email');
	}
	const password = chosenPassword(elements);
	await complete({ email, ...(await credentials(await api.get('password_kdf', { email }), password)) });
}

// ---- what is asked ----

function canAsk() {
	if (!canSign()) {
		screens.show('insecure', { origin: location.origin });
	}
	return canSign();
}

function ask(name, key) {
	if (!canAsk()) {
		return;
	}
	setText(screens.element(name, '[data-for]'), key, { email: found.email });
	screens.element(name, 'form').elements.email.value = found.email;
	screens.show(name);
}

function askPassword() {
	ask('password', found.needs_password ? 'confirm_password' : 'verify_password');
}

async function proceed(context) {
	if (page.choosesEmail) {
		if (!found.chooses_email) {
			showRefusal({ reason: 'no such secret' });
		} else if (canAsk()) {
			screens.show('first');
		}
		return;
	}
	if (found.needs_password && page.chooses) {
		ask('new', page.chooses);
		return;
	}
	// Whoever is signed in may be the one who asked, though a later mail went out since.
	if (found.must_auth && context.auth_level !== 'password') {
		askPassword();
		return;
	}
	try {
		await complete({});
	} catch (error) {
		if (error.status !== 401) {
			throw error;
		}
		askPassword();
	}
}

async function start() {
	screens.show('loading');
	if (!/^[A-Za-z0-9]{48}$/.test(token)) {
		setText(screens.element('incomplete', '[data-why]'), page.incomplete ?? 'verify_incomplete');
		screens.show('incomplete');
		return;
	}
	try {
		const context = await api.context();
		if (!keepsCookies(context)) {
			screens.show('cookies', { host: location.host });
			return;
		}
		found = await api.get('email_for_token', { token });
		if (found.success) {
			await proceed(context);
		} else {
			showRefusal(found);
		}
	} catch (error) {
		screens.showFailure(error, start);
	}
}

fillTexts(document);
screens.onSubmit('password', submitPassword, screens.showFailure);
screens.onSubmit('new', submitNew, screens.showFailure);
screens.onSubmit('first', submitFirst, screens.showFailure);
for (const name of ['password', 'new', 'first']) {
	screens.wireReveal(name);
}
screens.onClick('cookies', '[data-reload]', () => location.reload());
start();
