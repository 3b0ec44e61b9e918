// Pictures in backups: every file of the rows, made while pictures come and go, shared with an earlier one; they are
// served from what was restored, and a copy for staging has none.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { runCommand } from '../harness/command.mjs';
import { couple, startPairs } from '../harness/pairs.mjs';
import { converted, halves } from '../harness/pictures.mjs';
import { confText } from '../harness/plimsoll.mjs';
import { until } from '../harness/roles.mjs';

const FILES_OF_ONE = 5; // what was sent, and four sizes

const filesIn = (folder) => {
	const root = path.join(folder, 'blobs/media');
	if (!existsSync(root)) return [];
	return readdirSync(root, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => path.join(f.parentPath ?? f.path, f.name)).filter((file) => /\/[0-9a-f]{64}\.\w+$/.test(file)).sort();
};
const bytesOf = (files) => files.map((file) => [path.basename(file), readFileSync(file).toString('base64')]);

test('pictures come back from a backup with their sizes, and deleted ones go when it is made', async () => {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pairs-backup-'));
	const server = await startPairs({ dir, conf: { pairs: { clean_interval: '100ms' } } });
	const command = (...words) => runCommand([...words, '-c', server.confPath]);
	const good = async (...words) => {
		const result = await command(...words);
		assert.equal(result.code, 0, `${words}: ${result.stderr}`);
		return result.stdout;
	};
	const elsewhere = async (name, ...words) => {
		const conf = path.join(dir, `${name}.ini`);
		const data = path.join(dir, name, 'data');
		mkdirSync(path.dirname(data));
		writeFileSync(conf, confText({ plimsoll: { data_dir: data } }));
		const result = await runCommand(['restore', ...words, '-c', conf]);
		assert.equal(result.code, 0, result.stderr);
		return { data, conf, stdout: result.stdout };
	};
	let running = true;
	try {
		const [ada, bob] = await couple(server);
		const picture = await converted(halves(200, 100), 'jpg');
		const send = async () => {
			const { id } = (await ada.upload(picture)).json;
			assert.equal((await ada.picture(id)).state, 'ready');
			return id;
		};
		const kept = [await send(), await send()];
		const deleted = await send();
		assert.equal((await ada.request('PUT', '/me/avatar', picture)).status, 202);
		await until('the avatar', async () => (await ada.get('/me')).json.user.avatar);

		// While a backup looks at them nothing is removed.
		const holder = spawn('flock', ['--shared', path.join(server.dataDir, 'blobs/media/blobs'), 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
		await new Promise((resolve) => holder.stdout.once('data', resolve));
		const before = filesIn(server.dataDir);
		assert.equal((await ada.delete(`/media/${deleted}`)).status, 204);
		const refusals = async () => {
			const page = await (await fetch(`${server.adminUrl}/metrics`)).text();
			return [...page.matchAll(/^plimsoll_rpc_errors_total\{[^}]*to="files"[^}]*\} (\d+)/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
		};
		await until('it was tried', async () => (await refusals()) > 0);
		assert.deepEqual(filesIn(server.dataDir), before);
		const [first, second] = ['one', 'two'].map((name) => path.join(dir, name));
		const told = await good('backup', first);
		assert.match(told, new RegExp(`${2 * FILES_OF_ONE + 4} files of pictures, \\d+ bytes: \\d+ copied, 0 shared`));
		holder.stdin.end();
		await new Promise((resolve) => holder.once('close', resolve));
		await until('its files to go', () => filesIn(server.dataDir).length === before.length - FILES_OF_ONE);

		kept.push(await send());
		assert.match(await good('backup', second, '--previous', first), new RegExp(`: ${FILES_OF_ONE} copied, ${2 * FILES_OF_ONE + 4} shared`));
		for (const file of filesIn(first)) assert.equal(statSync(file).ino, statSync(file.replace(first, second)).ino);
		assert.equal(JSON.parse(readFileSync(path.join(second, 'manifest.json'))).pictures, 3 * FILES_OF_ONE + 4);
		assert.match(await good('check', '--data', second), /19 files of pictures, \d+ bytes\n/);
		await good('backup', path.join(dir, 'bare'), '--without-blobs');
		assert.deepEqual(filesIn(path.join(dir, 'bare')), []);

		const other = await elsewhere('other', second);
		assert.match(other.stdout, /19 files of pictures: 19 copied, 0 were there/);
		assert.deepEqual(bytesOf(filesIn(other.data)), bytesOf(filesIn(second)));
		const staged = await elsewhere('staged', second, '--anonymise');
		assert.deepEqual(filesIn(staged.data), []);

		await server.stop();
		running = false;
		const served = await startPairs({ dir: path.join(dir, 'other') });
		try {
			bob.server = served;
			for (const id of kept) {
				const tiny = await bob.get(`/media/${id}/tiny`);
				assert.deepEqual([tiny.status, tiny.headers['content-type']], [200, 'image/jpeg']);
			}
			assert.equal((await bob.get(`/media/${deleted}`)).status, 404);
		} finally {
			await served.stop();
		}

		// What is missing or cut short is told of.
		const [lost, short] = filesIn(second);
		rmSync(lost);
		rmSync(short);
		writeFileSync(short, 'x');
		const found = await command('check', '--data', second);
		assert.equal(found.code, 1);
		assert.match(found.stderr, /picture \d+: its file .* is not there[^]*is not as long as it was[^]*2 of 19 files of pictures are not there or damaged/);
		truncateSync(filesIn(server.dataDir)[0], 1);
		const made = await command('backup', path.join(dir, 'three'));
		assert.deepEqual([made.code, /1 files of pictures were lost before/.test(made.stderr)], [0, true], made.stderr);
	} finally {
		if (running) await server.stop();
		rmSync(dir, { recursive: true, force: true });
	}
});
