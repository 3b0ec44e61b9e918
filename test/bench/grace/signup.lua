-- Sign-ups: two passwords to hash, with a mail between. What is admitted and not finished has cost as much as
-- what is; load-and-overload.md 4.2, fact 3.

local PASSWORD = "THE PASSWORD"

local function call(browser, name, fields)
	fields.csrf = browser.csrf
	local answer = browser:post("/wsapi/" .. name, fields)
	check(answer:json().success == true, name .. ": " .. answer.body)
end

model {
	name = "signup",
	about = "people who make an account",
	connection = "activity",
}

activity {
	name = "signup",
	per_day = 86.4,
	why = "A page, the address and a password, the link of the mail, and signed in.",
	admits = "stage_user",
	does = function(user)
		local browser = browser()
		local email = random_text(16) .. "@loadtest.domain"
		browser.csrf = browser:get("/wsapi/session_context"):json().csrf_token
		call(browser, "stage_user", { email = email, pass = PASSWORD, site = "http://site1.example" })
		local token = browser:get("/wsapi/fake_verification?email=" .. url_encode(email)).body
		check(#token > 0, "no token")
		call(browser, "complete_user_creation", { token = token })
		call(browser, "authenticate_user", { email = email, pass = PASSWORD, ephemeral = false })
	end,
}
