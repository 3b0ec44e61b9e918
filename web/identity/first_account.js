// The page behind the link that the server prints while nobody has an account: makes the first one,
// with an address that its owner types, because no mail has to be sent for it.
import { canSign, credentials, isEmail, isPassword } from './account.js';
import { Api } from './api.js';
import * as screens from './screens.js';
import { fillTexts } from './text.js';

const api = new Api(screens.waitBusy);
const token = new URLSearchParams(location.search).get('token') ?? '';

async function submit({ email, pass, repeat }) {
	const address = email.value.trim();
	if (!isEmail(address)) {
		throw new screens.FieldError('email', 'wrong_email');
	}
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_length');
	}
	if (pass.value !== repeat.value) {
		throw new screens.FieldError('repeat', 'wrong_repeat');
	}
	const kdf = await api.get('password_kdf', { email: address });
	const answer = await api.post('complete_user_creation', { token, email: address, ...(await credentials(kdf, pass.value)) });
	screens.show(answer.success ? 'done' : 'bad', { email: address });
}

async function start() {
	screens.show('loading');
	if (!/^[A-Za-z0-9]{48}$/.test(token)) {
		screens.show('incomplete');
		return;
	}
	if (!canSign()) {
		screens.show('insecure', { origin: location.origin });
		return;
	}
	try {
		await api.context();
		const found = await api.get('email_for_token', { token });
		screens.show(found.success && found.chooses_email ? 'first' : 'bad');
	} catch (error) {
		screens.showFailure(error, start);
	}
}

fillTexts(document);
screens.onSubmit('first', submit, screens.showFailure);
screens.wireReveal('first');
start();
