// All that a site's page does to sign people in: one call, and its own server checks the answer.
'use strict';

const find = (id) => document.getElementById(id);

function show({ email }) {
	find('in').hidden = !email;
	find('out').hidden = Boolean(email);
	find('email').textContent = email ?? '';
}

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

async function signIn() {
	find('message').textContent = '';
	const assertion = await navigator.id.get({ siteName: 'The tide table' });
	if (assertion === null) {
		find('message').textContent = 'You did not sign in.';
		return;
	}
	try {
		show(await post('/login', { assertion }));
	} catch (error) {
		find('message').textContent = `Signing in failed: ${error.message}`;
	}
}

find('sign-in').addEventListener('click', signIn);
find('sign-out').addEventListener('click', async () => show(await post('/logout', {})));
fetch('/whoami').then((response) => response.json()).then(show);
