// The first page: what this is, lines to paste, and signing in with the window of the identity service.
import { call } from './api.js';
import { h, paste, say } from './dom.js';

function loadScript(address) {
	return new Promise((resolve, reject) => {
		if (navigator.id) {
			resolve();
			return;
		}
		document.head.append(h('script', { src: address, load: resolve, error: () => reject(new Error('The identity service does not answer.')) }));
	});
}

function signIn(session) {
	const wrong = h('p', { class: 'wrong', role: 'alert' });
	const button = h('button', { type: 'button', click }, 'Sign in');
	async function click() {
		wrong.textContent = '';
		try {
			const assertion = await navigator.id.get({ siteName: 'Symbols' });
			if (assertion) {
				await call('/api/_auth/', { method: 'POST', json: { assertion } });
				location.reload();
			}
		} catch (error) {
			wrong.textContent = error.message;
		}
	}
	// Before the click: a window opens only from one that waits for nothing.
	button.disabled = true;
	loadScript(session.sign_in_script).then(
		() => (button.disabled = false),
		(error) => (wrong.textContent = error.message),
	);
	return [h('p', {}, 'Sign in with your e-mail address to see uploads, to look for modules and to make tokens for uploading.'), button, wrong];
}

function door(session) {
	if (location.origin !== session.public_url) {
		return h('p', {}, 'People sign in at ', h('a', { href: `${session.public_url}/` }, session.public_url), '.');
	}
	if (!session.sign_in_script) {
		return h('p', {}, 'Nobody can sign in here, because the identity service does not run beside this one. Tokens are made with ', h('code', {}, 'plimsoll symbols token add'), '.');
	}
	return signIn(session);
}

export function usage(session) {
	const origin = session.public_url;
	return h(
		'section',
		{ class: 'card' },
		h('h2', {}, 'Upload'),
		h('p', {}, 'A zip archive of MODULE/DEBUG_ID/FILE, as dump_syms and the build systems of Firefox make it:'),
		paste(`curl -H 'Auth-Token: KEY' --form symbols.zip=@symbols.zip ${origin}/upload/`),
		h('p', {}, 'Symbol files as they are, with resuming; or with the tool of Breakpad:'),
		paste(`plimsoll symbols upload --url ${origin} --token-file FILE FOLDER`),
		paste(`sym_upload -p sym-upload-v2 -k KEY FILE.sym ${origin}`),
		h('h2', {}, 'Use'),
		h('p', {}, 'gdb and everything else that knows debuginfod:'),
		paste(`export DEBUGINFOD_URLS=${origin}/`),
		h('p', {}, 'Download a file, or open the Firefox Profiler with the symbols of this server:'),
		paste(`curl --compressed -O ${origin}/DEBUG_FILE/DEBUG_ID/FILE.sym`),
		paste(`https://profiler.firefox.com/?symbolServer=${origin}`),
	);
}

export function front(session, notice) {
	return {
		title: 'Symbols',
		parts: [
			h('p', { class: 'lead' }, 'Debug symbols for crash reporters, profilers and debuggers.'),
			notice && h('p', { class: 'notice', role: 'alert' }, notice),
			h('section', { class: 'card' }, h('h2', {}, 'Sign in'), door(session)),
			usage(session),
		],
	};
}

// Signed in, and allowed nothing.
export function newcomer(session) {
	const { email } = session.user;
	return {
		title: 'Welcome',
		parts: [
			h('p', { class: 'notice' }, h('strong', {}, email), ' is signed in, and nobody has said yet what this address may do. Whoever runs this server says it on its command line, in one of two ways (without -c FILE where the server runs without one, as by make run):'),
			h('section', { class: 'card' }, h('p', {}, 'Uploading and tokens of one’s own:'), paste(`plimsoll symbols token add ${email} upload_symbols,view_all_uploads,manage_tokens -c FILE`), h('p', {}, 'Everything, also the tokens of others:'), paste(`plimsoll user admin ${email} on -c FILE`)),
			usage(session),
		],
	};
}

export async function signOut() {
	try {
		await call('/api/_auth/', { method: 'DELETE' });
		location.hash = '';
		location.reload();
	} catch (error) {
		say(error.message);
	}
}
