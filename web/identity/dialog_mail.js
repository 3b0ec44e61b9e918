// The dialog's "check your mail": has the mail sent, again if asked, and waits for its link. What a mail
// is for is one of the kinds of staging.js.
import { isSignedOut } from './api.js';
import * as device from './device.js';
import { api, dialog, forgetSession, Moved, site } from './dialog_state.js';
import { showMailNotice } from './dialog_view.js';
import * as screens from './screens.js';
import { stage, waitForLink } from './staging.js';
import { setText } from './text.js';

const { element } = screens;
const TEXTS = { reset: 'mail_sent_reset', reverify: 'mail_sent_reverify' };

let handlers; // { confirmed(kind, status), change(), failed(error, again) }
let waiting = null; // the kind that is waited for
let poll = null; // AbortController of waiting

// A mail for another kind of change than adding or re-verifying signs out whoever is signed in.
export const keepsSession = (kind) => kind === 'add' || kind === 'reverify';

// How the mail looks: as the site does. Logos that a site sent along are not for mails.
function look() {
	const { color, logo } = dialog.request?.params ?? {};
	return {
		...(color && { backgroundColor: color }),
		...(logo?.startsWith('https:') && { siteLogo: logo }),
	};
}

// Has a mail sent to the address in hand; with dialog.proof, if there is one, as its new password.
export async function send(kind) {
	const { email, proof, request } = dialog;
	const unverified = kind === 'new' && request?.params.allowUnverified;
	const answer = await stage(api, kind, {
		email,
		site: site(),
		...proof,
		...look(),
		...(unverified && { allowUnverified: true }),
	});
	if (!keepsSession(kind)) {
		forgetSession();
	}
	if (!answer.unverified) {
		device.rememberStaged({ email, site: site(), kind });
	}
	return answer;
}

// Can it be sent again? A page that was loaded anew has no password to send with it.
function isRepeatable(kind) {
	const needsNone = kind === 'reset' || kind === 'reverify' || (kind === 'add' && dialog.context.has_password);
	return needsNone || dialog.proof !== null;
}

// Shows the screen, with a notice if any, and waits. Resolves when the link was opened or the user
// went on to something else.
export async function wait(kind, notice = null) {
	stop();
	waiting = kind;
	poll = new AbortController();
	const { signal } = poll;
	setText(element('mail', '[data-for]'), TEXTS[kind] ?? 'mail_sent', { email: dialog.email });
	element('mail', '[data-again]').hidden = !isRepeatable(kind);
	showMailNotice(notice);
	screens.show('mail');
	try {
		const status = await statusOf(kind, signal);
		device.rememberStaged(null);
		await handlers.confirmed(kind, status);
	} catch (error) {
		if (!signal.aborted && !(error instanceof Moved)) {
			handlers.failed(error, () => wait(kind));
		}
	}
}

// A session that ended meanwhile, as sessions do when an account gets its first password, asks for it.
async function statusOf(kind, signal) {
	try {
		return await waitForLink(api, kind, dialog.email, signal, showMailNotice);
	} catch (error) {
		if (!isSignedOut(error) || dialog.proof === null) {
			throw error;
		}
		return 'mustAuth';
	}
}

export function stop() {
	poll?.abort();
}

async function sendAgain() {
	try {
		await send(waiting);
		showMailNotice('mail_sent_again');
	} catch (error) {
		if (error instanceof screens.FieldError) {
			showMailNotice(error.key);
		} else {
			stop();
			handlers.failed(error, () => wait(waiting));
		}
	}
}

export function wire(given) {
	handlers = given;
	screens.onClick('mail', '[data-again]', sendAgain);
	screens.onClick('mail', '[data-change]', handlers.change);
}
