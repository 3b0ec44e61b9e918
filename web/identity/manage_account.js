// The account manager: another password, sign out, the end of the account. Passwords are stretched
// here; an account whose password was sent plain by an older client is upgraded with the change.
import { chosenPassword, credentials, isPassword, loginCredentials, newCredentials } from './account.js';
import { isSignedOut } from './api.js';
import { staysSignedIn } from './device.js';
import { account, api, failed, leave, openAccount } from './manage.js';
import * as screens from './screens.js';

const { element } = screens;

function refuse(answer, field) {
	return new screens.FieldError(field, answer.code === 'account locked' ? 'locked' : 'wrong_password');
}

// ---- another password ----

function showPassword() {
	[element('password', 'form').elements.email.value] = account.emails;
	screens.clearPasswords('password');
	screens.show('password');
}

async function submitPassword(fields) {
	if (!isPassword(fields.old.value)) {
		throw new screens.FieldError('old', 'wrong_password');
	}
	const chosen = chosenPassword(fields);
	const [email] = account.emails;
	const kdf = await api.get('password_kdf', { email });
	const old = await credentials(kdf, fields.old.value);
	const next = await newCredentials(kdf, chosen);
	const answer = await api.post('update_password', {
		email,
		oldpass: old.pass,
		kdf: old.kdf,
		newpass: next.pass,
		newkdf: next.kdf,
	});
	if (!answer.success) {
		throw refuse(answer, 'old');
	}
	screens.clearPasswords('password');
	await openAccount('password_changed');
}

// ---- sign out ----

async function signOut() {
	try {
		await api.post('logout');
	} catch (error) {
		if (!isSignedOut(error)) {
			failed(error, () => openAccount());
			return;
		}
	}
	await leave();
}

// ---- the end ----

function showCancel() {
	const { elements } = element('cancel', 'form');
	const byPassword = account.context.has_password;
	[elements.email.value] = account.emails;
	elements.pass.value = '';
	elements.address.value = '';
	element('cancel', '[data-by-password]').hidden = !byPassword;
	element('cancel', '[data-by-address]').hidden = byPassword;
	screens.show('cancel', { email: account.emails[0] });
}

// Whoever finds the browser open must not be able to end the account.
async function checkPassword({ pass }) {
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_password');
	}
	const [email] = account.emails;
	const proof = await loginCredentials(await api.get('password_kdf', { email }), pass.value);
	const answer = await api.post('authenticate_user', { email, ...proof, ephemeral: !staysSignedIn() });
	if (!answer.success) {
		throw refuse(answer, 'pass');
	}
}

async function submitCancel(fields) {
	if (account.context.has_password) {
		await checkPassword(fields);
	} else if (fields.address.value.trim().toLowerCase() !== account.emails[0].toLowerCase()) {
		throw new screens.FieldError('address', 'cancel_wrong_address');
	}
	await api.post('account_cancel');
	fields.pass.value = '';
	await leave('account_gone');
}

export function wireAccount() {
	screens.onClick('account', '[data-change-password]', showPassword);
	screens.onClick('account', '[data-sign-out]', signOut);
	screens.onClick('account', '[data-cancel-account]', showCancel);
	screens.onSubmit('password', submitPassword, failed);
	screens.wireReveal('password');
	screens.onSubmit('cancel', submitCancel, failed);
}
