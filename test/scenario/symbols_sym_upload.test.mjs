// Breakpad's sym_upload: the bytes of its two protocols as the tool sends them.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { startWithPages } from '../harness/symbols_people.mjs';
import { get, makeToken } from '../harness/symbols_client.mjs';

const SYM = 'MODULE Linux x86_64 05C38F13023BE8BE8AA90B44DA71A59D0 crashy\nINFO CODE_ID 138FC305BE\nFUNC 1000 10 0 main\n';
const BUILD_ID = '05c38f13023be8be8aa90b44da71a59da5070393';

let server;
let key;
before(async () => {
	server = await startWithPages();
	key = makeToken(server);
});
after(() => server?.stop());

// Sends the bytes as they are; the answer is { status, head, body }.
function raw(text) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(server.ports.symbols, '127.0.0.1');
		let all = '';
		socket.setEncoding('latin1').on('data', (piece) => (all += piece));
		socket.on('error', reject);
		socket.on('close', () => {
			const rest = all.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
			const end = rest.indexOf('\r\n\r\n');
			resolve({ status: Number(rest.slice(9, 12)), head: rest.slice(0, end), body: rest.slice(end + 4) });
		});
		socket.write(text, 'latin1');
	});
}

const COMMON = () => `Host: 127.0.0.1:${server.ports.symbols}\r\nUser-Agent: Breakpad/1.0 (Linux)\r\nAccept: */*\r\nConnection: close\r\n`;

function form(fields, data, name = 'crashy.sym') {
	const boundary = '------------------------6b2b8d1e0f0a4f5c';
	const part = ([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`;
	const body = `${Object.entries(fields).map(part).join('')}--${boundary}\r\nContent-Disposition: form-data; name="symbol_file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n${data}\r\n--${boundary}--\r\n`;
	return { boundary, body };
}

const FIELDS = { code_file: 'crashy', cpu: 'x86_64', debug_file: 'crashy', debug_identifier: '05C38F13023BE8BE8AA90B44DA71A59D0', os: 'Linux' };

function sendForm(query, fields = FIELDS, data = SYM) {
	const { boundary, body } = form(fields, data);
	return raw(`POST /sym_upload${query} HTTP/1.1\r\n${COMMON()}Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n\r\n${body}`);
}

test('the first protocol: a form with the symbol file', async () => {
	const first = await sendForm(`?key=${key}`);
	assert.equal(first.status, 200, first.body);
	assert.equal((await get(server, '/crashy/05C38F13023BE8BE8AA90B44DA71A59D0/crashy.sym')).text, SYM);
	const again = await sendForm(`?key=${key}-label`);
	assert.deepEqual([again.status, again.body], [200, 'this file is there already\n']);
	const log = (await get(server, '/api/uploads/', { 'auth-token': key })).json.uploads;
	assert.deepEqual(log.map((u) => [u.filename, u.files_count, u.skipped_keys.length, u.completed_at !== null]), [['crashy.sym', 0, 1, true], ['crashy.sym', 1, 0, true]]);
	for (const [query, why] of [['', /requires an Auth-Token/], ['?key=0', /not matched/], [`?key=${makeToken(server, 'v@example.com', 'view_all_uploads')}`, /Forbidden/]]) {
		const refused = await sendForm(query);
		assert.equal(refused.status, 403, query);
		assert.match(refused.body, why);
	}
	for (const fields of [{ ...FIELDS, debug_file: '../x' }, { ...FIELDS, debug_identifier: 'zz' }, {}]) assert.equal((await sendForm(`?key=${key}`, fields)).status, 400);
	const { boundary, body } = form(FIELDS, SYM);
	const cut = await raw(`POST /sym_upload?key=${key} HTTP/1.1\r\n${COMMON()}Content-Length: ${body.length - 40}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n\r\n${body.slice(0, -40)}`);
	assert.equal(cut.status, 400);
	const none = await raw(`POST /sym_upload?key=${key} HTTP/1.1\r\n${COMMON()}Content-Length: 3\r\nContent-Type: text/plain\r\n\r\nabc`);
	assert.equal(none.status, 400);
});

// What the tool takes out of answers, with its own expressions: one blank behind the colon.
const take = (answer, name) => new RegExp(`"${name}": "([^"]+)"`).exec(answer.body)?.[1];

async function uploadV2({ file, id, data, type, check = true, token = key }) {
	const status = check && take(await raw(`GET /v1/symbols/${file}/${id}:checkStatus?key=${token} HTTP/1.1\r\n${COMMON()}\r\n`), 'status');
	if (status === 'FOUND') return status;
	const create = await raw(`POST /v1/uploads:create?key=${token} HTTP/1.1\r\n${COMMON()}Content-Length: 0\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n`);
	assert.equal(create.status, 200, create.body);
	const url = new URL(take(create, 'uploadUrl'));
	const pieces = data.match(/[^]{1,50}/g).map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
	const put = await raw(`PUT ${url.pathname}${url.search} HTTP/1.1\r\n${COMMON()}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n${pieces}0\r\n\r\n`);
	assert.equal(put.status, 200, put.body);
	const body = `{ symbol_id: {debug_file: "${file}", debug_id: "${id}" }, symbol_upload_type: "${type}" }`;
	const complete = await raw(`POST /v1/uploads/${take(create, 'uploadKey')}:complete?key=${token} HTTP/1.1\r\n${COMMON()}Content-Length: ${body.length}\r\nContent-Type: application/son\r\n\r\n${body}`);
	assert.equal(complete.status, 200, complete.body);
	return take(complete, 'result');
}

test('the second protocol: asked, created, put in chunks, completed', async () => {
	const id = 'AA38F13023BE8BE8AA90B44DA71A59D05';
	const file = { file: 'second', id, data: SYM, type: 'BREAKPAD' };
	assert.equal(await uploadV2(file), 'OK');
	assert.equal((await get(server, `/second/${id}/second.sym`)).text, SYM);
	assert.equal(await uploadV2(file), 'FOUND');
	assert.equal(await uploadV2({ ...file, check: false }), 'DUPLICATE_DATA');
	assert.equal(await uploadV2({ ...file, check: false, data: `${SYM}PUBLIC 2000 0 more\n` }), 'OK');
	assert.match((await get(server, `/second/${id}/second.sym`)).text, /more/);
	assert.equal(await uploadV2({ file: 'libx.so', id: BUILD_ID, data: '\x7fELF and so on', type: 'elf' }), 'OK');
	const stored = (await get(server, '/api/stored/?name=libx.so', { 'auth-token': key })).json.files;
	assert.deepEqual(stored.map((f) => [f.debug_id, f.file, f.size]), [[BUILD_ID.toUpperCase(), 'libx.so', 14]]);
});

test('the second protocol: what is refused', async () => {
	const post = (path, body = '') => raw(`POST ${path} HTTP/1.1\r\n${COMMON()}Content-Length: ${body.length}\r\nContent-Type: application/son\r\n\r\n${body}`);
	const good = '{ symbol_id: {debug_file: "a", debug_id: "B" }, symbol_upload_type: "BREAKPAD" }';
	assert.equal((await post('/v1/uploads:create')).status, 403);
	assert.equal((await post(`/v1/uploads/${'x'.repeat(32)}:complete?key=${key}`, good)).status, 404);
	assert.equal((await post(`/v1/uploads/x:complete?key=${key}`, good)).status, 404);
	assert.equal((await post(`/v1/uploads/${'x'.repeat(32)}?key=${key}`, good)).status, 404);
	for (const body of ['', '{', 'debug_file', 'debug_file: "a"', 'debug_file: "a/b", debug_id: "B"', 'debug_file: "a", debug_id: "B', 'debug_id: "x", debug_file: "a"']) {
		assert.equal((await post(`/v1/uploads/${'x'.repeat(32)}:complete?key=${key}`, body)).status, 400, body);
	}
	const put = await raw(`PUT /v1/uploads/${'y'.repeat(32)}?key=0 HTTP/1.1\r\n${COMMON()}Content-Length: 1\r\n\r\nx`);
	assert.equal(put.status, 403);
	const tryKey = makeToken(server, 't@example.com', 'upload_try_symbols');
	assert.equal(await uploadV2({ file: 'tried', id: 'AB', data: SYM, type: 'BREAKPAD', token: tryKey }), 'OK');
	assert.equal((await get(server, '/tried/AB/tried.sym')).status, 404);
	assert.equal((await get(server, '/try/tried/AB/tried.sym')).text, SYM);
});
