// Progress of a run: a picture on a terminal, lines elsewhere, and an end by Ctrl-C that leaves a report.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { plimsollBin } from '../harness/plimsoll.mjs';
import { ROOT, activity, lab, model, standIn } from './lib/lab.mjs';

const file = () => model(activity('visit', 10000, 'browser():get("/")'));

// In a terminal of its own, which Ctrl-C is typed into once the text is there.
function inTerminal(args, { typeAt, env = {} }) {
	return new Promise((resolve) => {
		const command = [plimsollBin(), ...args].map((word) => `'${word}'`).join(' ');
		const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: ROOT, env: { ...process.env, TERM: 'xterm', ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
		let text = '';
		child.stdout.setEncoding('utf8').on('data', (more) => {
			text += more;
			if (typeAt && typeAt.test(text)) {
				typeAt = null;
				child.stdin.write('\x03');
			}
		});
		child.once('close', (code) => resolve({ code, text }));
	});
}

test('on a terminal: one picture, drawn over and over, then the report', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const { code, text } = await inTerminal(['load', file(), '--users', '864', '--for', '1h', url], { typeAt: /\[#*\.+\] 2 s, 3598 s left/ });
	assert.ok([0, 6, 130].includes(code), `${code} ${text}`); // 130: a shell in between saw the Ctrl-C, too
	const pictures = text.split('\x1b[10A');
	assert.ok(pictures.length >= 2, JSON.stringify(text));
	assert.match(pictures[0], /^test: 864 active users against http:/m);
	assert.match(pictures[1], /done +\d+\.\d +\d+\.\d/);
	assert.match(pictures[1], /done\/s +[\u2581-\u2588]{2}/);
	assert.doesNotMatch(text, /begun [\d.]+\/s/);
	const report = pictures.at(-1).split('\x1b[J')[1];
	assert.match(report, /visit +100\.00/);
	assert.match(report, /interrupted: the figures are those up to then/);
});

test('elsewhere, and on terminals that cannot: lines', async (t) => {
	const url = await standIn(t, (req, res) => res.end('x'));
	const args = ['load', file(), '--users', '864', '--for', '1.5s', url];
	const [piped, dumb] = await Promise.all([lab(args), inTerminal(args, { env: { TERM: 'dumb' } })]);
	for (const text of [piped.stderr, dumb.text]) {
		assert.match(text, /^ +1 s  begun [\d.]+\/s  done [\d.]+\/s/m);
		assert.doesNotMatch(text, /\x1b/);
	}
});
