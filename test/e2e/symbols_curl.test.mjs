// The requests of Mozilla's upload tool and of the scripts around it, as shell scripts of curl, in the
// order in which the tool makes them: who am I, an archive, an archive elsewhere, files one by one in
// pieces; and what a crash reporter's script downloads.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startPlimsoll } from '../harness/plimsoll.mjs';
import { get, makeToken } from '../harness/symbols_client.mjs';
import { startUpstream } from '../harness/upstream.mjs';
import { zip } from '../harness/zip.mjs';

const ID = '44E4EC8C2F41492B9369D6B9A059577C2';
const PIECE = 256 * 1024; // what pieces are multiples of

let server;
let elsewhere;
let dir;
let token;
const file = (name) => path.join(dir, name);

before(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-curl-'));
	elsewhere = await startUpstream();
	server = await startPlimsoll({ conf: { symbols: { upload_domains: '127.0.0.1', upload_insecure: 'yes' } } });
	token = makeToken(server);
});
after(async () => {
	await server?.stop();
	await elsewhere?.stop();
	rmSync(dir, { recursive: true, force: true });
});

// Runs a script with URL and KEY, stopping at the first command that fails; resolves to what it printed.
async function sh(script, env = {}) {
	const child = spawn('sh', ['-euc', script], { cwd: dir, env: { PATH: process.env.PATH, URL: server.symbolsUrl, KEY: token, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	let [out, err] = ['', ''];
	child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
	const code = await new Promise((resolve) => child.once('close', resolve));
	assert.equal(code, 0, `${script}\n${out}\n${err}`);
	return out;
}

const sym = (name, lines) => `MODULE windows x86 ${ID} ${name}\n${Array.from({ length: lines }, (_, i) => `PUBLIC ${(0x1000 + 16 * i).toString(16)} 0 ${randomBytes(30).toString('hex')}\n`).join('')}`;

test('auth_info, an archive, the archive again, one for try builds; then what is downloaded', async () => {
	const text = sym('one.pdb', 40_000); // more than curl sends without asking: Expect: 100-continue
	writeFileSync(file('symbols.zip'), zip([{ name: `one.pdb/${ID}/one.sym`, data: text }, { name: 'one-symbols.txt', data: 'a list' }]));
	const info = JSON.parse(await sh('curl -sSf -X POST -H "Auth-Token: $KEY" "$URL/upload/auth_info/"'));
	assert.deepEqual([info.email, info.try_symbols, info.upload_api_version], ['up@example.com', false, 2]);
	const send = 'curl -sS -w "%{http_code}" -H "Auth-Token: $KEY" --form symbols.zip=@symbols.zip';
	const answer = (out) => {
		assert.equal(out.slice(-3), '201', out);
		return JSON.parse(out.slice(0, -3)).upload;
	};
	assert.deepEqual(answer(await sh(`${send} "$URL/upload/"`)).skipped_keys, []);
	assert.deepEqual(answer(await sh(`${send} "$URL/upload/"`)).skipped_keys, [`one.pdb/${ID}/one.sym`]);
	assert.deepEqual(answer(await sh(`${send} -H "Transfer-Encoding: chunked" -L "$URL/upload/"`)).skipped_keys, [`one.pdb/${ID}/one.sym`]);
	assert.equal(answer(await sh(`${send} --form try=1 "$URL/upload/"`)).try_symbols, true);
	const refused = await sh(`${send} "$URL/upload/"`, { KEY: 'wrong' });
	assert.equal(refused, '{"error":"API Token not matched"}403');
	await sh(`curl -sSf -o plain.sym "$URL/one.pdb/${ID}/one.sym"; curl -sSf --compressed -L -o packed.sym "$URL/one.pdb/${ID.toLowerCase()}/one.sym"`);
	for (const name of ['plain.sym', 'packed.sym']) assert.equal(readFileSync(file(name), 'utf8'), text, name);
	assert.match(await sh(`curl -sSI "$URL/one.pdb/${ID}/one.sym"`), /^HTTP\/1\.1 200 /);
	assert.equal(await sh(`curl -sS -w "%{http_code}" "$URL/one.pdb/${ID}/file.ptr"`), 'Symbol Not Found (and ignored)404');
});

test('an archive that lies elsewhere', async () => {
	elsewhere.give('/two.zip', { body: zip([{ name: `two.pdb/${ID}/two.sym`, data: sym('two.pdb', 10) }]) });
	const out = await sh('curl -sSf -H "Auth-Token: $KEY" --data-urlencode "url=$FROM" "$URL/upload/"', { FROM: `${elsewhere.url}/two.zip` });
	assert.equal(JSON.parse(out).upload.download_url, `${elsewhere.url}/two.zip`);
	assert.equal((await get(server, `/two.pdb/${ID}/two.sym`)).status, 200);
});

test('files one by one: what is wanted is packed, sent in pieces, and taken up where it broke off', async () => {
	const text = sym('three.pdb', 20_000);
	writeFileSync(file('three.sym'), text);
	writeFileSync(file('empty.pd_'), '');
	const script = `
sum() { md5sum "$1" | cut -c1-32; }
size() { stat -c %s "$1"; }
cat >ask.json <<END
{"files": [{"key": "three.pdb/${ID}/three.sym", "size": $(size three.sym), "md5_hash": "$(sum three.sym)"},
	{"key": "empty.pdb/${ID}/empty.pd_", "size": 0, "md5_hash": "$(sum empty.pd_)", "later": 1}]}
END
curl -sSf -H "Auth-Token: $KEY" -H "Content-Type: application/json" --data @ask.json "$URL/upload/v2/"`;
	const plan = JSON.parse(await sh(script));
	assert.deepEqual(plan.files.map((f) => [f.key, f.action.type, f.action.content_encoding]), [[`three.pdb/${ID}/three.sym`, 'upload', 'gzip'], [`empty.pdb/${ID}/empty.pd_`, 'upload', null]]);
	// The public address of the configuration is not where this test reaches it.
	const [one, empty] = plan.files.map((f) => `${server.symbolsUrl}${new URL(f.action.url).pathname}`);
	const out = await sh(`
gzip -c three.sym >three.gz
total=$(stat -c %s three.gz)
put() { curl -sS -D head -o body -w '%{http_code}' -X PUT -H "Content-Range: bytes $1" --data-binary @"$2" "$ONE"; }
from=0
while [ $from -lt $total ]; do
	dd if=three.gz of=piece bs=${PIECE} skip=$((from / ${PIECE})) count=1 2>/dev/null
	n=$(stat -c %s piece)
	code=$(put "$from-$((from + n - 1))/$total" piece)
	echo "$from $code $(tr -d '\\r' <head | sed -n 's/^[Rr]ange: //p')"
	from=$((from + n))
	[ $code != 200 ] || cat body
	: >none
	[ $from -ge $total ] || echo "asked $(put "*/$total" none) $(tr -d '\\r' <head | sed -n 's/^[Rr]ange: //p')"
done
curl -sSf -X PUT -H 'Content-Range: bytes 0-0/0' --data-binary '' "$EMPTY"`, { ONE: one, EMPTY: empty });
	assert.match(out, new RegExp(`^0 308 bytes=0-${PIECE - 1}\nasked 308 bytes=0-${PIECE - 1}\n${PIECE} `));
	assert.match(out, /\d 200 \n\{.*"size": ?"\d+".*\}/s);
	assert.equal((await get(server, `/three.pdb/${ID}/three.sym`)).text, text);
	assert.equal((await get(server, `/empty.pdb/${ID}/empty.pd_`)).status, 200);
	const again = JSON.parse(await sh(script));
	assert.deepEqual(again.files.map((f) => f.action), [{ type: 'skip' }, { type: 'skip' }]);
});
