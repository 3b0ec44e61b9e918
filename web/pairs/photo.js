// Sending photos: uploaded as they are, with progress; the server makes the sizes that are shown, and
// the stream says when they are there.
import { upload } from './api.js';
import { wordsOf } from './page.js';

const MOST_BYTES = 10 * 1024 * 1024; // that the server takes

// On their way: { file, share, id (once taken), error }.
export const uploads = [];

export function cancelUpload(couple, one) {
	uploads.splice(uploads.indexOf(one), 1);
	couple.tell('stream');
}

async function send(couple, file) {
	const one = { file, share: 0, id: null, error: null };
	uploads.push(one);
	couple.tell('stream');
	try {
		if (file.size > MOST_BYTES) {
			throw Object.assign(new Error('larger than 10 MB'), { isOurs: true });
		}
		const { id } = await upload('/media', file, (share) => {
			one.share = share;
			couple.tell('stream');
		});
		one.id = id;
	} catch (error) {
		one.error = `not sent: ${error.isOurs ? error.message : wordsOf(error)} `;
	}
	couple.tell('stream');
}

export function wirePhoto(couple, input) {
	input.addEventListener('change', async () => {
		const files = [...input.files];
		input.value = ''; // so that the same one can be chosen again
		for (const file of files) {
			await send(couple, file);
		}
	});
	// What the stream has is no longer on its way.
	couple.addEventListener('stream', () => {
		for (const one of uploads.filter(({ id }) => couple.media.has(id))) {
			uploads.splice(uploads.indexOf(one), 1);
		}
	});
}
