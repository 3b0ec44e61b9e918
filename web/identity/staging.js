// Changes that wait for the answer to a mail: the call that sends it, and asking every few seconds
// whether the link in it has been opened.
import { ApiError } from './api.js';
import { FieldError } from './screens.js';

const KINDS = {
	new: { stage: 'stage_user', status: 'user_creation_status' },
	add: { stage: 'stage_email', status: 'email_addition_status' },
	reset: { stage: 'stage_reset', status: 'password_reset_status' },
	reverify: { stage: 'stage_reverify', status: 'email_reverify_status' },
	transition: { stage: 'stage_transition', status: 'transition_status' },
};
// Why a call may send no mail, and the text that says so. Sign-up policies have texts of their own
// on the server; to a person they are one.
const REFUSALS = {
	'No such email address.': 'no_such_account',
	'this account has as many addresses as it may have': 'too_many_addresses',
};

const EVERY_MS = 3000;
const EVERY_LATER_MS = 10000;
const LATER_MS = 5 * 60 * 1000;
const GIVE_UP_MS = 24 * 3600 * 1000;

// Resolves after ms, or at once when the user comes back to this window: its timers were asleep.
function pause(ms, signal) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(end, ms);
		document.addEventListener('visibilitychange', comeBack);
		signal.addEventListener('abort', stop);

		function end() {
			clearTimeout(timer);
			document.removeEventListener('visibilitychange', comeBack);
			signal.removeEventListener('abort', stop);
			resolve();
		}
		function comeBack() {
			if (document.visibilityState === 'visible') {
				end();
			}
		}
		function stop() {
			end();
			reject(signal.reason);
		}
	});
}

/*
 * Has the mail of a change sent: kind is one of KINDS, fields the parameters of its call. Resolves to
 * the answer; throws a FieldError, of no field in particular, for what the user can understand.
 */
export async function stage(api, kind, fields) {
	let answer;
	try {
		answer = await api.post(KINDS[kind].stage, fields);
	} catch (error) {
		throw error.status === 429 && error.kind !== 'busy' ? new FieldError(null, 'mail_too_soon') : error;
	}
	if (answer.success) {
		return answer;
	}
	const key = REFUSALS[answer.reason] ?? (kind === 'new' && 'signup_closed');
	throw key ? new FieldError(null, key) : new ApiError('refused', answer);
}

/*
 * Resolves to what the status call of the kind says at the end: "complete", "mustAuth", "failed"; or
 * "late" when it took too long. A busy server is asked again when it says so, a missing connection is
 * told by notice("mail_connection") and taken back by notice(null). Rejects when signal is aborted and
 * for what asking again cannot mend.
 */
export async function waitForLink(api, kind, email, signal, notice) {
	const began = Date.now();
	let disturbed = false;

	while (Date.now() - began < GIVE_UP_MS) {
		let wait = Date.now() - began < LATER_MS ? EVERY_MS : EVERY_LATER_MS;
		try {
			const { status } = await api.get(KINDS[kind].status, { email }, { impatient: true });
			if (signal.aborted) {
				throw signal.reason;
			}
			if (status !== 'pending') {
				return status ?? 'failed';
			}
			if (disturbed) {
				notice(null);
				disturbed = false;
			}
		} catch (error) {
			if (!['busy', 'network', 'server'].includes(error.kind)) {
				throw error;
			}
			if (error.kind !== 'busy') {
				notice('mail_connection');
				disturbed = true;
			}
			wait = Math.max(wait, (error.retryAfter ?? 0) * 1000);
		}
		await pause(wait, signal);
	}
	return 'late';
}
