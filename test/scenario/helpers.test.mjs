// Compute on further machines: a server, a nats-server, and helpers that join, leave, die and are full.
// A "machine" here is a `plimsoll helper` of its own, which shares nothing with the server but NATS.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { makeCertificate, testCertificate } from '../harness/certificates.mjs';
import { Client, signUp } from '../harness/client.mjs';
import { runCommand } from '../harness/command.mjs';
import { family, helpersAre, startHelper, startNats } from '../harness/nats.mjs';
import { confText, plimsollBin, startPlimsoll } from '../harness/plimsoll.mjs';
import { processes, until } from '../harness/roles.mjs';

const EMAIL = 'many@example.org';
const PASSWORD = 'correct horse';
const NOBODY = 65534;

let nats;
before(async () => {
	nats = await startNats({ tls: testCertificate() });
});
after(() => nats?.stop());

// A server with one account, whose passwords take as long as cost says.
async function withServer(conf, run) {
	const server = await startPlimsoll({
		conf: { nats: nats.conf(), compute: { instances: 1 }, accounts: { bcrypt_cost: 6 }, ...conf },
	});
	try {
		await signUp(server, EMAIL, PASSWORD);
		await run(server);
	} finally {
		await server.stop();
	}
}

// One attempt to log in: "yes", "busy" (503), or what else came.
async function logIn(server, pass = PASSWORD) {
	const client = new Client(server.url);
	try {
		await client.context();
		const answer = await client.post('/wsapi/authenticate_user', { email: EMAIL, pass, ephemeral: false });
		if (answer.status === 503) return 'busy';
		return answer.json?.success === true ? 'yes' : `${answer.status} ${answer.text}`;
	} finally {
		client.agent.destroy();
	}
}

const logInTogether = (server, n) => Promise.all(Array.from({ length: n }, () => logIn(server)));
const jobs = (server, row) => family(server, 'helper_jobs_total', row);

test('jobs go to a helper as to one more process, and their answers are right', async () => {
	const helper = await startHelper(nats, { instances: 2 });
	try {
		await withServer({}, async (server) => {
			await helpersAre(server, 1);
			assert.equal(await family(server, 'helper_nats_connected'), 1);
			assert.equal(await family(server, 'helper_processes'), 2);
			assert.equal((await processes(server, 'offload')).length, 1);
			for (let sent = 0; sent === 0; sent = await jobs(server, 'sent')) {
				assert.deepEqual(new Set(await logInTogether(server, 12)), new Set(['yes']));
			}
			// A wrong password is wrong there, too.
			const before = await jobs(server, 'sent');
			for (let i = 0; i < 200 && (await jobs(server, 'sent')) === before; i++) {
				const all = await Promise.all(Array.from({ length: 6 }, () => logIn(server, 'incorrect horse')));
				for (const one of all) assert.doesNotMatch(one, /^(yes|busy)$/);
			}
			await until('all answers', async () => (await jobs(server, 'answered')) === (await jobs(server, 'sent')));
			assert.equal(await jobs(server, 'lost'), 0);
		});
	} finally {
		await helper.stop();
	}
	// It has said that it leaves, and nobody else in its name.
	assert.match(helper.stderr(), /event=left jobs=[1-9]/);
	assert.match(helper.stderr(), / bad=0/);
});

test('a helper that dies in mid-job costs its jobs only, and they are done elsewhere', async () => {
	const helper = await startHelper(nats);
	await withServer({ accounts: { bcrypt_cost: 11 } }, async (server) => {
		await helpersAre(server, 1);
		let dead = false;
		const answers = [];
		const caller = async () => {
			do answers.push(await logIn(server));
			while (!dead);
		};
		const callers = Array.from({ length: 6 }, caller);
		await until('jobs at the helper', async () => (await processes(server, 'offload'))[0].busy >= 2, 60);
		await helper.kill();
		await helpersAre(server, 0);
		dead = true;
		await Promise.all(callers);
		assert.ok((await jobs(server, 'lost')) >= 1);
		assert.equal(await family(server, 'helpers_lost_total'), 1);
		// Done by the server itself, or refused as it refuses what it cannot do in time.
		assert.deepEqual(answers.filter((a) => a !== 'yes' && a !== 'busy'), []);
		assert.ok(answers.includes('yes'));
		await until('a place', async () => (await logIn(server)) === 'yes', 60);
	});
});

test('helpers join and leave under load and no request is lost', async () => {
	await withServer({}, async (server) => {
		let done = false;
		const answers = [];
		const caller = async () => {
			while (!done) answers.push(await logIn(server));
		};
		const callers = Array.from({ length: 4 }, caller);
		const one = await startHelper(nats, { name: 'one' });
		await helpersAre(server, 1);
		const two = await startHelper(nats, { name: 'two' });
		await helpersAre(server, 2);
		const sent = await jobs(server, 'sent');
		await until('more jobs', async () => (await jobs(server, 'sent')) > sent + 20, 60);
		await one.stop();
		await helpersAre(server, 1);
		await two.stop();
		await helpersAre(server, 0);
		done = true;
		await Promise.all(callers);
		assert.deepEqual([...new Set(answers)], ['yes']);
		assert.equal(await family(server, 'helpers_lost_total'), 0);
		assert.equal(await jobs(server, 'lost'), 0);
	});
});

test('a nats-server that goes and comes again: all is computed here meanwhile', async () => {
	const own = await startNats({ tls: testCertificate() });
	const helper = await startHelper(own);
	try {
		await withServer({ nats: own.conf(), log: { level: 'info' } }, async (server) => {
			await helpersAre(server, 1);
			await own.kill();
			await helpersAre(server, 0);
			assert.equal(await family(server, 'helper_nats_connected'), 0);
			assert.deepEqual(new Set(await logInTogether(server, 8)), new Set(['yes']));
			await own.begin();
			await helpersAre(server, 1);
			const sent = await jobs(server, 'sent');
			for (let i = 0; (await jobs(server, 'sent')) === sent; i++) {
				assert.ok(i < 100);
				assert.deepEqual(new Set(await logInTogether(server, 12)), new Set(['yes']));
			}
			assert.match(server.stderr(), /event=no_connection/);
		});
	} finally {
		await helper.stop();
		await own.stop();
	}
});

test('a certificate of nobody we know, a wrong name, a wrong password: no job leaves, and check says why', async () => {
	const stranger = makeCertificate(['localhost']);
	const misnamed = makeCertificate(['elsewhere.example']);
	const cases = [
		[{ tls: stranger, ca: testCertificate().certificate }, {}, /certificate verify failed|SSL/i],
		[{ tls: misnamed }, {}, /certificate verify failed|hostname|SSL/i],
		[{ tls: testCertificate() }, { password: 'wrong' }, /Authorization|auth/i],
	];
	for (const [options, over, why] of cases) {
		const other = await startNats(options);
		try {
			await withServer({ nats: other.conf(over), log: { level: 'info' } }, async (server) => {
				await until('the log line', () => /event=no_connection/.test(server.stderr()), 60);
				assert.match(server.stderr().split('\n').find((line) => line.includes('no_connection')), why);
				assert.equal(await family(server, 'helper_nats_connected'), 0);
				assert.equal(await logIn(server), 'yes');
				const { code, stdout } = await runCommand(['check', '-c', server.confPath]);
				assert.equal(code, 0);
				assert.match(stdout, /^warning: \[nats\] url tls:\/\/localhost:\d+: .*all is computed on this machine$/m);
				assert.match(stdout, why);
			});
		} finally {
			await other.stop();
		}
	}
});

test('check tells who is there; what may not be configured is refused in words', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-helpers-'));
	const file = path.join(dir, 'plimsoll.ini');
	const helper = await startHelper(nats, { instances: 3 });
	try {
		writeFileSync(file, confText({ plimsoll: { data_dir: path.join(dir, 'data') }, nats: nats.conf() }));
		const good = await runCommand(['check', '-c', file]);
		assert.match(good.stdout, /^\[nats\] url tls:\/\/localhost:\d+: connected; 1 helpers with 3 processes$/m);
		assert.equal(good.code, 0);
		writeFileSync(file, confText({ nats: { ...nats.conf(), url: 'nats://10.20.30.40:4222' } }));
		for (const command of ['check', 'helper']) {
			const { code, stderr } = await runCommand([command, '-c', file]);
			assert.equal(code, 3);
			assert.match(stderr, /is not on this machine, and passwords travel to be hashed/);
		}
		writeFileSync(file, '');
		const none = await runCommand(['helper', '-c', file]);
		assert.equal(none.code, 3);
		assert.match(none.stderr, /\[nats\] url says nothing/);
	} finally {
		await helper.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

test('a full helper refuses at once, and the server refuses as if it were alone', async () => {
	const helper = await startHelper(nats, { conf: { compute: { queue_max: 1 } } });
	try {
		await withServer({ accounts: { bcrypt_cost: 10 }, compute: { instances: 1, queue_max: 1 } }, async (server) => {
			await helpersAre(server, 1);
			let all = [];
			// So many that neither holds them, until both have had some.
			for (let i = 0; i < 20 && !(all.includes('busy') && (await jobs(server, 'answered')) > 0); i++) {
				all = all.concat(await logInTogether(server, 24));
			}
			assert.ok(all.includes('busy') && all.includes('yes'), JSON.stringify(all));
			assert.deepEqual(all.filter((a) => a !== 'yes' && a !== 'busy'), []);
			await until('a place', async () => (await logIn(server)) === 'yes', 60);
		});
	} finally {
		await helper.stop();
	}
});

// The sections of a configuration file as startPlimsoll() takes them.
function sectionsOf(text) {
	const sections = {};
	for (const [, name, body] of text.matchAll(/^\[(\w+)\]\n((?:\w+ = .*\n)+)/gm)) {
		sections[name] = Object.fromEntries([...body.matchAll(/^(\w+) = (.*)$/gm)].map(([, key, value]) => [key, value]));
	}
	return sections;
}

test('the two machines of OPERATING.md work as they stand there, with no more rights than those', async () => {
	const page = readFileSync(new URL('../../doc/OPERATING.md', import.meta.url), 'utf8');
	const [, chapter] = /\n## Further compute machines\n([^]*?)\n## /.exec(page);
	const [natsText, serverText, helperText] = [...chapter.matchAll(/```\n([^]*?)```/g)].map(([, block]) => block);
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-machines-'));
	const { certificate, key } = testCertificate();
	const own = await startNats({
		tls: { certificate, key },
		text: (port) => natsText.replace('0.0.0.0:4222', `127.0.0.1:${port}`).replace('/etc/nats/server.pem', certificate).replace('/etc/nats/server.key', key),
	});
	const here = (text, secret) => {
		const file = path.join(dir, secret);
		writeFileSync(file, `${secret}\n`);
		return sectionsOf(text.replace('nats.example.org:4222', `localhost:${own.port}`).replace('/etc/plimsoll/nats-ca.pem', certificate).replace('/etc/plimsoll/nats-password', file));
	};
	const forHelper = here(helperText, 'SECRET-2');
	const helper = await startHelper({ conf: () => ({}) }, { name: forHelper.helper.name, conf: forHelper });
	try {
		await withServer(here(serverText, 'SECRET-1'), async (server) => {
			await helpersAre(server, 1);
			for (let i = 0; (await jobs(server, 'answered')) === 0; i++) {
				assert.ok(i < 100);
				assert.deepEqual(new Set(await logInTogether(server, 12)), new Set(['yes']));
			}
			assert.equal(await jobs(server, 'lost'), 0);
			assert.doesNotMatch(server.stderr() + helper.stderr(), /Permissions Violation|no_connection/);
		});
	} finally {
		await helper.stop();
		await own.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});

// Runs a program as the user that the helper has.
const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];

test('on the machine of key and database a helper of its own user reads neither', { skip: process.getuid() !== 0 }, async () => {
	// A copy that everybody may execute, wherever the build lies.
	const bin = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-bin-'));
	const ca = path.join(bin, 'ca.pem');
	const from = path.dirname(realpathSync(plimsollBin()));
	spawnSync('cp', [path.join(from, 'plimsoll'), path.join(from, 'plimsoll-nats'), bin]);
	spawnSync('cp', [testCertificate().certificate, ca]);
	spawnSync('chmod', ['-R', 'a+rX', bin]);
	const helper = await startHelper(nats, { bin: path.join(bin, 'plimsoll'), before: asNobody, conf: { nats: { ca_file: ca } } });
	try {
		await withServer({}, async (server) => {
			await helpersAre(server, 1);
			for (let i = 0; i < 50 && (await jobs(server, 'answered')) === 0; i++) await logInTogether(server, 12);
			assert.ok((await jobs(server, 'answered')) > 0);
			const pids = helper.processes();
			assert.equal(pids.length, 2);
			for (const pid of [helper.pid, ...pids]) {
				assert.match(readFileSync(`/proc/${pid}/status`, 'latin1'), new RegExp(`^Uid:\t${NOBODY}\t${NOBODY}\t${NOBODY}\t${NOBODY}$`, 'm'));
				// Nothing of the server's is open in it, and it listens to nobody.
				const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkOr(`/proc/${pid}/fd/${fd}`));
				assert.deepEqual(open.filter((name) => name.startsWith(server.dir)), []);
			}
			const secrets = [...files(path.join(server.dataDir, 'keys')), ...files(path.join(server.dataDir, 'db'))];
			assert.ok(secrets.some((name) => name.endsWith('.key')) && secrets.some((name) => /\.(db|sqlite)/.test(name)), secrets.join());
			for (const name of secrets) {
				assert.ok(readFileSync(name).length >= 0); // we can
				const [program, ...words] = [...asNobody, 'cat', name];
				const tried = spawnSync(program, words, { encoding: 'utf8' });
				assert.notEqual(tried.status, 0, name);
				assert.match(tried.stderr, /Permission denied/, name);
			}
		});
	} finally {
		await helper.stop();
		rmSync(bin, { recursive: true, force: true });
	}
});

// A descriptor may be closed again while we look.
function readlinkOr(file) {
	try {
		return readlinkSync(file);
	} catch {
		return '';
	}
}

const files = (dir) => readdirSync(dir).map((name) => path.join(dir, name));
