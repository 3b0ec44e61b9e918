/*
 * plimsoll-nats: the program of the roles offload and helper, executed by the supervisor. It is a
 * program of its own because libnats runs threads and speaks to another machine, which no process
 * with clients or files should.
 */
#include <string.h>
#include <unistd.h>

#include "core/offload/nats/nats_check.h"
#include "core/offload/nats/nats_roles.h"
#include "services/table.h"

int main(int argc, char **argv)
{
	const struct app app = { service_table, service_table_count, PLIMSOLL_VERSION };
	const struct role_ops *const ops[ROLE_COUNT] = {
		[ROLE_OFFLOAD] = &offload_role_ops, [ROLE_HELPER] = &helper_role_ops
	};

	if (argc == 2 && strcmp(argv[1], "--check") == 0) {
		return nats_check(&app);
	}
	/*
	 * Not by exit(): a thread that is connecting may be inside of OpenSSL, whose tables exit()
	 * takes away. Everything was written by then.
	 */
	_exit(role_main(&app, ops, argc, argv));
}
