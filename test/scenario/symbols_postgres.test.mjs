// The same as symbols.test.mjs, with a PostgreSQL server in the place of the file.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./symbols.test.mjs');
