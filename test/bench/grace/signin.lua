-- Passwords, and little else: what the goodput curve of the identity service is made with. Peers answer the
-- same paths (peer.mjs), so that one model is the load of all of them.

local PASSWORD = "THE PASSWORD"
local ACCOUNTS = 2000 -- of plimsoll user create-many 0 2000

local function context(browser)
	return browser:get("/wsapi/session_context"):json().csrf_token
end

local function signed_in(answer)
	check(answer:json().success == true, "not signed in: " .. answer.body)
end

model {
	name = "signin",
	about = "people who type their password",
	connection = "activity",
}

activity {
	name = "signin",
	per_day = 86.4, -- a thousand users are one a second
	why = "A device that has forgotten who it is: a page, the password, the addresses.",
	admits = "authenticate_user",
	does = function(user)
		local browser = browser()
		local csrf = context(browser)
		signed_in(browser:post("/wsapi/authenticate_user", {
			email = (user.n % ACCOUNTS) .. "@loadtest.domain", pass = PASSWORD, ephemeral = false, csrf = csrf,
		}))
		local emails = browser:get("/wsapi/list_emails"):json().emails
		check(#emails > 0, "no address")
	end,
}
