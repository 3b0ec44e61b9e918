// A PostgreSQL server of its own for a test, made and run by postgres.sh; ended by its pid.
//   const pg = await startPostgres();
//   const server = await startPlimsoll({ conf: { store: await pg.store() } });
//   pg.sql('SELECT ...'), await pg.halt('SIGQUIT'), await pg.start(), await pg.remove()
// With PLIMSOLL_TEST_ENGINE=postgres every startPlimsoll() gets a database of sharedPostgres().
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free_port.mjs';

const SCRIPT = fileURLToPath(new URL('postgres.sh', import.meta.url));
const LOG_MAX = 1 << 16; // characters kept

export const REPLICABLE = ['-c', 'wal_level=replica', '-c', 'max_wal_senders=4'];

const running = new Map(); // pid -> folder
process.on('exit', () => {
	for (const [pid, dir] of running) {
		execFileSync('sh', ['-c', `kill -QUIT ${pid}; timeout 10 tail --pid=${pid} -f /dev/null; rm -rf ${dir}`]);
	}
});

class Postgres {
	constructor(args) {
		this.args = args;
		this.log = '';
		this.databases = 0;
		this.dir = mkdtempSync(path.join(os.tmpdir(), 'plimsoll-pg-'));
	}

	async begin({ tcp, tls }) {
		execFileSync(SCRIPT, ['init', this.dir], { stdio: ['ignore', 'ignore', 'inherit'] });
		if (tcp || tls) {
			this.port = await freePort();
			this.args.push('-c', 'listen_addresses=127.0.0.1', '-p', String(this.port));
		}
		if (tls) this.#certify();
		await this.start();
		return this;
	}

	// A server that follows this one and answers reads; this one was started with REPLICABLE.
	async replica() {
		const other = new Postgres([...this.args]);
		execFileSync(SCRIPT, ['copy', other.dir, this.dir], { stdio: ['ignore', 'ignore', 'inherit'] });
		await other.start();
		return other;
	}

	// Sets a parameter of the running server; null takes it back.
	set(name, value) {
		this.sql(value === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = '${value}'`);
		this.sql('SELECT pg_reload_conf()');
	}

	// A certificate for 127.0.0.1 that is its own authority.
	#certify() {
		const [key, cert] = ['server.key', 'server.crt'].map((name) => path.join(this.dir, 'data', name));
		this.certificate = cert;
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
			'-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
		execFileSync('chown', [`--reference=${path.join(this.dir, 'data')}`, key, cert]);
		execFileSync('chmod', ['600', key]);
		execFileSync('cp', [cert, path.join(this.dir, 'ca.pem')]); // the data folder is nobody else's
		this.certificate = path.join(this.dir, 'ca.pem');
		this.args.push('-c', 'ssl=on');
	}

	// Starts it (again) and waits until it accepts connections.
	async start() {
		const child = spawn(SCRIPT, ['run', this.dir, ...this.args], { stdio: ['ignore', 'ignore', 'pipe'] });
		this.child = child;
		this.ended = new Promise((resolve) => child.once('close', resolve));
		running.set(child.pid, this.dir);
		child.once('exit', () => running.delete(child.pid));
		let text = '';
		await new Promise((resolve, reject) => {
			child.stderr.setEncoding('utf8').on('data', (chunk) => {
				text = (text + chunk).slice(-LOG_MAX);
				this.log = text;
				if (/ready to accept (read-only )?connections/.test(text)) resolve();
			});
			child.once('error', reject);
			child.once('close', () => reject(new Error(`PostgreSQL does not start:\n${text}`)));
		});
		child.unref(); // a test that forgets it ends all the same
		child.stderr.unref();
	}

	get pid() {
		return this.child.pid;
	}

	// Ends the server: SIGINT in order, SIGQUIT as a crash, SIGKILL with its children left to notice.
	async halt(signal = 'SIGINT') {
		this.child.ref();
		this.child.kill(signal);
		await this.ended;
	}

	async remove() {
		if (running.has(this.pid)) await this.halt();
		rmSync(this.dir, { recursive: true, force: true });
	}

	// What SQL yields, as superuser: rows of text, columns with '|' between.
	sql(text, database = 'plimsoll', role = 'postgres') {
		const args = ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h', path.join(this.dir, 'socket'), '-U', role, '-d', database];
		if (this.port) args.push('-p', String(this.port));
		return execFileSync('psql', [...args, '-c', text], { encoding: 'utf8' }).trim();
	}

	url(role, database = 'plimsoll', more = '') {
		const port = this.port ? `&port=${this.port}` : '';
		return `postgresql://${role}@/${database}?host=${path.join(this.dir, 'socket')}${port}${more}`;
	}

	// The same over TCP, where passwords are asked for.
	tcpUrl(role, database = 'plimsoll', more = '') {
		return `postgresql://${role}:${role}-secret@127.0.0.1:${this.port}/${database}${more}`;
	}

	// A new, empty database; its name.
	newDatabase() {
		const name = `test${++this.databases}`;
		this.sql(`CREATE DATABASE ${name} OWNER plimsoll`);
		return name;
	}

	// A section [store] for a database.
	store(database = this.newDatabase(), more = {}) {
		return { engine: 'postgres', url: this.url('plimsoll', database), read_url: this.url('plimsoll_web', database), ...more };
	}
}

// Options: args (more of the server's), tcp (listens on loopback, too), tls (and asks nobody to use it).
export function startPostgres({ args = [], tcp = false, tls = false } = {}) {
	return new Postgres([...args]).begin({ tcp, tls });
}

let shared;
export function sharedPostgres() {
	shared ??= startPostgres();
	return shared;
}
