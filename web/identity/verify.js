// The page behind the link in the mail: confirms the address of a new account.
import { canSign, credentials, isPassword } from './account.js';
import { Api } from './api.js';
import * as screens from './screens.js';
import { fillTexts } from './text.js';

const api = new Api(screens.waitBusy);
const token = new URLSearchParams(location.search).get('token') ?? '';

let found = null; // answer of email_for_token: email, must_auth, kdf, salt, rounds

async function complete(fields) {
	const answer = await api.post('complete_user_creation', { token, ...fields });
	screens.show(answer.success ? 'done' : 'bad');
}

async function submitPassword({ pass }) {
	if (!isPassword(pass.value)) {
		throw new screens.FieldError('pass', 'wrong_password');
	}
	try {
		await complete(await credentials(found, pass.value));
	} catch (error) {
		if (error.status === 401) {
			throw new screens.FieldError('pass', 'wrong_password');
		}
		throw error;
	}
}

function askPassword() {
	if (!canSign()) {
		screens.show('insecure', { origin: location.origin });
		return;
	}
	screens.element('password', 'form').elements.email.value = found.email;
	screens.show('password', { email: found.email });
}

async function start() {
	screens.show('loading');
	if (!/^[A-Za-z0-9]{48}$/.test(token)) {
		screens.show('incomplete');
		return;
	}
	try {
		await api.context();
		found = await api.get('email_for_token', { token });
		if (!found.success) {
			screens.show('bad');
		} else if (found.must_auth) {
			askPassword();
		} else {
			await complete({});
		}
	} catch (error) {
		screens.showFailure(error, start);
	}
}

fillTexts(document);
screens.onSubmit('password', submitPassword, screens.showFailure);
screens.wireReveal('password');
start();
