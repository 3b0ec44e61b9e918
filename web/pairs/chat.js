// The stream as a conversation: messages, hugs, kisses and photos, what still waits to be sent, how far
// the other one has read; and what is said from here.
import { mediaUrl } from './api.js';
import { element, find, onForm, say } from './page.js';
import { cancelUpload, uploads, wirePhoto } from './photo.js';

const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function time(ms) {
	return element('time', { dateTime: new Date(ms).toISOString() }, TIME.format(ms));
}

// ---- what an activity looks like ----

function photo({ id, state, caption }) {
	if (state && state !== 'ready') {
		return element('span', { className: 'quiet' }, state === 'failed' ? 'A photo that could not be read' : 'A photo is being prepared…');
	}
	const image = element('img', { src: mediaUrl(id, 'small'), alt: caption || 'Photo', loading: 'lazy' });
	return element('a', { href: mediaUrl(id, 'large'), target: '_blank', rel: 'noopener' }, image);
}

function contentOf({ event, data }, media) {
	if (event === 'media') {
		return photo(media.get(data.id) ?? data);
	}
	const words = { hug: 'A hug', kiss: 'A kiss' }[data.type];
	if (words) {
		return element('span', { className: 'big' }, element('span', { className: 'glyph heart' }), words);
	}
	return element('span', {}, data.text ?? JSON.stringify(data.data ?? data));
}

function bubble(isOwn, who, content, ...foot) {
	const row = element('li', { className: isOwn ? 'own' : 'theirs' });
	row.append(element('span', { className: 'unseen' }, `${who}: `), content, element('small', {}, ...foot));
	return row;
}

export function wireChat(couple) {
	const stream = find('[data-stream]');
	const wrong = find('[data-chat-wrong]');
	const text = find('#say-text');
	const made = new Map(); // number -> its row, so that pictures are not loaded again

	function rowOf(item) {
		const media = item.event === 'media' ? couple.media.get(item.data.id) : null;
		const isOwn = item.user_id === couple.me.id;
		const isRead = isOwn && item.seq <= couple.partner.read_seq;
		const state = `${isRead} ${media?.state}`;
		if (made.get(item.seq)?.state !== state) {
			const who = isOwn ? 'You' : couple.partner.first_name || 'Your partner';
			const row = bubble(isOwn, who, contentOf(item, couple.media), time(item.at), isRead ? ' · read' : '');
			row.dataset.seq = item.seq;
			made.set(item.seq, { row, state });
		}
		return made.get(item.seq).row;
	}

	function day(ms) {
		return element('li', { className: 'day' }, DAY.format(ms));
	}

	// Those that the server has not taken yet.
	function waitingRow(entry) {
		const row = bubble(true, 'You', contentOf({ event: 'activity', data: { type: entry.event, ...entry.body } }), entry.error ? `not sent: ${entry.error} ` : 'waiting');
		row.classList.add('waiting');
		if (entry.error) {
			const away = element('button', { type: 'button', className: 'plain' }, 'Remove');
			away.addEventListener('click', () => couple.outbox.drop(entry));
			row.append(away);
		}
		return row;
	}

	function uploadRow(one) {
		const bar = element('progress', { max: 1, value: one.share, ariaLabel: `Sending ${one.file.name}` });
		const row = bubble(true, 'You', one.error ? element('span', {}, one.file.name) : bar, one.error ?? (one.id ? 'being prepared' : 'sending'));
		row.classList.add('waiting');
		if (one.error) {
			const away = element('button', { type: 'button', className: 'plain' }, 'Remove');
			away.addEventListener('click', () => cancelUpload(couple, one));
			row.append(away);
		}
		return row;
	}

	function draw() {
		if (!couple.me || !couple.partner) {
			return;
		}
		const isAtEnd = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 80;
		const rows = [];
		let last = '';
		for (const item of couple.activities) {
			if (DAY.format(item.at) !== last) {
				last = DAY.format(item.at);
				rows.push(day(item.at));
			}
			rows.push(rowOf(item));
		}
		rows.push(...couple.outbox.entries.map(waitingRow), ...uploads.map(uploadRow));
		stream.replaceChildren(...(rows.length > 0 ? rows : [element('li', { className: 'day' }, 'Nothing yet. Say hello.')]));
		if (isAtEnd) {
			stream.scrollTop = stream.scrollHeight;
		}
		couple.read();
	}

	function send(event, body) {
		say(wrong, couple.outbox.add(event, body) ? null : 'Too much waits to be sent already.');
		stream.scrollTop = stream.scrollHeight;
	}

	couple.on('stream', draw);
	couple.on('members', draw);
	couple.on('shown', draw);
	couple.on('typing', () => {
		find('[data-typing]').textContent = couple.partnerIsTyping ? `${couple.partner.first_name || 'Your partner'} is typing…` : '';
	});
	// Pictures get their height when they have come.
	stream.addEventListener('load', () => (stream.scrollTop = stream.scrollHeight), true);
	const form = onForm('say', wrong, async ({ text: written }) => {
		if (written.trim()) {
			send('message', { text: written.trim() });
			form.reset();
		}
		text.focus();
	});
	text.addEventListener('input', () => couple.type());
	text.addEventListener('keydown', (event) => {
		if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
			event.preventDefault();
			form.requestSubmit();
		}
	});
	find('[data-hug]').addEventListener('click', () => send('hug'));
	wirePhoto(couple, find('[data-photo]'));
}
