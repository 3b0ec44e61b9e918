// The home page: the account of this browser and its manager, each screen a section of index.html;
// below it what runs here.
import { canSign } from './account.js';
import { showServer } from './home_server.js';
import { openAccount, refresh } from './manage.js';
import { wireAccount } from './manage_account.js';
import { takesReturn, wireAddresses } from './manage_addresses.js';
import * as screens from './screens.js';
import { fillTexts } from './text.js';

function wire() {
	wireAddresses();
	wireAccount();
	for (const button of document.querySelectorAll('[data-back]')) {
		button.addEventListener('click', () => {
			if (button.form) {
				screens.clearFieldErrors(button.form);
			}
			openAccount();
		});
	}
	screens.wireEscape();
	screens.onClick('cookies', '[data-reload]', () => location.reload());
	document.addEventListener('visibilitychange', refresh);
}

fillTexts(document);
// The texts behind these links are there in the language of the page.
for (const link of document.querySelectorAll('.footer a')) {
	link.setAttribute('href', link.getAttribute('href').replace('/en/', `/${document.documentElement.lang}/`));
}
if (!canSign()) {
	const box = document.querySelector('[data-insecure]');
	fillTexts(box, { origin: location.origin });
	box.hidden = false;
}
wire();
screens.show('loading');
showServer();
if (!(await takesReturn())) {
	openAccount(null, {}, { atStart: true });
}
