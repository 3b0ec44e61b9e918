// The shared calendar: what is to come, by its beginning.
import * as api from './api.js';
import { element, find, onClick, onForm } from './page.js';

const HOUR_MS = 3600 * 1000;
const WHEN = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });

export function wireCalendar(couple) {
	const place = find('[data-events]');
	const wrong = find('[data-calendar-wrong]');

	function row(event) {
		const away = element('button', { type: 'button', className: 'plain', ariaLabel: `Delete ${event.title}` }, '✕');
		onClick(away, wrong, () => api.remove(`/calendar/${event.id}?if_version=${event.version}`));
		const when = element('time', { dateTime: new Date(event.start).toISOString() }, WHEN.format(event.start));
		return element('li', {}, element('span', {}, element('strong', {}, event.title), ' ', when), away);
	}

	couple.on('calendar', () => {
		const events = [...couple.events.values()].filter(({ end }) => end > Date.now() - 24 * HOUR_MS).sort((a, b) => a.start - b.start);
		place.replaceChildren(...(events.length > 0 ? events.map(row) : [element('li', { className: 'day' }, 'Nothing planned.')]));
	});
	onForm('event', wrong, async ({ title, start }, form) => {
		const ms = new Date(start).getTime();
		couple.take(await api.post('/calendar', { title, start: ms, end: ms + HOUR_MS }));
		form.reset();
	});
}
