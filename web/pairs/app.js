// The page: who is here, which part of it is shown, and the way from one to the next.
import * as account from './account.js';
import * as api from './api.js';
import { wireCalendar } from './calendar.js';
import { wireChat } from './chat.js';
import { Couple } from './couple.js';
import { wireLists } from './lists.js';
import { fill, find, findAll, show, showFailure } from './page.js';

const LOOK_MS = 3000; // whether an invitation was accepted
const AGAIN_MS = 1000; // behind a refusal

const couple = new Couple();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- from outside to inside ----

async function enter() {
	await couple.load();
	couple.outbox.load(couple.me.id);
	show(null);
	couple.tell('stream');
	couple.socket.open();
}

// The other one may accept at any time.
async function waitForPartner(notice) {
	fill({ name: couple.me.first_name || 'you' });
	show('alone', notice);
	while (couple.partner === null) {
		await pause(LOOK_MS);
		try {
			couple.setMembers(await api.get('/me'));
		} catch (error) {
			if (!error.isPassing) {
				throw error;
			}
		}
	}
	await enter();
}

async function signedIn() {
	try {
		const notice = await account.acceptInvitation();
		couple.setMembers(await api.get('/me'));
		await (couple.partner ? enter() : waitForPartner(notice));
	} catch (error) {
		if (error.status === 401) {
			api.keepToken(null);
			show('login', 'You are signed out: sign in again.');
			return;
		}
		await showFailure(error);
		show('loading');
		await signedIn();
	}
}

async function begin() {
	const link = account.takeLink();
	if (link.verify) {
		try {
			if (!(await account.verify(link.verify))) {
				return;
			}
		} catch (error) {
			await showFailure(error);
			location.hash = `verify=${link.verify}`;
			location.reload();
			return;
		}
	}
	if (api.token()) {
		await signedIn();
	} else {
		show('login', account.hasInvitation() ? 'Sign in to accept the invitation, or sign up with the address it was sent to.' : null);
	}
}

// ---- inside ----

function wireTabs() {
	const tabs = findAll('[role=tab]');
	const choose = (tab) => {
		for (const one of tabs) {
			const isChosen = one === tab;
			one.setAttribute('aria-selected', String(isChosen));
			one.tabIndex = isChosen ? 0 : -1;
			find(`#${one.getAttribute('aria-controls')}`).hidden = !isChosen;
		}
		couple.tell('shown');
	};
	tabs.forEach((tab, i) => {
		tab.addEventListener('click', () => choose(tab));
		tab.addEventListener('keydown', ({ key }) => {
			const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
			if (step) {
				const next = tabs.at((i + step) % tabs.length);
				choose(next);
				next.focus();
			}
		});
	});
}

function wireHead() {
	const place = find('[data-presence]');
	const draw = () => {
		const { first_name: name, presence } = couple.partner ?? {};
		const known = couple.isOnline ? presence : null; // else nobody says when it changes
		fill({ partner: name || 'Your partner' });
		document.title = couple.partner ? `${name || 'Pairs'} · Pairs` : 'Pairs';
		place.textContent = { online: 'here', away: 'away', offline: 'not here' }[known] ?? '';
		place.dataset.state = known ?? '';
	};
	couple.on('members', draw);
	couple.on('connection', () => {
		draw();
		find('[data-connection]').textContent = couple.isOnline ? '' : 'No connection. What you write is kept and sent later.';
		document.documentElement.dataset.transport = couple.socket.transport ?? '';
	});
	couple.addEventListener('refused', ({ detail }) => {
		couple.socket.close();
		if (detail === 'unauthorized') {
			api.keepToken(null);
		}
		show('loading');
		setTimeout(begin, AGAIN_MS); // where it belongs now
	});
	addEventListener('hashchange', () => location.reload()); // a link was opened where the page stands
	document.addEventListener('visibilitychange', () => {
		const isHidden = document.visibilityState === 'hidden';
		couple.socket.emit('presence', { state: isHidden ? 'away' : 'online' });
		couple.read();
	});
}

account.wireAccount(signedIn);
wireTabs();
wireHead();
wireChat(couple);
wireLists(couple);
wireCalendar(couple);
begin();
