// What this page knows of the couple, kept right by its stream: every change has the next number, so
// that a gap shows, and what is missing is read behind the last number that is known. Changes that are
// made here while there is no connection wait in the outbox.
import * as api from './api.js';
import { Outbox } from './outbox.js';
import { Socket } from './socket.js';

const PAGE = 200;
const TYPING_MS = 3000; // between two signals of typing

export class Couple extends EventTarget {
	#typedAt = 0;
	#isCatching = false;
	#goal = 0; // the last number that is known to be there

	constructor() {
		super();
		this.me = null;
		this.partner = null;
		this.seq = 0; // the last number that is applied
		this.activities = []; // of the stream, by number
		this.lists = new Map(); // id -> list with its items
		this.events = new Map(); // id -> entry of the calendar
		this.media = new Map(); // id -> what the last event said
		this.partnerIsTyping = false;
		this.isOnline = false;
		this.outbox = new Outbox(this);
		this.socket = new Socket(() => ({ token: api.token(), after: this.seq }));
		this.#listen();
	}

	// what: which part of the page has to be drawn anew.
	tell(what) {
		this.dispatchEvent(new CustomEvent(what));
	}

	on(what, listener) {
		this.addEventListener(what, listener);
		listener();
	}

	// ---- from the server ----

	setMembers({ user, couple }) {
		this.me = user;
		this.partner = couple?.users.find(({ id }) => id !== user.id) ?? null;
		this.tell('members');
	}

	async load() {
		const [stream, { lists }, { events }] = await Promise.all([
			api.get(`/activities?limit=${PAGE}`),
			api.get('/lists'),
			api.get('/calendar'),
		]);
		const full = await Promise.all(lists.map(({ id }) => api.get(`/lists/${id}`)));
		// Lists and calendar may be newer than the page of the stream: applying that again changes nothing.
		this.lists = new Map(full.map((list) => [list.id, list]));
		this.events = new Map(events.map((event) => [event.id, event]));
		this.activities = [];
		this.#goal = 0;
		// Members are known as they are now, not as they once were.
		for (const item of stream.items.reverse().filter(({ event }) => event !== 'user' && event !== 'couple')) {
			this.#enter(item);
		}
		this.seq = Math.max(stream.head, ...stream.items.map(({ seq }) => seq));
		['stream', 'lists', 'calendar'].forEach((what) => this.tell(what));
	}

	#listen() {
		const { socket } = this;
		for (const event of ['activity', 'activity.deleted', 'list', 'list.item', 'media', 'event', 'couple', 'user', 'read']) {
			socket.on(event, (item) => this.take({ event, ...item }));
		}
		socket.on('joined', () => this.#online(true));
		socket.on('left', () => this.#online(false));
		socket.on('refused', ({ message }) => this.dispatchEvent(new CustomEvent('refused', { detail: message })));
		socket.on('hello', ({ user, couple, head }) => {
			this.setMembers({ user, couple });
			this.#reach(head);
			this.outbox.send();
		});
		socket.on('resync', ({ head }) => this.#reach(head));
		socket.on('presence', ({ user_id: id, state }) => {
			if (id === this.partner?.id) {
				this.partner.presence = state;
				this.tell('members');
			}
		});
		socket.on('typing', ({ user_id: id, until }) => id === this.partner?.id && this.#partnerTypes(until));
	}

	#online(isOnline) {
		this.isOnline = isOnline;
		this.partnerIsTyping = false;
		this.tell('connection');
		this.tell('typing');
	}

	#partnerTypes(until) {
		// The clocks of two machines differ: no longer than a signal is good for.
		const ms = Math.min(6000, Math.max(1000, until - Date.now()));
		clearTimeout(this.typingTimer);
		this.partnerIsTyping = true;
		this.typingTimer = setTimeout(() => {
			this.partnerIsTyping = false;
			this.tell('typing');
		}, ms);
		this.tell('typing');
	}

	// An event of the stream. Those that came before are dropped; a gap is filled first.
	take(item) {
		if (item.seq <= this.seq) {
			return;
		}
		if (item.seq > this.seq + 1) {
			this.#reach(item.seq);
			return;
		}
		this.seq = item.seq;
		this.#enter(item);
	}

	// Reads what is behind the last number, up to head at least.
	async #reach(head) {
		this.#goal = Math.max(this.#goal, head);
		if (this.#isCatching) {
			return;
		}
		this.#isCatching = true;
		try {
			for (let before = -1; before < this.seq && this.seq < this.#goal; ) {
				before = this.seq;
				const { items } = await api.get(`/activities?limit=${PAGE}&after=${before}`);
				items.forEach((item) => this.take(item));
			}
		} catch {
			// The connection is gone again; the next hello says how far there is to go.
		}
		this.#isCatching = false;
	}

	// ---- one event ----

	#enter(item) {
		const apply = {
			activity: () => this.#enterActivity(item),
			'activity.deleted': () => this.#deleteActivity(item.data),
			list: () => this.#enterList(item.data),
			'list.item': () => this.#enterItem(item.data),
			media: () => this.#enterMedia(item),
			event: () => this.#enterEvent(item.data),
			read: () => this.#enterRead(item.data),
			user: () => this.#enterUser(item.data),
			couple: () => item.data.ended && this.dispatchEvent(new CustomEvent('refused', { detail: 'unpaired' })),
		}[item.event];
		apply?.();
	}

	#enterActivity(item) {
		this.activities.push(item);
		if (item.user_id === this.partner?.id) {
			this.partnerIsTyping = false;
			this.tell('typing');
		}
		this.tell('stream');
	}

	#deleteActivity({ id }) {
		this.activities = this.activities.filter(({ data }) => data.id !== id);
		this.tell('stream');
	}

	#enterList({ deleted, ...list }) {
		if (deleted) {
			this.lists.delete(list.id);
		} else if ((this.lists.get(list.id)?.version ?? 0) <= list.version) {
			this.lists.set(list.id, { items: [], ...this.lists.get(list.id), ...list });
		}
		this.tell('lists');
	}

	#enterItem({ list_id: listId, version, item, deleted }) {
		const list = this.lists.get(listId);
		if (!list || list.version >= version) {
			return;
		}
		list.version = version;
		list.items = list.items.filter(({ id }) => id !== item.id);
		if (!deleted) {
			list.items.splice(item.index, 0, item);
		}
		this.tell('lists');
	}

	// Each change of a picture is an event; it stands where the first one was.
	#enterMedia(item) {
		const { deleted, ...picture } = item.data;
		const isKnown = this.media.has(picture.id);
		this.media.set(picture.id, picture);
		if (deleted) {
			this.activities = this.activities.filter(({ event, data }) => event !== 'media' || data.id !== picture.id);
		} else if (!isKnown) {
			this.activities.push(item);
		}
		this.tell('stream');
	}

	#enterEvent({ deleted, ...event }) {
		if (deleted) {
			this.events.delete(event.id);
		} else if ((this.events.get(event.id)?.version ?? 0) <= event.version) {
			this.events.set(event.id, event);
		}
		this.tell('calendar');
	}

	#enterRead({ user_id: id, up_to: upTo }) {
		const member = id === this.me.id ? this.me : this.partner;
		member.read_seq = Math.max(member.read_seq, upTo);
		this.tell('stream');
	}

	#enterUser(user) {
		Object.assign(user.id === this.me.id ? this.me : this.partner, user);
		this.tell('members');
	}

	// ---- from the page ----

	// The partner sees how far one has read; of that nobody needs to be told twice.
	read() {
		const last = this.activities.findLast(({ user_id: id }) => id === this.partner?.id);
		if (last && last.seq > this.me.read_seq && this.isOnline && document.visibilityState === 'visible') {
			this.me.read_seq = last.seq;
			this.socket.emit('read', { up_to: last.seq });
		}
	}

	type() {
		if (Date.now() - this.#typedAt > TYPING_MS) {
			this.#typedAt = Date.now();
			this.socket.emit('typing');
		}
	}
}
