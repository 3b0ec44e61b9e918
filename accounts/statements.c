/*
 * The table of accounts' SQL statements.
 */
#include "accounts/accounts_priv.h"

const struct sql_stmt accounts_stmts[ACCOUNTS_STMT_COUNT] = {
#define ACCOUNTS_STMT(id, stmt_name, stmt_flags, stmt_text)                                        \
	[STMT_##id] = { .name = (stmt_name), .text = (stmt_text), .flags = (stmt_flags) },
#include "accounts/statements.def"
#undef ACCOUNTS_STMT
};
