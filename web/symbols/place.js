// Where the reader is: "#/uploads?page=2" in the address bar, so that Back, reload and links work.

export function here() {
	const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
	return { path: path.split('/').map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(search)) };
}

export function to(path, query = {}) {
	const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== undefined)).toString();
	return `#/${path.map(encodeURIComponent).join('/')}${search && `?${search}`}`;
}
