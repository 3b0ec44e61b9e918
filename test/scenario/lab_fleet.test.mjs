// Several generators that make one run: processes, and machines that join over TCP.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { freePort, plimsollBin } from '../harness/plimsoll.mjs';
import { ROOT, activity, byName, interruptAt, lab, load, model, standIn } from './lib/lab.mjs';

const together = [];
const meanwhile = (name, fn) => together.push([name, fn]);
const file = () => model(activity('visit', 20000, 'browser():get("/" .. user.n, { step = "get" })') + activity('rare', 100, 'browser():get("/rare")'));
const RUN = ['--users', '864', '--for', '1.5s'];

// What a stand-in saw: requests by path.
async function counter(t) {
	const seen = new Map();
	const url = await standIn(t, (req, res) => {
		seen.set(req.url, 1 + (seen.get(req.url) ?? 0));
		res.end('x');
	});
	return { url, seen, total: () => [...seen.values()].reduce((a, b) => a + b, 0) };
}

meanwhile('processes: shares of one rate and of one population, added up in one report', async (t) => {
	const due = [];
	for (let i = 0; i < 2; i++) {
		const { url, seen, total } = await counter(t);
		const { json, stderr } = await load(file(), url, [...RUN, '--processes', '3', '--seed', '5']);
		assert.ok(json, stderr);
		const v = byName(json, 'visit');
		assert.equal(v.done + byName(json, 'rare').done, total());
		assert.equal(v.latency.count, v.done);
		assert.equal(json.generator.generators, 3);
		assert.ok(Math.abs(v.due - 300) < 4 * Math.sqrt(300), `200 a second for 1.5 s: ${v.due}`);
		assert.equal(v.planned_per_second, 200);
		const users = [...seen.keys()].filter((p) => p !== '/rare').map((p) => Number(p.slice(1)));
		assert.ok(Math.min(...users) < 100 && Math.max(...users) > 764 && Math.max(...users) < 864);
		assert.match(stderr, /begun [\d.]+\/s/);
		due.push(v.due);
	}
	assert.equal(due[0], due[1], 'the same seed, the same arrivals');
});

// The leader's side of a run with others; resolves what it printed, and its token early.
function leader(args) {
	let tellToken;
	const token = new Promise((resolve) => (tellToken = resolve));
	let child;
	const end = lab(['load', ...args], {
		onSpawn: (c) => {
			child = c;
			let text = '';
			c.stderr.on('data', (more) => {
				text += more;
				const found = /PLIMSOLL_LAB_TOKEN=(\S+)/.exec(text);
				if (found && /waiting at/.test(text)) tellToken(found[1]);
			});
		},
	});
	return { end, token, child };
}
function join(address, token, args = []) {
	return new Promise((resolve) => {
		const child = spawn(plimsollBin(), ['load', '--join', address, ...args], { cwd: ROOT, env: { ...process.env, PLIMSOLL_LAB_TOKEN: token }, stdio: ['ignore', 'ignore', 'pipe'] });
		let stderr = '';
		child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
		child.once('close', (code) => resolve({ code, stderr }));
	});
}

meanwhile('machines that join: who knows the token makes a part of the load, who does not is sent away', async (t) => {
	const { url, total } = await counter(t);
	const address = `127.0.0.1:${await freePort()}`;
	const lead = leader([file(), '--json', ...RUN, '--generators', '2', '--listen', address, url]);
	const token = await lead.token;
	const stranger = await join(address, `${token}x`);
	assert.equal(stranger.code, 1);
	assert.match(stranger.stderr, /^plimsoll load: the leader has another token$/m);
	// Somebody who talks nonsense does not keep others out for long.
	const port = Number(address.split(':')[1]);
	await new Promise((resolve) => net.connect(port, '127.0.0.1', function () { this.end('GET / HTTP/1.1\r\n\r\n'); }).on('close', resolve).on('error', resolve).resume());
	const others = await Promise.all([join(address, token, ['--processes', '2', '--from', '127.0.0.7'])]);
	assert.deepEqual(others.map((o) => o.code), [0], others[0].stderr);
	const { json, code, stderr } = await lead.end;
	assert.ok(json, stderr);
	assert.ok(code === 0 || code === 6, stderr);
	assert.equal(json.generator.generators, 2);
	assert.equal(byName(json, 'visit').done + byName(json, 'rare').done, total());
	assert.match(stderr, /was sent away: it has another token/);
	assert.match(stderr, /was sent away: it is no generator of this version/);
	assert.match(stderr, /joins as generator 2/);
	const nobody = await join(address, token);
	assert.equal(nobody.code, 1);
	assert.match(nobody.stderr, /Connection refused/);
	const without = await lab(['load', '--join', address]);
	assert.equal(without.code, 1);
	assert.match(without.stderr, /--join needs the token/);
});

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

meanwhile('a generator that dies: void, and what the others measured is kept', async (t) => {
	const { url, total } = await counter(t);
	let killed = false;
	const { json, code, stderr } = await load(file(), url, ['--users', '864', '--for', '3s', '--processes', '2'], {
		onSpawn: (child) =>
			child.stderr.on('data', (text) => {
				if (killed || !/begun/.test(text)) return;
				killed = true;
				process.kill(childrenOf(child.pid)[1], 'SIGKILL');
			}),
	});
	assert.ok(json, stderr);
	assert.equal(code, 6);
	assert.ok(json.generator.void.some((cause) => /^generator 2 ended before its time \(gone\): its part of the figures is missing$/.test(cause)), JSON.stringify(json.generator.void));
	assert.ok(byName(json, 'visit').done > 100 && byName(json, 'visit').done < total());
});

meanwhile('Ctrl-C ends all of them with one report', async (t) => {
	const { url } = await counter(t);
	const began = Date.now();
	const end = await lab(['load', file(), '--users', '864', '--for', '1h', '--processes', '2', url], {
		onSpawn: interruptAt(/begun/),
	});
	assert.ok(Date.now() - began < 15000);
	assert.match(end.stdout, /visit +200\.00/);
	assert.match(end.stdout, /interrupted/);
	assert.match(end.stdout, /2 generators/);
});

meanwhile('what is wrong is said in one line', async () => {
	const nobody = `http://127.0.0.1:${await freePort()}`;
	const rows = [
		[[file(), '--processes', '2', nobody], 1, /^plimsoll load: generator [12]: http:.* does not answer: Connection refused$/m],
		[[file(), '--processes', '900', nobody], 2, /--processes 900: allowed is from 1 to 64/],
		[[file(), '--generators', '2', nobody], 2, /--generators and --listen go together/],
		[[file(), '--users', '1', '--processes', '2', nobody], 1, /fewer users than generators|does not answer/],
		[[file(), '--generators', '2', '--listen', '192.0.2.1:1', nobody], 1, /192\.0\.2\.1:1: Cannot assign/],
	];
	for (const [args, code, line] of rows) {
		const end = await lab(['load', ...args]);
		assert.equal(end.code, code, `${args.join(' ')}: ${end.stderr}`);
		assert.match(end.stderr, line);
		assert.equal(end.stdout, '');
	}
});

test('at the same time', { concurrency: 2 }, (t) => Promise.all(together.map(([name, fn]) => t.test(name, fn))));
