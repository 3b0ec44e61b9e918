// npm runs no scripts of packages here; these two need their library files concatenated once.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

for (const name of ['jwcrypto', 'browserid-crypto']) {
	const script = fileURLToPath(new URL(`node_modules/${name}/scripts/package.js`, import.meta.url));
	const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] });
	if (status !== 0) process.exit(status ?? 1);
}
