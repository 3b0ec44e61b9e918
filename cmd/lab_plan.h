/*
 * plimsoll plan: what machines so many users need, when, and what is full first.
 */
#ifndef PLIMSOLL_CMD_LAB_PLAN_H
#define PLIMSOLL_CMD_LAB_PLAN_H

/* The words behind "plan". An exit code. */
int lab_plan_main(int argc, char **argv);

#endif
