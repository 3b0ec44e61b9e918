/*
 * Configuration keys of [symbols]; listen is the runtime's.
 */
#include "services/symbols/symbols_priv.h"

/* clang-format off */
const struct conf_key symbols_conf_keys[SYMBOLS_CONF_KEYS] = {
	{ .section = "symbols", .name = "public_url", .type = CONF_URL, .def = "http://127.0.0.1:8002",
	  .help = "Address under which clients reach the symbol server." },
	{ .section = "symbols", .name = "downloads", .type = CONF_ENUM, .choices = "direct|redirect", .def = "direct", .reloadable = true,
	  .help = "Whether a download is answered with the file, or sent on (302) to where the file is, as Tecken does." },
	{ .section = "symbols", .name = "suffixes", .type = CONF_STRING, .max = 1000, .list = true, .reloadable = true,
	  .def = ".sym,.dl_,.ex_,.pd_,.dbg.gz,.tar.bz2",
	  .help = "Files that are symbols, by the end of their names; with commas. Of others only the module itself (MODULE/ID/MODULE) may be downloaded, and what debuggers ask for by build id." },
	{ .section = "symbols", .name = "compress", .type = CONF_STRING, .max = 1000, .list = true, .reloadable = true, .def = ".sym",
	  .help = "Files that are stored in gzip form, by the end of their names; with commas." },
	{ .section = "symbols", .name = "forbidden", .type = CONF_STRING, .max = 1000, .list = true, .reloadable = true, .def = "qcom/proprietary",
	  .help = "An archive with one of these texts in a member's name is refused; with commas." },
	{ .section = "symbols", .name = "count_missing", .type = CONF_BOOL, .def = "yes", .reloadable = true,
	  .help = "Whether it is counted which symbols were asked for in vain." },
	{ .section = "symbols", .name = "max_upload", .type = CONF_SIZE, .unit = "bytes", .min = 1048576, .max = INT64_C(4000) << 20, .def = "2G", .reloadable = true,
	  .help = "How large the body of an upload may be." },
	{ .section = "symbols", .name = "max_unpacked", .type = CONF_SIZE, .unit = "bytes", .min = 1048576, .max = INT64_C(1) << 44, .def = "32G", .reloadable = true,
	  .help = "How large the members of an archive may be together, unpacked." },
	{ .section = "symbols", .name = "max_members", .type = CONF_INT, .unit = "files", .min = 1, .max = 20000, .def = "5000", .reloadable = true,
	  .help = "How many members an archive may have." },
	{ .section = "symbols", .name = "upload_domains", .type = CONF_STRING, .max = 2000, .list = true, .reloadable = true,
	  .help = "Hosts from which an upload by URL is fetched (POST /upload/ with url=https://...), with commas; none without one. Redirects may only lead to these, too." },
	{ .section = "symbols", .name = "upload_insecure", .type = CONF_BOOL, .def = "no", .reloadable = true,
	  .help = "For development: uploads by URL may also come over http and from addresses that are not of the public internet." },
	/* Other servers. */
	{ .section = "symbols", .name = "upstream", .type = CONF_STRING, .max = 4000, .list = true,
	  .help = "Servers that are asked for what is not here, in this order: breakpad URL (also Tecken), symsrv URL, debuginfod URL; with commas. What they have is kept here." },
	{ .section = "symbols", .name = "upstream_private", .type = CONF_BOOL, .def = "no",
	  .help = "Whether upstream servers, and where they send on to, may have addresses that are not of the public internet." },
	{ .section = "symbols", .name = "upstream_max", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = INT64_C(1) << 40, .def = "4G", .reloadable = true,
	  .help = "How large a file may be that is fetched from an upstream server, packed and unpacked." },
	{ .section = "symbols", .name = "upstream_cache", .type = CONF_SIZE, .unit = "bytes", .min = 1048576, .max = INT64_C(1) << 50, .def = "64G", .reloadable = true,
	  .help = "How much disk the files of upstream servers may take together. Beyond it those go that nobody has asked for in the longest time. One of more than a quarter of it is not fetched." },
	{ .section = "symbols", .name = "upstream_parallel", .type = CONF_INT, .unit = "files", .min = 1, .max = 256, .def = "16",
	  .help = "How many files are fetched from upstream servers at a time; others wait for their turn." },
	{ .section = "symbols", .name = "upstream_timeout", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 840000, .def = "10m",
	  .help = "How long fetching one file from one upstream server may take." },
	{ .section = "symbols", .name = "upstream_wait", .type = CONF_DURATION, .unit = "ms", .max = 600000, .def = "30s", .reloadable = true,
	  .help = "How long a request waits for a file that is being fetched; then it is told to ask again (503 with Retry-After), and the fetch goes on." },
	{ .section = "symbols", .name = "upstream_miss", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 7 * 86400000, .def = "10m", .reloadable = true,
	  .help = "For how long at most the upstream servers are not asked again for what none of them had." },
	/* Symbolication. */
	{ .section = "symbols", .name = "index_cache", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = INT64_C(1) << 50, .def = "8G", .reloadable = true,
	  .help = "How much disk the indexes of symbols may take, about a fifth of what the text of symbols takes, and sections of ELF files that were asked for. Beyond it those go that nobody has used for longest; they are built again when they are wanted." },
	{ .section = "symbols", .name = "max_sym", .type = CONF_SIZE, .unit = "bytes", .min = 1048576, .max = INT64_C(1) << 36, .def = "4G", .reloadable = true,
	  .help = "How large the text of a symbol file may be to be used for symbolication; larger ones are only served." },
	{ .section = "symbols", .name = "symbolicate_max_body", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = 67108864, .def = "16M", .reloadable = true,
	  .help = "How large a request for symbolication may be." },
	{ .section = "symbols", .name = "symbolicate_max_frames", .type = CONF_INT, .unit = "frames", .min = 1000, .max = 10000000, .def = "200000", .reloadable = true,
	  .help = "How many frames a request for symbolication may have, and how many stacks." },
	{ .section = "symbols", .name = "symbolicate_memory", .type = CONF_SIZE, .unit = "bytes", .min = 8388608, .max = INT64_C(1) << 40, .def = "256M", .reloadable = true,
	  .help = "Memory of a web process for requests for symbolication and their answers; beyond it they are told to come later." },
};
/* clang-format on */

struct symbols_settings symbols_settings_of(const struct conf *conf)
{
	const char *downloads = conf_str(conf, "symbols", "downloads");

	return (struct symbols_settings){
		.suffixes = slice_str(conf_str(conf, "symbols", "suffixes")),
		.compress = slice_str(conf_str(conf, "symbols", "compress")),
		.forbidden = slice_str(conf_str(conf, "symbols", "forbidden")),
		.redirects = slice_eq(slice_str(downloads), SLICE("redirect")),
		.counts_missing = conf_bool(conf, "symbols", "count_missing"),
		.max_upload = conf_int(conf, "symbols", "max_upload"),
		.max_unpacked = conf_int(conf, "symbols", "max_unpacked"),
		.max_members = conf_int(conf, "symbols", "max_members"),
		.max_sym = conf_int(conf, "symbols", "max_sym"),
		.index_cache = conf_int(conf, "symbols", "index_cache"),
		.max_symbolicate = conf_int(conf, "symbols", "symbolicate_max_body"),
		.max_frames = conf_int(conf, "symbols", "symbolicate_max_frames"),
		.symbolicate_memory = conf_int(conf, "symbols", "symbolicate_memory"),
		.upstream_wait_ms = conf_ms(conf, "symbols", "upstream_wait"),
		.upstream_miss_ms = conf_ms(conf, "symbols", "upstream_miss"),
		.upstream_max = conf_int(conf, "symbols", "upstream_max"),
		.upstream_cache = conf_int(conf, "symbols", "upstream_cache"),
		.upload_domains = slice_str(conf_str(conf, "symbols", "upload_domains")),
		.upload_insecure = conf_bool(conf, "symbols", "upload_insecure"),
	};
}

enum err symbols_conf_check(const struct conf *conf, struct err_note *note)
{
	struct upstream_servers servers;
	struct public_url url;
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "symbols", "public_url")), &url, note);

	return e != ERR_OK
		   ? e
		   : upstream_servers_parse(
			 slice_str(conf_str(conf, "symbols", "upstream")), &url, &servers, note);
}
