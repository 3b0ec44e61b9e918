// The page on which people sign in at the provider: then back to where they came from, with a
// certificate, so that nothing has to be asked in a frame again.
'use strict';

const find = (id) => document.getElementById(id);

async function post(path, body) {
	const response = await fetch(path, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
	const answer = await response.json();
	if (!response.ok) {
		throw new Error(answer.reason);
	}
	return answer;
}

async function signIn(email, offer) {
	await post('/session', { email, password: find('password').value });
	if (!offer) {
		navigator.id.completeAuthentication();
		return;
	}
	const { certificate } = await post('/certificate', { pubkey: offer.pubkey, seconds: offer.cert_duration_s });
	navigator.id.completeAuthentication(certificate);
}

navigator.id.beginAuthentication((email, offer) => {
	find('email').textContent = email;
	find('form').addEventListener('submit', (event) => {
		event.preventDefault();
		signIn(email, offer).catch((error) => (find('message').textContent = error.message));
	});
	find('cancel').addEventListener('click', () => navigator.id.raiseAuthenticationFailure('cancelled'));
});
