-- A page with its style, script and picture: the place to start from for a model of one's own.
--
--   plimsoll model rates models/web.lua --users 10k
--   plimsoll load models/web.lua --users 10k http://127.0.0.1:8080
--
-- Change the numbers to what your users do and the paths to those of your site. doc/MODELS.md has
-- everything that may stand here.

model {
	name = "web",
	about = "people who read pages",
}

assume("visits_per_day", 3, "A reader comes three times a day. Your access log knows better.")
assume("pages_per_visit", 4, "Pages of one visit.")
assume("returning", 0.7, "This share has style and script in the cache from an earlier visit.")

derive("pages_per_day", "visits_per_day * pages_per_visit", "Pages that a reader sees in a day.")

-- What a page brings along; a cache leaves it out.
local assets = { "/style.css", "/script.js", "/logo.png" }

activity {
	name = "first_visit",
	per_day = "visits_per_day * (1 - returning)",
	why = "Nothing is in the cache.",
	does = function(user)
		local browser = user:browser(1)
		browser:get("/")
		for _, path in ipairs(assets) do
			browser:get(path)
		end
	end,
}

activity {
	name = "return_visit",
	per_day = "visits_per_day * returning",
	why = "Style and script are in the cache.",
	does = function(user)
		local browser = user:browser(1)
		local answer = browser:get("/")
		check(#answer.body > 0, "the page is empty")
	end,
}

activity {
	name = "read_on",
	per_day = "pages_per_day - visits_per_day",
	why = "The further pages of a visit.",
	does = function(user)
		user:browser(1):get("/", { step = "page" })
	end,
}
