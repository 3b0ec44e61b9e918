// The storage of sync_storage.test.mjs once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./sync_storage.test.mjs');
