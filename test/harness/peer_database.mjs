// Databases of other sync servers, made as those programs make them: syncserver (Python) in SQLite, its
// stores spread over tables, with the token server in the same file or one of its own; syncstorage-rs as
// mysqldump writes it out.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const PYTHON = `
import json, sqlite3, sys
work = json.load(sys.stdin)
db = sqlite3.connect(work["file"])
for sql in work["schema"]:
    db.execute(sql)
for table, rows in work["tables"]:
    for row in rows:
        db.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, ", ".join('"%s"' % k for k in row), ", ".join("?" * len(row))), list(row.values()))
db.commit()
if work.get("dump"):
    with open(work["dump"], "w") as out:
        for line in db.iterdump():
            out.write(line + "\\n")
db.close()
`;

const run = (work) => execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(work) });

const PYTHON_BSO = (name) => `CREATE TABLE ${name} (
	id VARCHAR(64) NOT NULL, userid INTEGER NOT NULL, collection INTEGER NOT NULL, sortindex INTEGER,
	modified BIGINT NOT NULL, payload TEXT NOT NULL DEFAULT '', payload_size INTEGER NOT NULL DEFAULT 0,
	ttl INTEGER NOT NULL DEFAULT 2100000000, PRIMARY KEY (userid, collection, id))`;
export const TOKEN_SCHEMA = [
	'CREATE TABLE services (id INTEGER NOT NULL PRIMARY KEY, service VARCHAR(30) UNIQUE, pattern VARCHAR(128))',
	`CREATE TABLE nodes (id INTEGER NOT NULL PRIMARY KEY, service INTEGER NOT NULL, node VARCHAR(64) NOT NULL, available INTEGER NOT NULL,
	current_load INTEGER NOT NULL, capacity INTEGER NOT NULL, downed INTEGER NOT NULL, backoff INTEGER NOT NULL)`,
	`CREATE TABLE users (uid INTEGER NOT NULL PRIMARY KEY, service INTEGER NOT NULL, email VARCHAR(255) NOT NULL, generation BIGINT NOT NULL,
	client_state VARCHAR(32) NOT NULL, created_at BIGINT NOT NULL, replaced_at BIGINT, nodeid INTEGER NOT NULL, keys_changed_at BIGINT)`,
];

export const tokenTables = (users, node) => [
	['services', [{ id: 1, service: 'sync-1.5', pattern: '{node}/1.5/{uid}' }, { id: 2, service: 'other-1.0', pattern: '' }]],
	['nodes', [{ id: 7, service: 1, node, available: 1, current_load: 0, capacity: 100, downed: 0, backoff: 0 }]],
	['users', users.map((user) => ({ service: 1, nodeid: 7, replaced_at: null, keys_changed_at: null, ...user }))],
];

// syncserver: stores { uid: { collection id: [last_modified, [{ id, modified, payload, sortindex, ttl }]] } }, ttl in
// seconds since the epoch, times in milliseconds; parts: over how many tables they are spread.
export function writePython(file, { stores = {}, users = [], node = 'http://localhost:5000', names = [], parts = 1, dump }) {
	const bso = Array.from({ length: parts }, (_, i) => [parts === 1 ? 'bso' : `bso${i}`, []]);
	const sums = [];
	for (const [uid, collections] of Object.entries(stores)) {
		for (const [collection, [last_modified, records]] of Object.entries(collections)) {
			sums.push({ userid: Number(uid), collection: Number(collection), last_modified });
			for (const r of records) bso[Number(uid) % parts][1].push({ userid: Number(uid), collection: Number(collection), payload_size: Buffer.byteLength(r.payload), sortindex: null, ...r });
		}
	}
	run({
		file,
		dump,
		schema: [
			...bso.map(([name]) => PYTHON_BSO(name)),
			'CREATE TABLE collections (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(32) NOT NULL UNIQUE)',
			'CREATE TABLE user_collections (userid INTEGER NOT NULL, collection INTEGER NOT NULL, last_modified BIGINT NOT NULL, PRIMARY KEY (userid, collection))',
			'CREATE TABLE batch_uploads (batch BIGINT NOT NULL, userid INTEGER NOT NULL, collection INTEGER NOT NULL, PRIMARY KEY (batch, userid))',
			...(users.length > 0 ? TOKEN_SCHEMA : []),
		],
		tables: [
			...bso,
			['collections', names],
			['user_collections', sums],
			['batch_uploads', [{ batch: 1, userid: 1, collection: 7 }]],
			...(users.length > 0 ? tokenTables(users, node) : []),
		],
	});
}

const quote = (v) =>
	v === null || v === undefined ? 'NULL' : typeof v === 'number' ? String(v) : `'${v.replace(/[\\'"\n\r\0]/g, (c) => ({ '\n': '\\n', '\r': '\\r', '\0': '\\0' })[c] ?? `\\${c}`)}'`;

function dumpTable(name, columns, keys, rows) {
	const inserts = rows.length === 0 ? '' : `INSERT INTO \`${name}\` VALUES ${rows.map((row) => `(${Object.keys(columns).map((c) => quote(row[c])).join(',')})`).join(',')};\n`;
	return `--
-- Table structure for table \`${name}\`
--

DROP TABLE IF EXISTS \`${name}\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE \`${name}\` (
${Object.entries(columns).map(([c, type]) => `  \`${c}\` ${type},`).join('\n')}
  ${keys}
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;

LOCK TABLES \`${name}\` WRITE;
/*!40000 ALTER TABLE \`${name}\` DISABLE KEYS */;
${inserts}/*!40000 ALTER TABLE \`${name}\` ENABLE KEYS */;
UNLOCK TABLES;

`;
}

// syncstorage-rs: times and ttl in milliseconds, ttl absolute. Text of mysqldump.
export function rustDump({ bso = [], sums = [], names = [], users = [], end = '-- Dump completed on 2026-11-26 12:00:00\n' }) {
	return `-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)
--
-- Host: localhost    Database: syncstorage
-- ------------------------------------------------------
/*!50503 SET NAMES utf8mb4 */;
${dumpTable(
	'bso',
	{
		userid: 'bigint NOT NULL',
		collection: 'int NOT NULL',
		id: 'varchar(64) NOT NULL',
		sortindex: 'int DEFAULT NULL',
		payload: 'mediumtext NOT NULL',
		payload_size: "int NOT NULL DEFAULT '0'",
		modified: 'bigint NOT NULL',
		ttl: "bigint NOT NULL DEFAULT '2100000000000'",
	},
	'PRIMARY KEY (`userid`,`collection`,`id`),\n  KEY `bso_expiry_idx` (`ttl`),\n  KEY `bso_usr_col_mod_idx` (`userid`,`collection`,`modified`)',
	bso,
)}${dumpTable('collections', { id: 'int NOT NULL AUTO_INCREMENT', name: 'varchar(32) NOT NULL' }, 'PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`)', names)}${dumpTable(
		'user_collections',
		{ userid: 'bigint NOT NULL', collection: 'int NOT NULL', last_modified: 'bigint NOT NULL', total_bytes: 'bigint DEFAULT NULL', count: 'int DEFAULT NULL' },
		'PRIMARY KEY (`userid`,`collection`)',
		sums,
	)}${users.length === 0
		? ''
		: dumpTable(
				'users',
				{
					uid: 'bigint NOT NULL AUTO_INCREMENT',
					service: 'int NOT NULL',
					email: 'varchar(255) NOT NULL',
					generation: 'bigint NOT NULL',
					client_state: 'varchar(32) NOT NULL',
					created_at: 'bigint NOT NULL',
					replaced_at: 'bigint DEFAULT NULL',
					nodeid: 'bigint NOT NULL',
					keys_changed_at: 'bigint DEFAULT NULL',
				},
				'PRIMARY KEY (`uid`)',
				users,
			)}${end}`;
}

export const writeDump = (file, what) => writeFileSync(file, rustDump(what));
