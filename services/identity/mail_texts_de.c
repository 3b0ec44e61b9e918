/*
 * German.
 */
#include "services/identity/mail_texts.h"

const struct mail_texts mail_texts_de = {
	.kinds = {
		[MAIL_NEW] = {
			.subject = "{site}: Anmeldung abschließen",
			.request = "Jemand, vermutlich Sie, möchte sich mit dieser Adresse bei "
				   "{site} anmelden.",
			.action = "Adresse bestätigen",
		},
		[MAIL_CONFIRM] = {
			.subject = "{site}: Anmeldung abschließen",
			.request = "Jemand, vermutlich Sie, möchte sich mit dieser Adresse bei "
				   "{site} anmelden.",
			.action = "Adresse bestätigen",
		},
		[MAIL_RESET] = {
			.subject = "{site}: Neues Passwort wählen",
			.request = "Jemand, vermutlich Sie, hat das Passwort vergessen, mit dem "
				   "sich diese Adresse bei {site} anmeldet.",
			.action = "Neues Passwort wählen",
		},
		[MAIL_INVITE] = {
			.subject = "{site}: Einladung",
			.request = "Sie sind eingeladen, bei {site} ein Konto anzulegen.",
			.action = "Konto anlegen",
		},
		[MAIL_TRANSITION] = {
			.subject = "{site}: Anmeldung abschließen",
			.request = "Jemand, vermutlich Sie, möchte sich mit dieser Adresse bei "
				   "{site} anmelden. Bisher hat Ihr Mailanbieter sie bestätigt und "
				   "kann das zurzeit nicht; bitte bestätigen Sie sie selbst.",
			.action = "Adresse bestätigen",
		},
		[MAIL_TEST] = {
			.subject = "{site}: Testmail",
			.request = "Wer {site} betreibt, hat diese Mail geschickt, um zu sehen, ob "
				   "Mails ankommen. Diese ist angekommen.",
			.action = "{site} öffnen",
		},
	},
	.ignore = "Wenn Sie das nicht waren, brauchen Sie nichts zu tun: Ohne den Link geschieht nichts.",
	.expires = "Der Link gilt {time} und nur einmal.",
	.by_hand = "Falls der Knopf nicht funktioniert, öffnen Sie diese Adresse:",
	.minutes = { "1 Minute", "{n} Minuten" },
	.hours = { "1 Stunde", "{n} Stunden" },
	.days = { "1 Tag", "{n} Tage" },
};
