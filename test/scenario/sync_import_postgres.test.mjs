// The takeover of sync_import.test.mjs once more, into PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./sync_import.test.mjs');
