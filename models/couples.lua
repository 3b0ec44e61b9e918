-- Two people who share an app: messages, hugs, photos, lists, a calendar, over a socket and REST.
--
--   plimsoll model rates models/couples.lua --users 1M
--   plimsoll model rates models/couples.lua --users 1M --preset seed-003
--   plimsoll load models/couples.lua --users 10k --warm 1000 http://127.0.0.1:8003
--
-- Users 2n and 2n + 1 are a couple. The server needs the accounts N@loadtest.domain, paired, with the
-- password below. How this file is read: doc/MODELS.md.

local PASSWORD = "THE PASSWORD"
local API = "/api/v1"
local NOISE = random_text(4096)
local JPEG = "\255\216\255\224\0\16JFIF\0" .. NOISE:rep(16) -- stands for a photo; real ones are 2 to 4 MB

-- ---- what a device does ------------------------------------------------------------------------------

-- Networks: most become a websocket, some begin as one, some never get one.
local function transport()
	local draw = math.random(100)
	return draw <= 70 and "upgrade" or draw <= 85 and "websocket" or "polling"
end

local function log_in(device, user)
	user.email = user.email or user.n .. "@loadtest.domain"
	local answer = device:post(API .. "/login", { email = user.email, password = PASSWORD })
	device.token = answer:json().token
	check(device.token ~= nil, "login: no token")
end

local function device_of(user)
	local device = user:browser(1)
	if not device.token then
		log_in(device, user)
	end
	return device
end

local function options(device, step, expect)
	return { headers = { Authorization = "Bearer " .. device.token }, step = step, expect = expect }
end

-- The app comes to the front: a socket, hello, what was missed.
local function open(device)
	local socket = device:socket { transport = transport(), auth = { token = device.token, after = device.seq } }
	local hello = socket:wait("hello")
	local path = API .. "/activities?limit=200&after=" .. (device.seq or 0)
	local missed = device:get(path, options(device, "activities")):json()
	device.seq = math.max(device.seq or 0, hello.head or 0, missed.head or 0)
	return socket
end

-- What came from the other one: kept in order, marked as read.
local function listen(device, socket)
	local last = device.seq
	for _, event in ipairs(socket:events()) do
		local seq = event[2] and event[2].seq
		if seq then
			device.seq = math.max(device.seq, seq)
		end
	end
	if device.seq > last then
		socket:emit("read", { up_to = device.seq })
	end
end

local function acknowledged(device, answer, what)
	check(answer.ok == true, what .. " was not taken")
	if answer.seq then
		device.seq = math.max(device.seq, answer.seq)
	end
end

-- How many of a mean that is no whole number.
local function about(mean)
	local whole = math.floor(mean)
	return whole + (math.random() < mean - whole and 1 or 0)
end

local function say(device, socket)
	socket:emit("typing")
	think(5, "random")
	local bytes = math.min(400, math.max(20, math.floor(45 * math.random() ^ -0.5)))
	acknowledged(device, socket:call("message", { text = NOISE:sub(1, bytes), client_id = random_text(16) }), "the message")
end

model {
	name = "couples",
	about = "two people who share an app",
	retry = "retry-after",
	resume = 0.8, -- eight sessions a day: within two hours of the last one, but for the night
	-- A user who was here before: signed in.
	warm = function(user)
		device_of(user)
	end,
}

-- ---- who they are ------------------------------------------------------------------------------------
-- Nobody has published such figures; these are assumed. A user is one of two.

assume("sessions", 8, "Somebody opens the app eight times a day,")
assume("session_minutes", 3, "for three minutes.")
assume("messages", 20, "Messages of one a day, in bursts, alternating; half of them are 45 bytes or less.")
assume("hugs", 2, "Hugs and kisses of one a day; half of them are answered within a minute.")
assume("list_edits", 3, "Changes of lists of one a day.")
assume("reads", 10, "Marks of what was read, of one a day.")
assume("typings", 30, "Signals of typing of one a day.")
assume("photos", 0.75, "Photos of one a day.")
assume("calendar_edits", 0.15, "Changes of the calendar of one a day.")
assume("growth", 0.20, "A fifth more users every month of 28 days.")

derive("connected_minutes", "sessions * session_minutes", "Of a day; a user is connected no longer.")
derive("messages_each", "messages / sessions", "Messages of a session.")
derive("connected_share", "connected_minutes / 1440", "Of all users, those who are connected.")

activity {
	name = "session",
	per_day = "sessions",
	why = "The app is opened, read and written in, and closed. Messages, hugs and edits of lists go over its socket.",
	does = function(user)
		local device = device_of(user)
		local socket = open(device)
		local pause = 60 * 3 / 6
		think(pause, "random")
		for _ = 1, about(20 / 8) do
			say(device, socket)
			listen(device, socket)
			think(pause, "random")
		end
		for _ = 1, about(2 / 8) do
			acknowledged(device, socket:call("hug", { client_id = random_text(16) }), "the hug")
			think(pause / 2, "random")
		end
		for _ = 1, about(3 / 8) do
			local edit = { list = 1, op = "add", text = NOISE:sub(1, 20), client_id = random_text(16) }
			acknowledged(device, socket:call("list.edit", edit), "the edit")
			think(pause / 2, "random")
		end
		listen(device, socket)
		socket:emit("away")
		socket:close()
	end,
}

activity {
	name = "photo",
	per_day = "photos",
	why = "A photo: uploaded, then shown.",
	does = function(user)
		local device = device_of(user)
		local o = options(device, "media", 202)
		o.headers["Content-Type"] = "image/jpeg"
		local id = device:post(API .. "/media", JPEG, o):json().media_id
		device:get(API .. "/media/" .. id, options(device, "media_get", "any"))
	end,
}

activity {
	name = "calendar",
	per_day = "calendar_edits",
	why = "An entry in the calendar.",
	does = function(user)
		local device = device_of(user)
		local start = math.floor(now_ms() / 1000) + 86400
		local event = { title = "dinner", start = start, ["end"] = start + 7200 }
		device:post(API .. "/calendar", event, options(device, "calendar", 201))
	end,
}

activity {
	name = "look",
	per_day = "sessions * 0.05",
	why = "Somebody pages back in what was written: one session in twenty.",
	does = function(user)
		local device = device_of(user)
		local path = API .. "/activities?limit=200&before=" .. (device.seq or 1000000)
		device:get(path, options(device, "activities_back"))
	end,
}

activity {
	name = "signup",
	per_day = "growth / 28",
	why = "New users: an account, in six of ten a picture, the mail's link, a first session.",
	does = function(user)
		local device = browser()
		local email = random_text(16) .. "@loadtest.domain"
		device:post(API .. "/signup", { email = email, password = PASSWORD, first_name = "A", client_id = random_text(16) },
			{ step = "signup", expect = 202 })
		if math.random(100) <= 60 then
			device:put(API .. "/signup/avatar", JPEG, { step = "avatar", expect = 202, headers = { ["Content-Type"] = "image/jpeg" } })
		end
		if math.random(100) <= 70 then
			think(2, "random")
			local mail = device:get("/test/mail?email=" .. url_encode(email), { step = "mail" })
			device.token = device:post(API .. "/verify", { token = mail.body }, { step = "verify" }):json().token
			device:get(API .. "/me", options(device, "me"))
		end
	end,
}

-- ---- figures that were published ---------------------------------------------------------------------

preset {
	name = "seed-003",
	about = "sign-ups at once, as before Avocado's promotion (2012): 20,000 a minute, as of a million users",
	visits = "20000 * 1440 / 1000000",
	weights = { signup = 1 },
	published = { signup = 333.33 },
	claims = {
		{ "socket servers", says = 16, follows = "8 * 1",
			why = "\"Its own box with 8 socket.io servers (one per CPU), for a total of 16\": that is two boxes." },
		{ "times less processor with pools of 2 to 10 connections", says = 20, follows = "0.60 / 0.03", why = "From 60 % to 3 %." },
		{ "sign-ups a minute of two cores", says = 5000, follows = "60 * 2 / 0.024", why = "With argon2id at OWASP's floor, 24 ms of processor, and nothing else." },
		{ "cores for 20,000 sign-ups a minute", says = 8, follows = "20000 / 60 * 0.024", why = "" },
	},
}

preset {
	name = "couples-day",
	about = "the table of a couple's day, for 10,000 connected users; their number here is as many as make these",
	visits = "sessions",
	weights = { session = 1 },
	claims = {
		{ "connects a minute and connected user", says = 0.33, follows = "sessions / connected_minutes", why = "" },
		{ "connects a second of 10,000 connected", says = 56, follows = "10000 * sessions / connected_minutes / 60", why = "" },
		{ "messages a second of 10,000 connected", says = 139, follows = "10000 * messages / connected_minutes / 60", why = "" },
		{ "hugs and kisses a second", says = 14, follows = "10000 * hugs / connected_minutes / 60", why = "" },
		{ "edits of lists a second", says = 21, follows = "10000 * list_edits / connected_minutes / 60", why = "" },
		{ "edits of the calendar a second", says = 1, follows = "10000 * calendar_edits / connected_minutes / 60", why = "" },
		{ "photos a second", says = 5.2, follows = "10000 * photos / connected_minutes / 60", why = "" },
		{ "cores for photos", says = 0.9, follows = "10000 * photos / connected_minutes / 60 * 0.17", why = "" },
		{ "read marks a second", says = 69, follows = "10000 * reads / connected_minutes / 60", why = "" },
		{ "signals of typing a second", says = 208, follows = "10000 * typings / connected_minutes / 60", why = "" },
		{ "changes of presence a second", says = 111, follows = "2 * 10000 * sessions / connected_minutes / 60", why = "" },
		{ "sockets that an event reaches, both online", says = 1.6, follows = "1.3 + 1.3 - 1", why = "" },
		{ "events that find the other one offline", says = 0.40, follows = "1 - connected_share",
			why = "If the two came and went without a thought of each other. They do not: 0.4 says that a message calls the other one in six of ten cases." },
		{ "heartbeats a second of 10,000 sockets", says = 400, follows = "10000 / 25", why = "" },
	},
}
