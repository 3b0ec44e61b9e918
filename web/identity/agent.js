// Who else than a site may want somebody signed in: at /auth a program that has BrowserID built in and
// takes this server for the identity provider of an address (its navigator.id, or the script's); at
// /sign_in the user alone, who is then led home.

const nobody = {
	email: '',
	dress() {},
	complete: () => location.replace('/'),
	cancel: () => location.replace('/'),
};

function load(src) {
	return new Promise((resolve, reject) => {
		const script = document.createElement('script');
		Object.assign(script, { src, onload: resolve, onerror: () => reject(new Error(`${src} is not there`)) });
		document.head.append(script);
	});
}

// { email, dress(), complete(), cancel() }: email is '' if nobody says which.
export async function receiveAgent() {
	if (location.pathname !== '/auth') {
		return nobody;
	}
	await load('/authentication_api.js');
	const email = await new Promise((resolve) => navigator.id.beginAuthentication(resolve));
	return {
		email: email ?? '',
		dress() {
			for (const line of document.querySelectorAll('[data-cancel-line]')) {
				line.hidden = false;
			}
		},
		complete: () => navigator.id.completeAuthentication(),
		cancel: () => navigator.id.raiseAuthenticationFailure('user canceled authentication'),
	};
}
