// The ways of signup.test.mjs once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./signup.test.mjs');
