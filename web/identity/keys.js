// The browser's half of an assertion: a key pair that cannot leave the browser, certified for one
// address by the server or by the address's own provider, signs "this is for that site, for two
// minutes".

const ALGORITHM = {
	name: 'RSASSA-PKCS1-v1_5',
	modulusLength: 2048,
	publicExponent: new Uint8Array([1, 0, 1]),
	hash: 'SHA-256',
};
const ASSERTION_MS = 2 * 60 * 1000;
const CERTIFICATE_MARGIN_MS = 2 * 60 * 1000;
const DATABASE = 'plimsoll-identity';
const STORE = 'keys'; // { email, privateKey, publicKey, certificate, issuer (a provider's only) }
const PREPARED = 'prepared '; // begins the "email" of a key without certificate: { …, created }
const PREPARED_MS = 3600 * 1000;

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

export async function newKey() {
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

const keptHere = new Map(); // address: record, as long as this page lives

export function forgetKeys() {
	keptHere.clear();
	return withStore('readwrite', (store) => store.clear());
}

// Deletes the keys of addresses that are not (or no longer) of the account.
export async function forgetOtherKeys(emails) {
	const kept = (await withStore('readonly', (store) => store.getAllKeys())) ?? [];
	const mayStay = (name) => emails.includes(name) || name.startsWith(PREPARED);
	for (const email of kept.filter((one) => !mayStay(one))) {
		await withStore('readwrite', (store) => store.delete(email));
	}
}

// ---- keys that wait for their certificate while this window shows a provider's page ----

async function forgetOldPrepared() {
	const kept = (await withStore('readonly', (store) => store.getAll())) ?? [];
	for (const { email } of kept.filter(({ created }) => created < Date.now() - PREPARED_MS)) {
		await withStore('readwrite', (store) => store.delete(email));
	}
}

// Makes a key and keeps it under that name; its public half, or null if this browser keeps nothing.
export async function prepareKey(name) {
	await forgetOldPrepared();
	const key = await newKey();
	const record = { email: PREPARED + name, ...key, created: Date.now() };
	const isKept = await withStore('readwrite', (store) => store.put(record));
	return isKept === undefined ? null : key.publicKey;
}

// The key of that name, which is kept no longer; or undefined.
export async function takePreparedKey(name) {
	const record = await withStore('readonly', (store) => store.get(PREPARED + name));
	await withStore('readwrite', (store) => store.delete(PREPARED + name));
	return record && { privateKey: record.privateKey, publicKey: record.publicKey };
}

// ---- certificate and assertion ----

function isUsable(record, context, now) {
	if (!record) {
		return false;
	}
	const { iat, exp } = payloadOf(record.certificate);
	const isOurs = record.issuer === undefined;
	return exp - now >= CERTIFICATE_MARGIN_MS && !(isOurs && iat < context.domain_key_creation_time);
}

// What is wrong with a provider's certificate for a key, in words; null: nothing.
export function faultOf(certificate, { publicKey }, { email, issuer }, now) {
	let payload;
	try {
		payload = payloadOf(certificate);
	} catch {
		return 'its certificate cannot be read';
	}
	const { 'public-key': certified = {}, principal, iss, exp } = payload;
	const asked = JSON.parse(publicKey);
	if (certified.n !== asked.n || certified.e !== asked.e) {
		return 'its certificate is for another key';
	}
	if (String(principal?.email).toLowerCase() !== email.toLowerCase()) {
		return 'its certificate is for another address';
	}
	if (String(iss).toLowerCase() !== issuer.toLowerCase()) {
		return `its certificate is of ${iss}, not of ${issuer}`;
	}
	return exp - now < CERTIFICATE_MARGIN_MS ? 'its certificate has expired, or does in a moment' : null;
}

// Keeps a certified key for that address; an ephemeral one only as long as this page lives.
export async function keepKey(record, ephemeral) {
	keptHere.set(record.email, record);
	if (!ephemeral) {
		await withStore('readwrite', (store) => store.put(record));
	}
}

// issuer: the provider whose certificate it must be; undefined: ours.
async function keptKey(context, email, now, issuer) {
	const kept = keptHere.get(email) ?? (await withStore('readonly', (store) => store.get(email)));
	return isUsable(kept, context, now) && kept.issuer === issuer ? kept : null;
}

// Is there a key for that address with a certificate of its provider that is good for some minutes yet?
export async function hasKey(api, context, email, issuer) {
	return (await keptKey(context, email, api.now(), issuer)) !== null;
}

async function certifiedKey(api, context, email, { ephemeral, allowUnverified, issuer }) {
	const kept = await keptKey(context, email, api.now(), issuer);
	if (kept) {
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
	if (payloadOf(certificate).principal.email) {
		await keepKey(record, ephemeral);
	}
	return record;
}

// A bundle (certificate~assertion) of a certified key for audience, the origin of a site.
export async function bundleOf(api, { certificate, privateKey }, audience) {
	const payload = { exp: Math.round(api.now()) + ASSERTION_MS, aud: audience };
	return `${certificate}~${await sign(payload, privateKey)}`;
}

/*
 * A bundle that proves to audience that the user has that address. context is the answer of
 * session_context. ephemeral: the key is not kept. allowUnverified: an address that is not verified
 * gets a certificate that says so. issuer: of a provider that has certified a kept key for it.
 */
export async function makeAssertion(api, context, email, { audience, ...options }) {
	return bundleOf(api, await certifiedKey(api, context, email, options), audience);
}
