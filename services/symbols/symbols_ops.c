/*
 * The operations of the service, one row each.
 */
#include "services/symbols/symbols_priv.h"

/* Bytes; what [symbols] max_upload can be at most. */
#define UPLOAD_MAX (4000u << 20)
/* The same of symbolicate_max_body, which its handler looks at. */
#define SYMBOLICATE_MAX (64u << 20)

/* Forms, assertions, what sym_upload says of a file. */
#define API_BODY_MAX (64u << 10)

/* clang-format off */
const struct op symbols_ops[SYMBOLS_OPS] = {
	{ "symbols.page", HTTP_GET, "/", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, symbols_page },
	{ "symbols.page_file", HTTP_GET, "/__web__/{rest*}", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, symbols_page_file },
	{ "symbols.download", HTTP_GET, "/{debug_file}/{debug_id}/{file}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_download },
	{ "symbols.download_try", HTTP_GET, "/try/{debug_file}/{debug_id}/{file}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_download_try },
	{ "symbols.download_tier", HTTP_GET, "/{tier}/{debug_file}/{debug_id}/{file}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_download_tier },
	{ "symbols.pingme", HTTP_GET, "/pingme.txt", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, symbols_pingme },
	{ "symbols.debuginfo", HTTP_GET, "/buildid/{id}/debuginfo", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_debuginfo },
	{ "symbols.executable", HTTP_GET, "/buildid/{id}/executable", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_executable },
	{ "symbols.section", HTTP_GET, "/buildid/{id}/section/{section}", COST_COMPUTE, SHED_MIDDLE, 3600000, 0, OP_PUBLIC_CORS, symbols_section },
	{ "symbols.source", HTTP_GET, "/buildid/{id}/source/{path*}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_source },
	/* The whole path in one segment: some clients encode '/', too. */
	{ "symbols.source_encoded", HTTP_GET, "/buildid/{id}/source/{path}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_source },
	{ "symbols.debuginfo_try", HTTP_GET, "/try/buildid/{id}/debuginfo", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_debuginfo },
	{ "symbols.executable_try", HTTP_GET, "/try/buildid/{id}/executable", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_executable },
	{ "symbols.section_try", HTTP_GET, "/try/buildid/{id}/section/{section}", COST_COMPUTE, SHED_MIDDLE, 3600000, 0, OP_PUBLIC_CORS, symbols_section },
	{ "symbols.source_try", HTTP_GET, "/try/buildid/{id}/source/{path*}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_source },
	{ "symbols.source_try_encoded", HTTP_GET, "/try/buildid/{id}/source/{path}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_source },
	{ "symbols.stored", HTTP_GET, "/__stored__/{debug_file}/{debug_id}/{file}", COST_READ, SHED_LATE, 3600000, 0, OP_PUBLIC_CORS, symbols_stored },
	{ "symbols.upload", HTTP_POST, "/upload/", COST_WRITE, SHED_MIDDLE, 900000, UPLOAD_MAX, OP_STREAM, symbols_upload_v1 },
	{ "symbols.auth_info", HTTP_POST, "/upload/auth_info/", COST_READ, SHED_MIDDLE, 10000, 65536, 0, symbols_auth_info },
	{ "symbols.upload_v2", HTTP_POST, "/upload/v2/", COST_WRITE, SHED_MIDDLE, 60000, 2 * 1024 * 1024, 0, symbols_upload_v2 },
	{ "symbols.upload_session", HTTP_PUT, "/upload/session/{session}", COST_WRITE, SHED_LAST, 900000, UPLOAD_MAX, OP_STREAM, symbols_upload_session },
	{ "symbols.symbolicate_v5", HTTP_POST, "/symbolicate/v5", COST_COMPUTE, SHED_MIDDLE, 120000, SYMBOLICATE_MAX, OP_STREAM | OP_PUBLIC_CORS, symbols_symbolicate_v5 },
	{ "symbols.symbolicate_v4", HTTP_POST, "/symbolicate/v4", COST_COMPUTE, SHED_MIDDLE, 120000, SYMBOLICATE_MAX, OP_STREAM | OP_PUBLIC_CORS, symbols_symbolicate_v4 },
	{ "symbols.preflight_v5", HTTP_OPTIONS, "/symbolicate/v5", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE | OP_PUBLIC_CORS, symbols_symbolicate_preflight },
	{ "symbols.preflight_v4", HTTP_OPTIONS, "/symbolicate/v4", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE | OP_PUBLIC_CORS, symbols_symbolicate_preflight },
	{ "symbols.syminfo", HTTP_GET, "/api/syminfo/{name}/{id}", COST_READ, SHED_EARLY, 5000, 0, OP_PUBLIC_CORS, symbols_syminfo },
	{ "symbols.uploads", HTTP_GET, "/api/uploads/", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_uploads },
	{ "symbols.upload_show", HTTP_GET, "/api/uploads/upload/{id:digits}", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_upload_show },
	{ "symbols.upload_files", HTTP_GET, "/api/uploads/files/", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_upload_files },
	{ "symbols.upload_file_show", HTTP_GET, "/api/uploads/files/file/{id:digits}", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_upload_file_show },
	{ "symbols.auth", HTTP_GET, "/api/_auth/", COST_READ, SHED_MIDDLE, 10000, 0, 0, symbols_auth },
	{ "symbols.sign_in", HTTP_POST, "/api/_auth/", COST_SIGN, SHED_MIDDLE, 20000, API_BODY_MAX, 0, symbols_sign_in },
	{ "symbols.sign_out", HTTP_DELETE, "/api/_auth/", COST_WRITE, SHED_MIDDLE, 10000, 0, 0, symbols_sign_out },
	{ "symbols.tokens", HTTP_GET, "/api/tokens/", COST_READ, SHED_FIRST, 10000, 0, 0, symbols_tokens },
	{ "symbols.token_make", HTTP_POST, "/api/tokens/", COST_WRITE, SHED_MIDDLE, 10000, API_BODY_MAX, 0, symbols_token_make },
	{ "symbols.token_revoke", HTTP_DELETE, "/api/tokens/token/{id:digits}", COST_WRITE, SHED_MIDDLE, 10000, 0, 0, symbols_token_revoke },
	{ "symbols.token_extend", HTTP_POST, "/api/tokens/token/{id:digits}/extend", COST_WRITE, SHED_MIDDLE, 10000, API_BODY_MAX, 0, symbols_token_extend },
	{ "symbols.stats", HTTP_GET, "/api/stats/", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_stats },
	{ "symbols.stored_list", HTTP_GET, "/api/stored/", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_stored_list },
	{ "symbols.sym_upload", HTTP_POST, "/sym_upload", COST_WRITE, SHED_MIDDLE, 900000, UPLOAD_MAX, OP_STREAM, symbols_sym_upload },
	{ "symbols.sym_check", HTTP_GET, "/v1/symbols/{debug_file}/{id}", COST_READ, SHED_MIDDLE, 10000, 0, 0, symbols_sym_check },
	{ "symbols.sym_create", HTTP_POST, "/v1/uploads:create", COST_READ, SHED_MIDDLE, 10000, API_BODY_MAX, 0, symbols_sym_create },
	{ "symbols.sym_put", HTTP_PUT, "/v1/uploads/{upload}", COST_WRITE, SHED_LAST, 900000, UPLOAD_MAX, OP_STREAM, symbols_sym_put },
	{ "symbols.sym_complete", HTTP_POST, "/v1/uploads/{upload}", COST_WRITE, SHED_LAST, 600000, API_BODY_MAX, 0, symbols_sym_complete },
	{ "symbols.missing_csv", HTTP_GET, "/missingsymbols.csv", COST_READ, SHED_FIRST, 60000, 0, 0, symbols_missing_csv },
	{ "symbols.missing_list", HTTP_GET, "/missingsymbols/", COST_READ, SHED_FIRST, 30000, 0, 0, symbols_missing_list },
	{ "symbols.broken", HTTP_GET, "/__broken__", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, symbols_broken },
};

/* The log-like mix of the seed: its servers took 330 requests a second at their best. */
const struct activity symbols_activities[SYMBOLS_ACTIVITIES] = {
	{ "symbols.download_symbols", "A symbol file was asked for.", { "symbols.download", "symbols.download_try", NULL }, 0 },
	{ "symbols.upload_symbols", "An archive of symbols was sent, or files of upload v2 were agreed on.", { "symbols.upload", "symbols.upload_v2", "symbols.sym_upload", "symbols.sym_complete", NULL }, 0 },
	{ "symbols.symbolicate", "Stacks of a crash or a profile were symbolicated.", { "symbols.symbolicate_v5", "symbols.symbolicate_v4", NULL }, 0 },
	{ "symbols.debug", "A debugger asked for a build's debug information.", { "symbols.debuginfo", "symbols.debuginfo_try", NULL }, 0 },
	{ "symbols.list_missing", "Somebody looked at what is missing.", { "symbols.missing_csv", "symbols.missing_list", NULL }, 0 },
};
/* clang-format on */
