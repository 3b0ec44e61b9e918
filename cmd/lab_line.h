/*
 * plimsoll line.
 */
#ifndef PLIMSOLL_CMD_LAB_LINE_H
#define PLIMSOLL_CMD_LAB_LINE_H

/* The words behind "line"; returns an exit code. */
int lab_line_main(int argc, char **argv);

#endif
