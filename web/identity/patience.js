// A server that is too busy refuses and says when to come again. Here is what a page does then, for
// every call of every page: it shows so, waits and asks again, a few times and not for ever.

// A refused user is let in within the twenty seconds that the server takes to serve everybody in
// turn, so tries go on a little longer. Later than that nobody looks at the page any more, and who
// still waits when a rush is over keeps it going.
const REPEATS_MOST = 5;
const AT_LEAST_S = [1, 2, 4, 8, 8]; // before each: a server that says "1" again and again is spared
const DEFAULT_S = 5; // where nobody says when
const LONGEST_S = 120; // a longer wait is the user's to choose

// What the server says of when to come again, in whole seconds; null: nothing.
export function retryAfterSeconds(response) {
	const value = response.headers.get('Retry-After');
	if (value === null) {
		return null;
	}
	const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
	return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

// Is it a refusal for load? One of a front may be 429; without a time a 429 means something else.
export function isBusy(response) {
	return response.status === 503 || (response.status === 429 && retryAfterSeconds(response) !== null);
}

// Before the repeat of that number, from 0; null: there is none.
function secondsBefore(repeat, { kind, retryAfter }, changes) {
	// Whoever was refused before it began is told a time. A change that ended in a 503 without one
	// may have been made.
	const isOver = kind !== 'busy' || repeat === REPEATS_MOST || (changes && retryAfter === null);
	const seconds = Math.max(retryAfter ?? DEFAULT_S, AT_LEAST_S[repeat]);
	return isOver || seconds > LONGEST_S ? null : seconds;
}

/*
 * Resolves to what attempt() does; it is called again when it throws an ApiError "busy". changes: it
 * is not only read. waitBusy(seconds) shows that the server is busy, and resolves when it is time.
 */
export async function patiently(attempt, { changes, waitBusy }) {
	for (let repeat = 0; ; repeat++) {
		try {
			return await attempt();
		} catch (error) {
			const seconds = secondsBefore(repeat, error, changes);
			if (seconds === null) {
				throw error;
			}
			await waitBusy(seconds);
		}
	}
}
