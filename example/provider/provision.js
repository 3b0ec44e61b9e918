// The page in the hidden frame: certifies the key of whoever is signed in here, if it is the right one.
'use strict';

navigator.id.beginProvisioning(async (email, seconds) => {
	const session = await (await fetch('/whoami')).json();
	if (session.email !== email.toLowerCase()) {
		navigator.id.raiseProvisioningFailure('you are not signed in there with this address');
		return;
	}
	navigator.id.genKeyPair(async (pubkey) => {
		const response = await fetch('/certificate', { method: 'POST', body: JSON.stringify({ pubkey, seconds }) });
		const answer = await response.json();
		if (response.ok) {
			navigator.id.registerCertificate(answer.certificate);
		} else {
			navigator.id.raiseProvisioningFailure(answer.reason);
		}
	});
});
