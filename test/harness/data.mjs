// Changes the data behind a running server by hand, whichever engine it is on.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const PYTHON = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
rows = db.execute(sys.argv[2]).fetchall()
db.commit()
db.close()
print("\\n".join("|".join(str(v) for v in row) for row in rows))
`;

// Runs one statement; resolves to its rows as text, columns with '|' between.
export function changeData(server, sql) {
	const [file, args] = server.store
		? ['psql', ['-X', '-A', '-t', '-q', '-d', server.store.url, '-c', sql]]
		: ['python3', ['-c', PYTHON, path.join(server.dataDir, 'db/plimsoll.db'), sql]];
	return execFileSync(file, args, { encoding: 'utf8' }).trim();
}
