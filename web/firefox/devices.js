// The list of browsers that are signed in with an account, and signing them out.
import * as screens from '../identity/screens.js';
import { setText } from '../identity/text.js';

const { element } = screens;

const when = (ms) => new Date(ms).toLocaleDateString(document.documentElement.lang, { dateStyle: 'medium' });

function row(client, signOut) {
	const item = document.createElement('li');
	const about = document.createElement('span');
	const name = client.name || client.userAgent || client.clientId || '?';
	setText(about, client.isCurrentSession ? 'ff_device_this' : 'ff_device', { name, when: when(client.lastAccessTime) });
	const button = document.createElement('button');
	button.type = 'button';
	button.className = 'plain';
	setText(button, 'sign_out');
	button.addEventListener('click', async () => {
		button.disabled = true;
		await signOut(client);
	});
	item.append(about, ' ', button);
	return item;
}

// Shows them. session: of whoever asks. left(): what to do when that one has been signed out itself.
export async function show(session, email, { left, failed }) {
	const again = () => show(session, email, { left, failed });
	async function signOut({ sessionTokenId, refreshTokenId, isCurrentSession }) {
		try {
			await session.request('POST', '/v1/account/attached_client/destroy', sessionTokenId ? { sessionTokenId } : { refreshTokenId });
			await (isCurrentSession ? left() : again());
		} catch (error) {
			failed(error, again);
		}
	}
	try {
		const clients = await session.request('GET', '/v1/account/attached_clients');
		clients.sort((a, b) => b.isCurrentSession - a.isCurrentSession || b.lastAccessTime - a.lastAccessTime);
		element('devices', 'ul').replaceChildren(...clients.map((client) => row(client, signOut)));
		screens.show('devices', { email });
	} catch (error) {
		failed(error, again);
	}
}
