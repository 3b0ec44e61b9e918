// How much longer than a quiet machine needs a test waits before it calls something hung. What passes does not
// wait for it, so it is generous: a machine with other work to do must not make a test red.
export const PATIENCE = Number(process.env.PLIMSOLL_PATIENCE ?? 6);
