// The WebChannel: events by which a page of this origin talks to the Firefox that opened it.

const ID = 'account_updates';
const STATUS_MS = 1500; // another browser never answers
const ANSWER_MS = 60000; // Firefox may ask its user something meanwhile

let count = 0;

function tell(command, data, messageId = `${Date.now()}-${++count}`) {
	const detail = JSON.stringify({ id: ID, message: { command, messageId, data } });
	window.dispatchEvent(new CustomEvent('WebChannelMessageToChrome', { detail }));
}

// Sends a command, resolves to the data of the answer; rejects when none comes in time.
function ask(command, data, patience) {
	const messageId = `${Date.now()}-${++count}`;
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => end(reject, new Error(`Firefox did not answer ${command}`)), patience);
		const end = (how, what) => {
			clearTimeout(timer);
			window.removeEventListener('WebChannelMessageToContent', hear);
			how(what);
		};
		function hear({ detail }) {
			const { id, message } = typeof detail === 'string' ? JSON.parse(detail) : detail;
			if (id === ID && message?.messageId === messageId) {
				const problem = message.data?.error;
				end(problem ? reject : resolve, problem ? new Error(String(problem.message ?? problem)) : message.data);
			}
		}
		window.addEventListener('WebChannelMessageToContent', hear);
		tell(command, data, messageId);
	});
}

// Who is signed in in this Firefox, and which engines it has; null where this is none.
export function status() {
	return ask('fxaccounts:fxa_status', { service: 'sync', context: 'oauth_webchannel_v1' }, STATUS_MS).catch(() => null);
}

// Does the user want this account here, where another one was before?
export async function mayLink(email, uid) {
	const answer = await ask('fxaccounts:can_link_account', { email, uid }, ANSWER_MS).catch(() => ({ ok: true }));
	return answer?.ok !== false;
}

export const logout = (uid) => ask('fxaccounts:logout', { uid }, ANSWER_MS);

// Who has signed in, and the grant by which Firefox gets the rest; makeGrant may wait. On desktops the
// second may go out only when the first was answered; on phones nothing is.
export async function signIn(account, makeGrant, { answers }) {
	if (answers) {
		await ask('fxaccounts:login', account, ANSWER_MS);
		await ask('fxaccounts:oauth_login', await makeGrant(), ANSWER_MS);
	} else {
		tell('fxaccounts:login', account);
		tell('fxaccounts:oauth_login', await makeGrant());
	}
}
