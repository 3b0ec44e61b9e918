// The couples' API on PostgreSQL, with the very tests.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./pairs_api.test.mjs');
