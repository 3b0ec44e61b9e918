// Asks the server every few seconds whether the link in the mail has been opened.

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
 * Resolves to "complete", "mustAuth", or "late" when it took too long. A busy server is asked again
 * when it says so, a missing connection is told by notice("mail_connection") and taken back by
 * notice(null). Rejects when signal is aborted and for what asking again cannot mend.
 */
export async function waitForConfirmation(api, email, signal, notice) {
	const began = Date.now();
	let disturbed = false;

	while (Date.now() - began < GIVE_UP_MS) {
		let wait = Date.now() - began < LATER_MS ? EVERY_MS : EVERY_LATER_MS;
		try {
			const { status } = await api.get('user_creation_status', { email }, { impatient: true });
			if (signal.aborted) {
				throw signal.reason;
			}
			if (status === 'complete' || status === 'mustAuth') {
				return status;
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
