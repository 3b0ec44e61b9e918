// The old protocol of weave.test.mjs once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./weave.test.mjs');
