// This server as the identity provider of its accounts, for programs that have BrowserID built in: they
// open this page unseen, with a navigator.id of their own, and ask for a certificate. Whoever has to
// sign in first is sent to /auth by them.
import { Api } from './api.js';

const api = new Api();
const LONGEST_EPHEMERAL_S = 3600;

async function owns(email) {
	const context = await api.context();
	if (context.auth_level !== 'password') {
		return false;
	}
	const { emails } = await api.get('list_emails');
	return emails.some((one) => one.toLowerCase() === email.toLowerCase());
}

async function certify(email, seconds) {
	try {
		if (!(await owns(email))) {
			navigator.id.raiseProvisioningFailure('user is not authenticated as target user');
			return;
		}
	} catch (error) {
		navigator.id.raiseProvisioningFailure(error.message);
		return;
	}
	navigator.id.genKeyPair(async (pubkey) => {
		try {
			const ephemeral = seconds <= LONGEST_EPHEMERAL_S;
			navigator.id.registerCertificate(await api.post('cert_key', { email, pubkey, ephemeral }));
		} catch (error) {
			navigator.id.raiseProvisioningFailure(error.message);
		}
	});
}

navigator.id.beginProvisioning(certify);
