// The calls of wsapi_calls.test.mjs once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./wsapi_calls.test.mjs');
