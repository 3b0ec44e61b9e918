// Models without a server: logs that are pretended, and what is read back from them: users and rates to within
// five in a hundred, the mix and another one, counters of a server; and the distributions of the symbols' log.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ROOT, lab, scratch, standIn } from './lib/lab.mjs';

// Most of the time is another process's, so they run two at a time.
const together = [];
const meanwhile = (name, fn) => together.push([name, fn]);

let counter = 0;
async function logOf(model, args) {
	const { code, stdout, stderr } = await lab(['model', 'log', model, ...args]);
	assert.equal(code, 0, stderr);
	const file = path.join(scratch, `f${++counter}.log`);
	writeFileSync(file, stdout);
	return { file, lines: stdout.trimEnd().split('\n') };
}
async function fit(verb, model, live, args = []) {
	const { code, stdout, stderr } = await lab(['model', verb, model, live, '--json', ...args]);
	assert.equal(code, 0, stderr);
	return JSON.parse(stdout);
}
const near = (got, want, share, what) => assert.ok(Math.abs(got - want) <= share * want, `${what}: ${got}, not ${want}`);
const rate = (json, name) => json.activities.find((a) => a.name === name).per_second;

// Three activities that share what they ask for: 200, 100 and 50 a day, of 2,000 users.
const KNOWN = `model { name = "known", about = "a test" }
activity { name = "look", why = "x", per_day = 200, does = function(user) local b = user:browser(1) b:get("/") think(3) b:get("/list") end }
activity { name = "read", why = "x", per_day = 100, does = function(user) local b = user:browser(1) b:get("/list") b:get("/item/" .. math.random(100000)) if math.random(4) == 1 then b:get("/help") end end }
activity { name = "write", why = "x", per_day = 50, does = function(user) user:browser(1):post("/item/" .. math.random(100000), "x") user:browser(1):get("/") end }
activity { name = "plain", why = "x", per_day = 40, gets = { "/static/a.css", "/" } }
activity { name = "again", why = "x", per_day = 10, does = function(user) user:browser(1):post("/item/7", "x") user:browser(1):get("/") end }
`;

meanwhile('a log of a known model gives its users and rates back to within 5 %', async () => {
	const model = path.join(scratch, 'known.lua');
	writeFileSync(model, KNOWN);
	for (const [format, seed] of [['combined', '1'], ['json', '2']]) {
		const { file } = await logOf(model, ['--users', '2000', '--for', '40m', '--format', format, '--seed', seed]);
		const json = await fit('fit', model, file);
		near(json.users, 2000, 0.05, 'users');
		for (const [name, perDay] of Object.entries({ look: 200, read: 100, write: 50, plain: 40, again: 10 })) near(rate(json, name), (perDay * 2000) / 86400, 0.05, name);
		assert.equal(json.unexplained, 0);
		assert.equal(json.activities[4].same_as, 'write');
		assert.ok(json.distance < 0.02 && json.p_value > 0.001, JSON.stringify(json));
	}
	// Twice as much reading is seen, and said.
	const other = path.join(scratch, 'other.lua');
	writeFileSync(other, KNOWN.replace('per_day = 100', 'per_day = 200'));
	const { file } = await logOf(other, ['--users', '2000', '--for', '10m']);
	const text = (await lab(['model', 'compare', model, file])).stdout;
	assert.match(text, /^a mix near the model's: 1\d\.\d % of what people do is something else|^another mix: /m);
	assert.match(text, /read +25\.000% +(39|40|41)\.\d+% +1\.[56]/);
	assert.match((await lab(['model', 'compare', other, file])).stdout, /^the same mix: /m);
});

meanwhile('persona: users and sign-ins of a log', async () => {
	const { file, lines } = await logOf('models/persona.lua', ['--users', '20k', '--for', '20m']);
	assert.match(lines[0], /^10\.\d+\.\d+\.\d+ - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "(GET|POST) \/\S+ HTTP\/1\.1" 200 \d+ "-" "plimsoll-lab"$/);
	const json = await fit('fit', 'models/persona.lua', file);
	near(json.users, 20000, 0.05, 'users');
	near(rate(json, 'signin'), 205.76 * 0.02, 0.05, 'signin');
	near(rate(json, 'include_only'), 257.2 * 0.02, 0.05, 'include_only');
	for (const a of json.activities) assert.ok(a.low * 0.9 <= a.model_per_second && a.model_per_second <= a.high * 1.1 + 0.01, JSON.stringify(a));
	assert.equal(json.activities[1].same_as, 'signup');
	const text = (await lab(['model', 'compare', 'models/persona.lua', file])).stdout;
	assert.match(text, /^the same mix: /m);
	assert.match((await lab(['model', 'compare', 'models/persona.lua', '--preset', 'seed-001', file])).stdout, /^another mix: .*less than 1e-06 of cases$/m);
});

meanwhile('the counters of a server: two looks at its metrics', async (t) => {
	// Two seconds of a million users between the looks: 206 sign-ins a second ask list_emails, session_context and verify.
	let looks = 0;
	const url = await standIn(t, (req, res) => {
		const s = 100 + 2 * looks++;
		const ops = { 'identity.include_js': 257.2, 'identity.list_emails': 209.9, 'identity.session_context': 213.2, 'identity.verify': 209.9, 'identity.authenticate_user': 3.8, 'identity.other': 1 };
		const rows = Object.entries(ops).map(([op, rate]) => `plimsoll_http_requests_total{role="web",instance="0",op="${op}"} ${Math.round(rate * s)}`);
		res.end(`# TYPE plimsoll_http_requests_total counter\n${rows.join('\n')}\nplimsoll_other 7\n`);
	});
	const json = await fit('fit', 'models/persona.lua', `${url}/metrics`, ['--for', '2s']);
	near(json.users * json.seconds, 2e6, 0.05, 'users');
	near(rate(json, 'signin') * json.seconds, 2 * 205.76, 0.05, 'signin');
	assert.ok(json.seconds >= 1.9 && json.unexplained > 0 && json.unexplained < 0.01);
	const nobody = await lab(['model', 'fit', 'models/persona.lua', 'http://127.0.0.1:1/metrics', '--for', '1s']);
	assert.equal(nobody.code, 1);
	assert.match(nobody.stderr, /nobody answers at 127\.0\.0\.1:1/);
});

meanwhile('sync: a log of its users is worth them', async () => {
	const { file } = await logOf('models/sync.lua', ['--users', '200', '--for', '6h']);
	const json = await fit('fit', 'models/sync.lua', file);
	near(json.users, 200, 0.06, 'users');
	near(rate(json, 'no_change'), (28 * 200) / 86400, 0.08, 'no_change');
});

// symbols.md 5: what the upload logs and the only published sample say.
meanwhile("the symbols' log has the distributions of the real ones", async () => {
	const { lines } = await logOf('models/symbols.lua', ['--preset', 'seed-002', '--users', '1M', '--for', '3m']);
	const share = { status: {}, kind: {}, id: {}, name: {} };
	const add = (what, key) => (share[what][key] = (share[what][key] ?? 0) + 1 / lines.length);
	for (const line of lines) {
		const [, name, id, file, status] = /"GET \/([^/ ]+)\/([0-9A-F]+)\/([^/ ]+) HTTP\/1\.1" (\d+)/.exec(line);
		add('status', status);
		add('kind', /\.(sym|dbg\.gz|tar\.bz2|pd_|ex_|dl_)$/.exec(file)[1]);
		add('id', id.length);
		add('name', name);
	}
	const within = (got, want, what) => assert.ok(Math.abs(got - want) < 0.02, `${what}: ${got}, not ${want}`);
	within(share.status[404], 274 / 302, 'misses');
	for (const [kind, want] of Object.entries({ sym: 0.413, 'dbg.gz': 0.186, pd_: 0.18, ex_: 0.098, dl_: 0.083, 'tar.bz2': 0.039 })) within(share.kind[kind], want, kind);
	for (const [digits, want] of Object.entries({ 33: 0.818, 13: 0.116, 12: 0.044, 14: 0.013, 15: 0.008 })) within(share.id[digits], want, `${digits} digits`);
	const names = Object.values(share.name).sort((a, b) => b - a);
	for (const [n, want] of [[10, 0.112], [50, 0.443], [100, 0.754], [200, 0.987]]) within(names.slice(0, n).reduce((a, b) => a + b), want, `${n} names`);
	// How often files come is in no log of this length: the model's own function is asked.
	const model = path.join(scratch, 'symbols_repeats.lua');
	writeFileSync(model, `${readFileSync(path.join(ROOT, 'models/symbols.lua'), 'utf8')}
local sum, once, twice, files = 0, 0, 0, 0
for i = 1, 20000 do
	local n = repeats(i)
	sum, once, twice = sum + n, once + (n == 1 and 1 or 0), twice + (n == 2 and 1 or 0)
	files = files + (i <= 2000 and members(i) or 0)
end
assume("seen_mean", sum / 20000, "x") assume("seen_once", once / 20000, "x") assume("seen_twice", twice / 20000, "x") assume("seen_files", files / 2000, "x")
`);
	const { stdout, stderr } = await lab(['model', 'rates', model]);
	const seen = (name) => Number(new RegExp(`${name} +([\\d.]+)`).exec(stdout)?.[1] ?? assert.fail(stderr));
	near(seen('seen_mean'), 2.2, 0.1, 'mean repeats');
	within(seen('seen_once'), 0.5136, 'once');
	within(seen('seen_twice'), 0.4507, 'twice');
	near(seen('seen_files'), 104, 0.06, 'files of an archive');
});

meanwhile('what cannot be pretended or estimated is said', async () => {
	const paths = path.join(scratch, 'paths.csv');
	const foreign = path.join(scratch, 'foreign.log');
	const wrong = path.join(scratch, 'wrong.lua');
	const sockets = path.join(scratch, 'sockets.lua');
	writeFileSync(sockets, 'model { name = "x", about = "y" }\nactivity { name = "a", why = "w", per_day = 100000, does = function(user) user:browser(1):socket {} end }');
	writeFileSync(paths, '/a\n/b\n');
	writeFileSync(foreign, '1.1.1.1 - - [10/Oct/2025:13:55:36 +0000] "GET /blog HTTP/1.1" 200 1\n1.1.1.1 - - [10/Oct/2025:13:56:36 +0000] "GET /blog HTTP/1.1" 200 1\n');
	writeFileSync(wrong, 'model { name = "x", about = "y" }\nactivity { name = "a", why = "w", per_day = 100000, does = function(user)\ncheck(user:browser(1):get("/"):json().x, "no x") end }');
	const rows = [
		[['model', 'log', sockets], 1, /sockets\.lua:2: socket: a socket cannot be pretended/],
		[['model', 'log', wrong], 1, /wrong\.lua:3: check failed: no x/],
		[['model', 'fit', 'models/persona.lua', paths], 1, /the log has no times, which rates need/],
		[['model', 'fit', 'models/persona.lua', foreign], 1, /nothing of it is what .*persona\.lua asks for; most often it has GET \/blog/],
		[['model', 'fit', 'models/persona.lua'], 2, /fit MODEL LOG/],
	];
	for (const [args, code, text] of rows) {
		const end = await lab(args);
		assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
		assert.match(end.stderr, text);
	}
});

test('at the same time', { concurrency: 2 }, (t) => Promise.all(together.map(([name, fn]) => t.test(name, fn))));
