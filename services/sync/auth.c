/*
 * See auth.h. Until tokens are there, nobody comes in.
 */
#include "services/sync/auth.h"

enum err sync_authenticate(struct op_call *c, struct sync_user *ret)
{
	(void)ret;
	return err_note_set(&c->note, ERR_UNAUTHENTICATED, "there are no tokens yet");
}
