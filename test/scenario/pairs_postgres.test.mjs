// The couples' API and their live sessions on PostgreSQL, with the very tests.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./pairs_api.test.mjs');
await import('./pairs_live.test.mjs');
