/*
 * A program of fake roles for supervisor_test: the real supervisor, boot and sandbox around roles
 * that do next to nothing. The test program itself is executed as "plimsoll". Test code only.
 */
#ifndef PLIMSOLL_ROLE_FAKE_ROLES_H
#define PLIMSOLL_ROLE_FAKE_ROLES_H

#include "core/role/role.h"

/*
 * One service "fake". Its web role answers lines on the main listener:
 *	who	"web=PID store=PID signer=PID compute=PID greeting=TEXT", the pids told by RPC
 *	slow	"done" after 800 ms and a call to the store
 * [fake] greeting is reloadable; [fake] trouble makes a role fail while it starts.
 */
extern const struct app fake_app;
extern const struct role_ops *const fake_ops[ROLE_COUNT];

#endif
