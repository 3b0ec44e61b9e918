/*
 * The commands that another program does.
 */
#ifndef PLIMSOLL_CMD_CMD_LAB_H
#define PLIMSOLL_CMD_CMD_LAB_H

/* Executes plimsoll-lab with the words of this program; returns, with an exit code, only if it
 * cannot. */
int cmd_lab(char **argv);

#endif
