// What Firefox asks its sign-in page for, and what it does with the code that it gets (sync.md 6.3): a
// key pair for the answer, PKCE, the exchange of the code, and the keys out of the JWE.
//   const asks = new SignInRequest({ clientId: PHONE });
//   page.goto(asks.url(server)); ...; const got = await asks.exchange(server, code);
//   got.tokens, got.key.k, got.key.kid
import { createDecipheriv, createECDH, createHash, randomBytes } from 'node:crypto';
import { CLIENT_ID, SYNC_SCOPE } from './firefox.mjs';

export const PHONE = 'a2270f727f45f648';
export const SESSION_SCOPE = 'https://identity.mozilla.com/tokens/session';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const int32 = (n) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n]);
const NAME = Buffer.from('A256GCM');

export class SignInRequest {
	constructor({ clientId = CLIENT_ID, scope = `profile ${SYNC_SCOPE}` } = {}) {
		this.ecdh = createECDH('prime256v1');
		this.ecdh.generateKeys();
		this.verifier = randomBytes(32).toString('base64url');
		this.state = randomBytes(12).toString('base64url');
		Object.assign(this, { clientId, scope });
	}

	// Our public key.
	get jwk() {
		const point = this.ecdh.getPublicKey();
		const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((n) => n.toString('base64url'));
		return Buffer.from(JSON.stringify({ kty: 'EC', crv: 'P-256', x, y })).toString('base64url');
	}

	url(server, path = '/firefox/', more = {}) {
		const query = new URLSearchParams({
			context: 'oauth_webchannel_v1', action: 'email', service: 'sync', response_type: 'code', access_type: 'offline',
			client_id: this.clientId, scope: this.scope, state: this.state, keys_jwk: this.jwk,
			code_challenge: sha256(this.verifier).toString('base64url'), code_challenge_method: 'S256', ...more,
		});
		return `${server.url}${path}?${query}`;
	}

	// The code becomes tokens; resolves to them and the key of Sync.
	async exchange(server, code) {
		const answer = await fetch(`${server.url}/v1/oauth/token`, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ grant_type: 'authorization_code', client_id: this.clientId, code, code_verifier: this.verifier }),
		});
		const tokens = await answer.json();
		if (!answer.ok) throw new Error(`oauth/token: ${answer.status} ${JSON.stringify(tokens)}`);
		return { tokens, key: this.open(tokens.keys_jwe)[SYNC_SCOPE] };
	}

	// What a JWE for us says: ECDH-ES with A256GCM (RFC 7518 4.6).
	open(jwe) {
		const [head, encryptedKey, iv, sealed, tag] = jwe.split('.');
		const { alg, enc, epk } = JSON.parse(Buffer.from(head, 'base64url'));
		if (alg !== 'ECDH-ES' || enc !== 'A256GCM' || encryptedKey !== '') throw new Error(`a JWE of another kind: ${alg} ${enc}`);
		const point = Buffer.concat([Buffer.from([4]), ...[epk.x, epk.y].map((n) => Buffer.from(n, 'base64url'))]);
		const parts = [int32(1), this.ecdh.computeSecret(point), int32(NAME.length), NAME, int32(0), int32(0), int32(256)];
		const decipher = createDecipheriv('aes-256-gcm', sha256(Buffer.concat(parts)), Buffer.from(iv, 'base64url'));
		decipher.setAAD(Buffer.from(head)).setAuthTag(Buffer.from(tag, 'base64url'));
		return JSON.parse(decipher.update(Buffer.from(sealed, 'base64url'), undefined, 'utf8') + decipher.final('utf8'));
	}
}
