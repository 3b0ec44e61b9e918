/*
 * English.
 */
#include "services/identity/mail_texts.h"

const struct mail_texts mail_texts_en = {
	.kinds = {
		[MAIL_NEW] = {
			.subject = "{site}: Complete sign-in",
			.request = "Somebody, probably you, wants to sign in to {site} with this "
				   "address.",
			.action = "Confirm my address",
		},
		[MAIL_CONFIRM] = {
			.subject = "{site}: Complete sign-in",
			.request = "Somebody, probably you, wants to sign in to {site} with this "
				   "address.",
			.action = "Confirm my address",
		},
		[MAIL_RESET] = {
			.subject = "{site}: Complete password reset",
			.request = "Somebody, probably you, has forgotten the password with which "
				   "this address signs in to {site}.",
			.action = "Choose a new password",
		},
		[MAIL_INVITE] = {
			.subject = "{site}: Invitation",
			.request = "You are invited to make an account at {site}.",
			.action = "Make my account",
		},
		[MAIL_TRANSITION] = {
			.subject = "{site}: Complete sign-in",
			.request = "Somebody, probably you, wants to sign in to {site} with this "
				   "address. Your mail provider used to confirm it and has trouble "
				   "doing so, so please do it yourself.",
			.action = "Confirm my address",
		},
		[MAIL_TEST] = {
			.subject = "{site}: Test of mail",
			.request = "The operator of {site} has sent this mail to see whether mail "
				   "arrives. It does.",
			.action = "Open {site}",
		},
	},
	.ignore = "If that was not you, ignore this mail: nothing will happen without the link.",
	.expires = "The link works once, for {time}.",
	.by_hand = "If the button does not work, open this address:",
	.minutes = { "1 minute", "{n} minutes" },
	.hours = { "1 hour", "{n} hours" },
	.days = { "1 day", "{n} days" },
};
