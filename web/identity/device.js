// What this browser remembers between visits beside cookies and keys: the address last used at each
// site, and whether the user wants to stay signed in here. Works, forgetful, where storage is off.

const SITES = 'plimsoll.sites'; // { origin: address }
const STAY = 'plimsoll.stay'; // "yes" or "no"
const STAGED = 'plimsoll.staged'; // of this window only: { email, site }
const DETOUR = 'plimsoll.detour'; // of this window only; see below
const DETOUR_MS = 3600 * 1000;
const SITES_MAX = 200;

function read(storage, name) {
	try {
		return JSON.parse(window[storage].getItem(name));
	} catch {
		return null;
	}
}

function write(storage, name, value) {
	try {
		if (value === null) {
			window[storage].removeItem(name);
		} else {
			window[storage].setItem(name, JSON.stringify(value));
		}
	} catch {
		// Storage is off or full: it is a convenience only.
	}
}

export function lastAddress(site) {
	return read('localStorage', SITES)?.[site] ?? null;
}

export function rememberAddress(site, email) {
	const { [site]: _, ...others } = read('localStorage', SITES) ?? {};
	const newest = [[site, email], ...Object.entries(others)].slice(0, SITES_MAX);
	write('localStorage', SITES, Object.fromEntries(newest));
}

// The sites at which an address was used last.
export function sitesOf(email) {
	const sites = Object.entries(read('localStorage', SITES) ?? {});
	return sites.filter(([, used]) => used === email).map(([site]) => site);
}

export function forgetAddress(email) {
	const sites = Object.entries(read('localStorage', SITES) ?? {});
	write('localStorage', SITES, Object.fromEntries(sites.filter(([, used]) => used !== email)));
}

export function staysSignedIn() {
	return read('localStorage', STAY) !== 'no';
}

export function rememberStay(stay) {
	write('localStorage', STAY, stay ? 'yes' : 'no');
}

// The sign-up that waits for its mail, so that a phone which dropped the page can go on with it.
export function stagedHere() {
	return read('sessionStorage', STAGED);
}

export function rememberStaged(staged) {
	write('sessionStorage', STAGED, staged);
}

// What a page has to know again when this window comes back from a provider's page: { nonce, email,
// info, origin, site, home }, with the time at which it left. home: see primary.js.
export function rememberDetour(detour) {
	write('sessionStorage', DETOUR, { ...detour, created: Date.now() });
}

// The same, which is forgotten then; null: none, or too long ago.
export function takeDetour() {
	const detour = read('sessionStorage', DETOUR);
	write('sessionStorage', DETOUR, null);
	return detour && Date.now() - detour.created < DETOUR_MS ? detour : null;
}

export function forgetDevice() {
	write('localStorage', SITES, null);
	write('localStorage', STAY, null);
	write('sessionStorage', STAGED, null);
}
