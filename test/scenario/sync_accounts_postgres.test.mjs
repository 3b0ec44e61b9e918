// What sync_accounts.test.mjs proves once more, on PostgreSQL.
process.env.PLIMSOLL_TEST_ENGINE = 'postgres';
await import('./sync_accounts.test.mjs');
