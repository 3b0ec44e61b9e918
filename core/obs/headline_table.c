/*
 * What each headline figure means. Everything that shows one reads this table.
 */
#include "core/obs/headline.h"

#include "core/base/check.h"

/* clang-format off */
const struct headline_def headline_defs[HEADLINE_COUNT] = {
	[HEADLINE_LINE_SHARE] = {
		"line_share", "Share of the load line", "share, 1 is the line", HEADLINE_SINGLE, false,
		"How much of what the fullest resource can do is in use.",
		"The largest of: for each role, the share of time its running processes were not idle (compute: that a job ran; store: waiting for the disk included), and the share of the processor cores that our processes used. It cannot say how far beyond the line the demand is: look at refused_per_second; and below 0.5 it says little of how many more users fit, because busy time grows unevenly.",
		"Above 0.7 for minutes: order what is fullest. At 1 with refusals: the line is reached." },
	[HEADLINE_ACTIVE_USERS] = {
		"active_users", "Active-user equivalent", "users", HEADLINE_SINGLE, false,
		"How many active users of the model would make what is being done now.",
		"For each service the rate of all its activities that have a model rate, over the sum of their model rates for one user; the service with the most counts. It is an equivalent, not a count of people, and moves with the time of day: the model spreads its day evenly.",
		"Compare it with the number that a load test held; plan at 1.25 times the peak of the last weeks." },
	[HEADLINE_ACTIVITIES_RATE] = {
		"activities_per_second", "Activities", "1/s", HEADLINE_BY_ACTIVITY, true,
		"Completed activities of users, by kind.",
		"Answers to the operation that completes the activity, without refusals, 4xx and 5xx. A login with a wrong password is answered well and counts.",
		"A kind that falls to nothing while others go on: that path is broken." },
	[HEADLINE_GOODPUT] = {
		"goodput_per_second", "Goodput", "1/s", HEADLINE_SINGLE, true,
		"Answers given in time.",
		"Requests to the services' operations, less refusals, 5xx and answers after the operation's deadline (to within 12 %). Health and the admin listener do not count.",
		"Falls while demand rises: that is collapse and must not happen; keep the logs and report it." },
	[HEADLINE_REFUSED] = {
		"refused_per_second", "Refused", "1/s", HEADLINE_SINGLE, true,
		"Requests refused with 503 and Retry-After because something was full.",
		"http_refused_total; why is in http_refusals_total.",
		"Steadily above 0: the line is reached; more of what is fullest, or a cheaper bcrypt_cost." },
	[HEADLINE_ERRORS] = {
		"errors_per_second", "Errors", "1/s", HEADLINE_SINGLE, true,
		"Answers with 5xx that are no refusals.",
		"http_server_errors_total: the database is away, a role died in the middle, or a defect.",
		"Above 0 for a minute: look at the warnings in the log." },
	[HEADLINE_P50] = {
		"latency_p50_seconds", "Median time", "s", HEADLINE_BY_CLASS, false,
		"Half of the answers took at most so long, by cost class.",
		"From the complete head to the end of the answer, without refusals, to within 12 %. The time before the process read the request is not in it.",
		"For comparing; alert on the p99." },
	[HEADLINE_P99] = {
		"latency_p99_seconds", "p99 time", "s", HEADLINE_BY_CLASS, false,
		"99 of 100 answers took at most so long, by cost class.",
		"As latency_p50_seconds. With fewer than some hundred requests in 10 s it is the slowest ones.",
		"Class compute above 1 s, or any other above 0.25 s, for minutes." },
	[HEADLINE_QUEUE_WAIT] = {
		"queue_wait_seconds", "Queue wait", "s", HEADLINE_SINGLE, false,
		"The longest time that new work had to expect to wait in a process.",
		"The largest expected wait that any process showed in the window's samples, one each second; shorter peaks pass unseen.",
		"Near 0.5: logins are about to be refused." },
	[HEADLINE_COMMIT_P99] = {
		"store_commit_p99_seconds", "Commit p99", "s", HEADLINE_SINGLE, false,
		"99 of 100 commits of the store took at most so long, the disk's write included.",
		"store_commit_seconds in the window; none without a commit.",
		"Above 0.1: the disk is slow or shared; see slow_statement lines." },
	[HEADLINE_MAIL_DELAY] = {
		"mail_delay_seconds", "Mail delay", "s", HEADLINE_SINGLE, false,
		"How long the oldest mail that is not yet sent has waited.",
		"By the calendar clock, from the newest look into the outbox (every 5 s); 0 when none waits. A failed mail waits no more.",
		"Above 120: people wait for their links; look at the mail server." },
	[HEADLINE_CORES_BUSY] = {
		"cores_busy", "Cores busy", "cores", HEADLINE_SINGLE, false,
		"Processor cores that our processes used.",
		"Processor time of all roles over the window. Other programs on the machine are not in it.",
		"For planning: cores per thousand active users." },
};
/* clang-format on */

const char *headline_label(enum headline_by by)
{
	static const char *const labels[] = { NULL, "activity", "class" };

	CHECK((unsigned)by < sizeof(labels) / sizeof(labels[0]));
	return labels[by];
}
