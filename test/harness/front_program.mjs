// A program that stands in front of a server of a test, such as nginx: started, waited for, ended.
//   const program = await startProgram(['haproxy', '-db', '-f', file], () => answers(port), () => moreErrors)
//   program.log(), await program.stop()
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_SECONDS = 15;
const STOP_MS = 5000;

export async function startProgram([name, ...args], isReady, errors = () => '') {
	const child = spawn(name, args, {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
	});
	let log = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
	const kill = () => child.kill('SIGKILL');
	process.on('exit', kill);
	const ended = new Promise((resolve) => {
		child.once('error', (error) => ((log += error), resolve()));
		child.once('close', resolve);
	});
	const program = {
		log: () => log,
		async stop() {
			process.off('exit', kill);
			child.kill('SIGTERM');
			const timer = setTimeout(kill, STOP_MS);
			await ended;
			clearTimeout(timer);
		},
	};
	for (const end = Date.now() + READY_SECONDS * 1000; !(await isReady()); await sleep(50)) {
		if (Date.now() > end || child.exitCode !== null) {
			const more = errors();
			await program.stop();
			throw new Error(`${name} does not start: ${log}${more}`);
		}
	}
	return program;
}
