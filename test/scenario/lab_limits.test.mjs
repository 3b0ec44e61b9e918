// The generator as the limit: each planted fault makes the run void and is called by its name. (Another
// program on its processor, no descriptors, too few users: lab.test.mjs. How often a good run is called
// void without cause takes an idle machine: test/bench/lab.mjs.)
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { activity, byName, load, model, scratch, standIn } from './lib/lab.mjs';

const USER = process.getuid() === 0 ? ['-n'] : ['-rn'];
const causes = (json) => json.generator.void.join('; ');

test('slow work in the generator itself: the processor it used', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const file = model(activity('visit', 4000, 'browser():get("/") local n = 0 for i = 1, 1e6 do n = n + i % 7 end'));
	const { json, code, stderr } = await load(file, url, ['--users', '864', '--for', '1s']);
	assert.ok(json, stderr);
	assert.equal(code, 6);
	assert.match(causes(json), /used \d+ % of a core|left late/);
	assert.match(causes(json), /left late/);
});

// Ten local ports in a network of its own, and a server in it that keeps connections for a second.
const ROOM = `ip link set lo up && echo "40000 40009" >/proc/sys/net/ipv4/ip_local_port_range || exit 77
node "$1" & server=$!
shift
for i in $(seq 100); do [ -e "$0.up" ] && break; sleep 0.1; done
"$@"; code=$?; kill $server; exit $code`;

test('no local ports left', async (t) => {
	if (spawnSync('unshare', [...USER, 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
		t.skip('needs unshare -rn and ip');
		return;
	}
	const server = path.join(scratch, 'server.mjs');
	const mark = path.join(scratch, 'ports');
	writeFileSync(
		server,
		`import http from 'node:http'; import { writeFileSync } from 'node:fs';
		http.createServer((q, r) => setTimeout(() => r.end('x'), 1000)).listen(8080, '127.0.0.1', () => writeFileSync('${mark}.up', ''));`,
	);
	const file = model(activity('visit', 5000, 'browser():get("/")'));
	const { json, code, stderr } = await load(file, 'http://127.0.0.1:8080', ['--users', '864', '--for', '1s'], {
		prefix: ['unshare', ...USER, 'sh', '-c', ROOM, mark, server],
	});
	assert.ok(json, stderr);
	assert.equal(code, 6);
	assert.match(causes(json), /\d+ times this machine had no local port left/);
	assert.ok(byName(json, 'visit').begun > 10 && json.failures.some((f) => /no local port left/.test(f.text)), JSON.stringify(json.failures));
});

test('stopped again and again: arrivals are not those that were asked for', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const file = model(activity('visit', 20000, 'browser():get("/")'));
	const { json, code, stderr } = await load(file, url, ['--users', '864', '--for', '3s'], {
		onSpawn: async (child) => {
			await sleep(500);
			while (child.exitCode === null) {
				child.kill('SIGSTOP');
				await sleep(60);
				child.kill('SIGCONT');
				await sleep(60);
			}
		},
	});
	assert.ok(json, stderr);
	assert.equal(code, 6);
	assert.match(causes(json), /did not begin as poisson arrivals do: gaps lie \d+ % off/);
	assert.ok(json.generator.gaps > 100);
});

test('source addresses take turns', async (t) => {
	const seen = new Map();
	const url = await standIn(t, (req, res) => {
		seen.set(req.socket.remoteAddress, 1 + (seen.get(req.socket.remoteAddress) ?? 0));
		res.end('x');
	});
	const file = model(activity('visit', 5000, 'browser():get("/")'));
	const { json, stderr } = await load(file, url, ['--users', '864', '--for', '1s', '--from', '127.0.0.2,127.0.0.8-127.0.0.10']);
	assert.ok(json, stderr);
	assert.deepEqual([...seen.keys()].sort(), ['127.0.0.10', '127.0.0.2', '127.0.0.8', '127.0.0.9']);
	const counts = [...seen.values()];
	assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
	const wrong = await load(file, url, ['--for', '1s', '--from', '192.0.2.7']);
	assert.equal(wrong.code, 1);
	assert.match(wrong.stderr, /^plimsoll load: --from: 192\.0\.2\.7 cannot be used: Cannot assign requested address$/m);
});
