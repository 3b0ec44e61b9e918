// Asks the provider of an address, in a hidden frame, whether it vouches for the user of this browser:
// its provisioning page certifies a new key, or says why not.
import { openChannel } from './frame_channel.js';
import { faultOf, newKey } from './keys.js';

const LIMIT_MS = 20 * 1000;

// The provider did not vouch; message says why in its or our words. kind: "failed", "silent".
export class NotVouched extends Error {
	constructor(kind, message) {
		super(message);
		this.kind = kind;
	}
}

function hiddenFrame(url) {
	const frame = document.createElement('iframe');
	frame.hidden = true;
	// It may do all that a page does, but not lead this window away or open others.
	frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-storage-access-by-user-activation';
	frame.src = url;
	return frame;
}

/*
 * asked: { email, issuer, seconds }, seconds being how long the certificate should be good. Resolves
 * to a record for keys.js, or rejects with NotVouched.
 */
export async function provision(url, asked, now) {
	const frame = hiddenFrame(url);
	const end = { timer: null, channel: null };
	try {
		return await new Promise((resolve, reject) => {
			let key = null;
			const fail = (kind, why) => reject(new NotVouched(kind, why));
			end.timer = setTimeout(fail, LIMIT_MS, 'silent', `${new URL(url).host} did not answer`);
			document.body.append(frame);
			end.channel = openChannel({
				peer: frame.contentWindow,
				origin: new URL(url).origin,
				scope: 'vep_prov',
				methods: {
					beginProvisioning: () => ({ email: asked.email, cert_duration_s: asked.seconds }),
					async genKeyPair() {
						key = await newKey();
						return key.publicKey;
					},
					registerCertificate(certificate) {
						const fault = key ? faultOf(certificate, key, asked, now()) : 'it asked for no key';
						if (fault) {
							fail('failed', fault);
						}
						resolve({ email: asked.email, ...key, certificate, issuer: asked.issuer });
					},
					raiseProvisioningFailure(reason) {
						fail('failed', String(reason ?? '').slice(0, 200));
					},
				},
			});
		});
	} finally {
		clearTimeout(end.timer);
		end.channel?.close();
		frame.remove();
	}
}
