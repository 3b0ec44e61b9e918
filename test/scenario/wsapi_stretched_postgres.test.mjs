// The calls of wsapi_stretched.test.mjs once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./wsapi_stretched.test.mjs');
