// The browser's half of an assertion: a key pair that cannot leave the browser, certified by the
// server for one address, signs "this is for that site, for two minutes".

const ALGORITHM = {
	name: 'RSASSA-PKCS1-v1_5',
	modulusLength: 2048,
	publicExponent: new Uint8Array([1, 0, 1]),
	hash: 'SHA-256',
};
const ASSERTION_MS = 2 * 60 * 1000;
const CERTIFICATE_MARGIN_MS = 2 * 60 * 1000;
const DATABASE = 'plimsoll-identity';
const STORE = 'keys'; // { email, privateKey, publicKey, certificate }

// ---- base64url and BrowserID's form of a key ----

function base64url(bytes) {
	const binary = String.fromCharCode(...bytes);
	return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function fromBase64url(text) {
	const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
	return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

const encodeJson = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));

function payloadOf(signed) {
	return JSON.parse(new TextDecoder().decode(fromBase64url(signed.split('.')[1])));
}

function decimal(text) {
	const hex = [...fromBase64url(text)].map((b) => b.toString(16).padStart(2, '0')).join('');
	return BigInt(`0x${hex}`).toString();
}

async function newKey() {
	const pair = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
	const { n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
	const publicKey = JSON.stringify({ algorithm: 'RS', n: decimal(n), e: decimal(e) });
	return { privateKey: pair.privateKey, publicKey };
}

async function sign(payload, privateKey) {
	const signed = `${encodeJson({ alg: 'RS256' })}.${encodeJson(payload)}`;
	const bytes = new TextEncoder().encode(signed);
	const signature = await crypto.subtle.sign(ALGORITHM.name, privateKey, bytes);
	return `${signed}.${base64url(new Uint8Array(signature))}`;
}

// ---- what is kept between visits ----

function finished(request) {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

// Runs work on the store of keys. A browser that keeps nothing (private windows of some) gives
// undefined, and the key lives as long as the page.
async function withStore(mode, work) {
	let database;
	try {
		const request = indexedDB.open(DATABASE, 1);
		request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'email' });
		database = await finished(request);
		return await finished(work(database.transaction(STORE, mode).objectStore(STORE)));
	} catch {
		return undefined;
	} finally {
		database?.close();
	}
}

export function forgetKeys() {
	return withStore('readwrite', (store) => store.clear());
}

// Deletes the keys of addresses that are not (or no longer) of the account.
export async function forgetOtherKeys(emails) {
	const kept = (await withStore('readonly', (store) => store.getAllKeys())) ?? [];
	for (const email of kept.filter((one) => !emails.includes(one))) {
		await withStore('readwrite', (store) => store.delete(email));
	}
}

// ---- certificate and assertion ----

function isUsable(record, context, now) {
	if (!record) {
		return false;
	}
	const { iat, exp } = payloadOf(record.certificate);
	return exp - now >= CERTIFICATE_MARGIN_MS && iat >= context.domain_key_creation_time;
}

async function certifiedKey(api, context, email, { ephemeral, allowUnverified }) {
	const kept = await withStore('readonly', (store) => store.get(email));
	if (isUsable(kept, context, api.now())) {
		return kept;
	}
	const key = await newKey();
	const certificate = await api.post('cert_key', {
		email,
		pubkey: key.publicKey,
		ephemeral,
		...(allowUnverified && { allowUnverified }),
	});
	const record = { email, ...key, certificate };
	// One for an address that is not verified is of no use once it is.
	if (!ephemeral && payloadOf(certificate).principal.email) {
		await withStore('readwrite', (store) => store.put(record));
	}
	return record;
}

/*
 * A bundle (certificate~assertion) that proves to audience, the origin of a site, that the user
 * has that address. context is the answer of session_context. ephemeral: the key is not kept.
 * allowUnverified: an address that is not verified gets a certificate that says so.
 */
export async function makeAssertion(api, context, email, { audience, ...options }) {
	const { certificate, privateKey } = await certifiedKey(api, context, email, options);
	const payload = { exp: Math.round(api.now()) + ASSERTION_MS, aud: audience };
	return `${certificate}~${await sign(payload, privateKey)}`;
}
