-- People who sign in to sites with their e-mail address: the BrowserID service.
--
--   plimsoll model rates models/persona.lua --users 1M
--   plimsoll model rates models/persona.lua --users 1M --preset seed-001
--   plimsoll load models/persona.lua --users 10k http://127.0.0.1:8000
--
-- The server needs the accounts (plimsoll user create-many 0 10000) and [identity] test_doors = yes,
-- by which the lab reads the link of a mail. How this file is read: doc/MODELS.md.

local PASSWORD = "THE PASSWORD"
local KEYS = 5 -- shared by all users, since making one takes longer than hundreds of assertions

-- ---- what a browser and a site do ----------------------------------------------------------------

local function context(browser)
	browser.csrf = browser:get("/wsapi/session_context"):json().csrf_token
end

-- A call of a page: JSON with the session's csrf token, which a browser asks for when it has none.
local function call(browser, name, fields)
	if not browser.csrf then
		context(browser)
	end
	fields.csrf = browser.csrf
	local answer = browser:post("/wsapi/" .. name, fields)
	if name ~= "cert_key" then
		check(answer:json().success == true, name .. " did not succeed: " .. answer.body)
	end
	return answer
end

local function email_of(user)
	return user.email or user.n .. "@loadtest.domain"
end

local function key_of(user)
	return 1 + user.n % KEYS
end

-- browser.certificate: nil, nobody is signed in there; false, somebody is, and has none yet.
-- user.passwords counts changes of the password, of which each ends all sessions: browser.password says with which one
-- somebody signed in there, as it was when signing in began; false, the service has asked for it again.
local function sign_in_here(browser, user)
	local password = user.passwords
	context(browser)
	call(browser, "authenticate_user", { email = email_of(user), pass = PASSWORD, ephemeral = false })
	browser.certificate = browser.certificate or false
	browser.password = password
end

local function is_signed_in(browser, user)
	return browser.certificate ~= nil and browser.password == user.passwords
end

local function certify(browser, user, email)
	local key = browserid.public_key(key_of(user))
	return call(browser, "cert_key", { email = email, pubkey = key, ephemeral = false }).body
end

-- A device keeps of its certificate what is not the same for everybody, so that a million fit.
local function keep(browser, user, certificate)
	browser.certificate = browserid.keep(certificate, key_of(user), email_of(user))
end

-- The site asks the service whether the assertion is good. It is another client, with a context of
-- its own each time.
local asked_for -- the address of the last assertion
local function site_verifies(user, certificate, email)
	local site = browser()
	local origin = "http://site" .. user:pick(4) .. ".example"
	context(site)
	local assertion = browserid.assertion(key_of(user), origin, 120, certificate)
	asked_for = email
	local answer = site:post("/verify", { audience = origin, assertion = assertion, csrf = site.csrf })
	local verdict = answer:json()
	check(verdict.status == "okay", "verify: " .. answer.body)
	check(verdict.email == email, "verify: the address of somebody else")
end

-- A browser of the user: one of two devices, with its cookies and its certificate.
local function device(user, number)
	return user:browser(number or user:pick(2))
end

local function need_certificate(browser, user)
	if not browser.certificate then
		keep(browser, user, certify(browser, user, email_of(user)))
	end
end

local function make_ready(browser, user)
	if not is_signed_in(browser, user) then
		sign_in_here(browser, user)
	end
	need_certificate(browser, user)
end

-- With a certificate for an address, or that of the device.
local function list_and_verify(browser, user, certificate, email)
	certificate = certificate or browserid.kept(browser.certificate, key_of(user), email_of(user))
	local emails = browser:get("/wsapi/list_emails"):json().emails
	check(#emails > 0, "list_emails: no address")
	site_verifies(user, certificate, email or email_of(user))
end

-- The token of the mail to an address: what a person clicks on.
local function mailed_token(browser, email)
	local answer = browser:get("/wsapi/fake_verification?email=" .. url_encode(email))
	check(#answer.body == 48, "fake_verification: no token: " .. answer.body)
	return answer.body
end

-- Signing up, and resetting a password the way the original's load generator does it. completing() is called before
-- and after the moment at which the password counts: whether an answer that is lost was too late, nobody knows.
local function through_the_mail(browser, user, email, completing)
	browser:forget()
	browser.csrf, browser.certificate = nil, nil
	call(browser, "stage_user", { email = email, pass = PASSWORD, site = "http://site1.example" })
	local token = mailed_token(browser, email)
	completing()
	call(browser, "complete_user_creation", { token = token })
	completing()
	call(browser, "authenticate_user", { email = email, pass = PASSWORD, ephemeral = false })
	local certificate = certify(browser, user, email)
	list_and_verify(browser, user, certificate, email)
	return certificate
end

model {
	name = "persona",
	about = "people who sign in to sites with their e-mail address",
	keys = KEYS,
	connection = "activity",
	resume = 0.9, -- a device comes every half hour or so, and tickets are good for two hours
	-- What a server would say, for logs without one.
	pretend = function(method, path, body, step)
		local answers = {
			session_context = '{"csrf_token":"c"}',
			list_emails = '{"emails":["a"]}',
			fake_verification = ("t"):rep(48),
			email_addition_status = '{"status":"complete"}',
		}
		if step == "verify" then -- an address is not in the assertion that is only pretended
			return 200, { status = "okay", email = asked_for }
		end
		return 200, answers[step] or '{"success":true}'
	end,
	-- A user who was here before the run began: both devices signed in, with a certificate.
	warm = function(user)
		for number = 1, 2 do
			make_ready(device(user, number), user)
		end
	end,
}

-- ---- who they are --------------------------------------------------------------------------------

assume("devices", 2, "A user has two devices.")
assume("sites", 4, "A user has an account at four sites that use the service.")
assume("visits_per_day", 40, "A user visits these sites 40 times a day, spread evenly over sites and devices.")
assume("cookie_hours", 6, "A site remembers a user for six hours from the login, then asks again.")
assume("growth", 0.20, "A fifth more users every month of 28 days.")
assume("password_days", 7, "The service asks for the password once a week on each device.")
assume("forget_days", 28, "A user forgets the password every four weeks (from the load generator, not the page).")
assume("new_address_days", 14, "A user adds an address every two weeks (from the load generator, not the page).")

derive("site_devices", "sites * devices", "A site remembers a browser, not a person: each pair logs in by itself.")
derive("visits_each", "visits_per_day / site_devices", "Visits a day of one pair of site and device.")
derive("login_period", "cookie_hours / 24 + 1 / visits_each",
	"Days from one login of a pair to the next: the cookie's life, then on average the wait for the next visit, visits being random.")

-- ---- what they do --------------------------------------------------------------------------------
-- Each of the first five ends in a sign-in to a site. A visit that needs nothing only loads include.js.

activity {
	name = "signup",
	per_day = "growth / 28",
	why = "New users: a fifth of those who are there, in 28 days.",
	does = function(user)
		through_the_mail(browser(), user, random_text(16) .. "@loadtest.domain", function() end)
	end,
}

activity {
	name = "reset_pass",
	per_day = "1 / forget_days",
	why = "The password was forgotten: a mail, a new password, all devices sign in again.",
	does = function(user)
		local browser, other = device(user, 1), device(user, 2)
		other:forget()
		other.csrf, other.certificate = nil, nil
		local function completing()
			user.passwords = (user.passwords or 0) + 1
		end
		keep(browser, user, through_the_mail(browser, user, email_of(user), completing))
		browser.password = user.passwords
	end,
}

activity {
	name = "add_email",
	per_day = "1 / new_address_days",
	why = "One more address, confirmed by a mail.",
	does = function(user)
		local browser = device(user)
		if not is_signed_in(browser, user) then
			sign_in_here(browser, user)
		end
		local email = random_text(16) .. "@loadtest.domain"
		call(browser, "stage_email", { email = email, site = "http://site1.example" })
		call(browser, "complete_email_confirmation", { token = mailed_token(browser, email) })
		local answer = browser:get("/wsapi/email_addition_status?email=" .. url_encode(email))
		check(answer:json().status == "complete", "email_addition_status: " .. answer.body)
		list_and_verify(browser, user, certify(browser, user, email), email)
	end,
}

activity {
	name = "reauth",
	per_day = "devices / password_days",
	why = "The service asks for the password again, each device by itself.",
	does = function(user)
		local browser = device(user)
		browser:forget()
		browser.csrf, browser.password = nil, false
		sign_in_here(browser, user)
		need_certificate(browser, user)
		list_and_verify(browser, user)
	end,
}

activity {
	name = "signin",
	per_day = "site_devices / login_period",
	why = "The site's cookie has ended: the dialog, an assertion, the site verifies it.",
	does = function(user)
		local browser = device(user)
		make_ready(browser, user)
		list_and_verify(browser, user)
	end,
}

activity {
	name = "include_only",
	per_day = "visits_per_day - site_devices / login_period",
	why = "The visits that need no login: the page loads include.js.",
	does = function(user)
		browser():get("/include.js")
	end,
}

-- ---- figures that were published -------------------------------------------------------------------

preset {
	name = "seed-001",
	about = "the page \"Scaling to 1M\" of BrowserID, 2011, and its load generator",
	visits = "visits_per_day",
	weights = {
		signup = "1/(40*28*0.2)",
		reset_pass = "1/(40*28)",
		add_email = "1/(40*14)",
		reauth = "1/(40*7)",
		signin = "8/40",
		include_only = "31/40",
	},
	published = { signup = 2.10, reset_pass = 0.42, add_email = 0.84, reauth = 1.68, signin = 93.93 },
	claims = {
		{ "sign-ups a second", says = 2.10, follows = "growth * 1000000 / (28 * 86400)",
			why = "The formula of the load generator divides by the growth, where it has to multiply." },
		{ "re-authentications a second", says = 1.68, follows = "devices / password_days * 1000000 / 86400",
			why = "\"Once a week per device\" with two devices; the generator has once a week per user." },
		{ "sign-ins a second", says = 93.93, follows = "site_devices / login_period * 1000000 / 86400",
			why = "Eight a day is one site on two devices, four windows of six hours each; there are four sites." },
		{ "sum of the weights", says = 1, follows = "preset.weights", within = 0.001,
			why = "They are made to sum to 1, which raises every rate by 1.45 %: include_only was rounded down." },
		{ "password resets a second", says = 0.42, follows = "1 / forget_days * 1000000 / 86400",
			why = "Agrees, but with an assumption that only the load generator states." },
		{ "added addresses a second", says = 0.84, follows = "1 / new_address_days * 1000000 / 86400",
			why = "Agrees, but with an assumption that only the load generator states." },
		{ "cores for the calls, 10 rounds of bcrypt", says = 0.7,
			follows = "(preset.signup + preset.reset_pass + preset.reauth) * 0.170",
			why = "Passwords alone, 170 ms each. The generator of the time had no sign-ins: \"33 queries a second\" and this hold for sign-ups, re-authentications and added addresses only." },
		{ "cores for the calls, 12 rounds", says = 2.1, follows = "0.1 * 0.7 + 0.9 * 0.7 * 760 / 170",
			why = "760 ms for 170 ms in the nine tenths that are bcrypt. The page itself says that two cores cannot quite do it." },
		{ "cores at 20 % use, 10 rounds", says = 3, follows = "0.7 / 0.20", why = "" },
		{ "cores at 20 % use, 12 rounds", says = 12, follows = "(0.1 * 0.7 + 0.9 * 0.7 * 760 / 170) / 0.20", why = "" },
		{ "mean delay of a login on two processors, ms", says = 360,
			follows = "170 * (1 + ((preset.signup + preset.reset_pass + preset.reauth) * 0.170 / 2)^2 / (1 - ((preset.signup + preset.reset_pass + preset.reauth) * 0.170 / 2)^2) / 2)",
			why = "Two servers of fixed time, random arrivals. The generator started all of a second in one burst; most of the delay is its own." },
		{ "cores for verification", says = 4.5,
			follows = "(preset.signup + preset.reset_pass + preset.add_email + preset.reauth + preset.signin) * 0.045", why = "" },
		{ "cores for verification at 20 % use", says = 22,
			follows = "(preset.signup + preset.reset_pass + preset.add_email + preset.reauth + preset.signin) * 0.045 / 0.20", why = "" },
		{ "static megabytes a second", says = 30, follows = "0.004 * 450 * 10 + 0.1 * 100 + 0.1 * 4 + 0.05 * 0.1 * 100",
			why = "include.js to ten times the users, the dialog, the pages." },
		{ "mails a second", says = 4, follows = "preset.signup + preset.reset_pass + preset.add_email", within = 0.2,
			why = "\"About 4\"." },
	},
}
