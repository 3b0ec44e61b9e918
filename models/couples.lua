-- Two people who share an app: messages, hugs, photos, lists, a calendar, over a socket and REST.
--
--   plimsoll model rates models/couples.lua --users 1M
--   plimsoll model rates models/couples.lua --users 1M --preset seed-003
--   plimsoll load models/couples.lua --users 10k --warm 1000 http://127.0.0.1:8003
--
-- Users 2n and 2n + 1 are a couple. The server needs the accounts N@loadtest.domain with the password below
-- (plimsoll user create-many 0 10000), and "[pairs] test_doors = yes" in its configuration, by which the lab
-- reads the links of mails; two who are no couple yet become one. How this file is read: doc/MODELS.md.

local PASSWORD = "THE PASSWORD"
local API = "/api/v1"
local NOISE = random_text(4096)

-- Waits, in seconds: all of a session, between the messages of a burst, before a mail's link is opened.
local SESSION = 180
local GAP, GAP_MOST = 5, 40
local MAIL, MAIL_MOST = 20, 300

-- ---- a photo ------------------------------------------------------------------------------------------
-- 3 MB, and 12 million pixels for the server to decode: a grey JPEG of 4000 x 3000, whose comments make up the
-- size. The real ones are 2 to 4 MB, three in ten of them HEIC, which costs as much to decode.

local function u16(n)
	return string.char(math.floor(n / 256), n % 256)
end

local function segment(marker, body)
	return "\255" .. string.char(marker) .. u16(#body + 2) .. body
end

local function jpeg(width, height, comments)
	local one_code = "\1" .. ("\0"):rep(15) .. "\0" -- a Huffman table whose only code is one bit
	local blocks = math.ceil(width / 8) * math.ceil(height / 8)
	return "\255\216"
		.. segment(0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0")
		.. segment(0xfe, NOISE:rep(15)):rep(comments)
		.. segment(0xdb, "\0" .. ("\16"):rep(64))
		.. segment(0xc0, "\8" .. u16(height) .. u16(width) .. "\1\1\17\0")
		.. segment(0xc4, "\0" .. one_code)
		.. segment(0xc4, "\16" .. one_code)
		.. segment(0xda, "\1\1\0\0\63\0")
		.. ("\0"):rep(math.ceil(blocks * 2 / 8)) -- two bits a block: as the one before, and nothing else
		.. "\255\217"
end

local PHOTO = jpeg(4000, 3000, 48)
local AVATAR = jpeg(2000, 1500, 32)

-- ---- what a device does ------------------------------------------------------------------------------

-- Networks: most become a websocket, some begin as one, some never get one.
local function transport()
	local draw = math.random(100)
	return draw <= 70 and "upgrade" or draw <= 85 and "websocket" or "polling"
end

local function email_of(n)
	return n .. "@loadtest.domain"
end

local function options(device, step, expect)
	return { headers = { Authorization = "Bearer " .. device.token }, step = step, expect = expect }
end

local function log_in(device, email)
	local answer = device:post(API .. "/login", { email = email, password = PASSWORD }):json()
	device.token = answer.token
	check(device.token ~= nil, "login: no token")
	return answer
end

-- Two who have signed up become a couple: one invites, the other accepts. The other one may do the same at the
-- same moment, and one of the two comes too late.
local function pair_up(one, other, email_of_other)
	local invited = one:post(API .. "/couple/invite", { email = email_of_other }, options(one, "invite", "any")):json()
	if invited.test_token then
		other:post(API .. "/couple/accept", { token = invited.test_token }, options(other, "accept", "any"))
	end
	for _ = 1, 20 do
		if one:get(API .. "/me", options(one, "me")):json().couple then
			return
		end
		think(0.5)
	end
	check(false, "no couple; is [pairs] test_doors on?")
end

-- The device of a user who is one of two.
local function device_of(user)
	local device = user:browser(1)
	if device.token then
		return device
	end
	local couple = log_in(device, email_of(user.n)).couple
	if not couple then
		local partner = user.n + 1 - user.n % 2 * 2
		local other = browser()
		if not log_in(other, email_of(partner)).couple then
			pair_up(device, other, email_of(partner))
		end
	end
	return device
end

-- The app comes to the front: a socket, hello, what was missed.
local function open(device)
	local socket = device:socket { transport = transport(), auth = { token = device.token } }
	local hello = socket:wait("hello")
	check(hello ~= nil and hello.couple ~= nil, "no hello")
	local path = API .. "/activities?limit=200" .. (device.seq and "&after=" .. device.seq or "")
	local missed = device:get(path, options(device, "activities")):json()
	device.seq = math.max(device.seq or 0, hello.head or 0, missed.head or 0)
	device.user_id = hello.user.id
	return socket
end

-- How many of a mean that is no whole number; and of what comes in bursts.
local function about(mean)
	local whole = math.floor(mean)
	return whole + (math.random() < mean - whole and 1 or 0)
end

local function burst(mean, least, most)
	return math.random() < 2 * mean / (least + most) and least - 1 + math.random(most - least + 1) or 0
end

local function acknowledged(device, answer, what)
	check(answer.ok == true, what .. " was not taken: " .. (answer.error and answer.error.message or ""))
	device.seq = math.max(device.seq, answer.seq or 0)
	return answer.answer
end

local function change(device, socket, event, fields)
	fields.client_id = random_text(16)
	return acknowledged(device, socket:call(event, fields), event)
end

-- Half of all messages have 45 bytes or less.
local function say(device, socket)
	for _ = 1, about(30 / 20) do
		socket:emit("typing", {})
	end
	local bytes = math.min(400, math.floor(20 * math.random() ^ -1.17))
	change(device, socket, "message", { text = NOISE:sub(1, bytes) })
end

-- What came from the other one: kept in order, marked as read; every second hug is answered.
local function listen(device, socket)
	local last, hugs = device.seq, 0
	for _, event in ipairs(socket:events()) do
		local value = event[2]
		if value and value.seq then
			device.seq = math.max(device.seq, value.seq)
			if event[1] == "activity" and value.data.type == "hug" and value.user_id ~= device.user_id then
				hugs = hugs + 1
			end
		end
	end
	if device.seq > last then
		socket:emit("read", { up_to = device.seq })
	end
	return hugs
end

-- One edit in twenty is of a list that the other one changes at the same moment.
local function edit(device, socket)
	if not device.list then
		local lists = device:get(API .. "/lists", options(device, "lists")):json().lists
		device.list = lists[1] and lists[1].id or change(device, socket, "list.add", { name = "shopping" }).data.id
	end
	local item = { id = device.list, text = NOISE:sub(1, 20), client_id = random_text(16) }
	if math.random(20) == 1 then
		item.if_version = 1
		local answer = socket:call("list.item.add", item)
		check(answer.ok == true or answer.error.code == "stale_version", "list.item.add: neither taken nor stale")
	else
		acknowledged(device, socket:call("list.item.add", item), "list.item.add")
	end
end

-- ---- signing up --------------------------------------------------------------------------------------

-- Whoever is refused for load comes back in the slot that it gets, with its ticket.
local function sign_up(device, email)
	local fields = { email = email, password = PASSWORD, first_name = "A", idempotency_key = random_text(16) }
	for _ = 1, 100 do
		local answer = device:post(API .. "/signup", fields, { step = "signup", expect = 202, refusals = "seen" })
		if answer.status == 202 then
			return answer:json()
		end
		local refusal = answer:json().error
		fields.ticket = refusal.ticket
		think((refusal.retry_ms or 3000) / 1000)
	end
	check(false, "signup: refused a hundred times")
end

-- A new member: six in ten send a picture, and seven in ten open the mail after a while. True: this one did.
local function join(device, email)
	local answer = sign_up(device, email)
	if math.random(100) <= 60 then
		local o = { step = "avatar", expect = 202, headers = { ["Content-Type"] = "image/jpeg" } }
		o.headers.Authorization = "Bearer " .. answer.avatar_token
		device:put(API .. "/signup/avatar", AVATAR, o)
	end
	if math.random(100) > 70 then
		return false
	end
	check(answer.test_token ~= nil, "signup: no token; is [pairs] test_doors on?")
	think(MAIL + math.random() * (MAIL_MOST - MAIL))
	device.token = device:post(API .. "/verify", { token = answer.test_token }, { step = "verify" }):json().token
	return true
end

model {
	name = "couples",
	about = "two people who share an app",
	retry = "retry-after",
	resume = 0.8, -- eight sessions a day: within two hours of the last one, but for the night
	-- Before work and in the evening; the busiest hour has three times the mean.
	hours = { 0.3, 0.15, 0.1, 0.1, 0.1, 0.2, 0.6, 1.8, 1.7, 0.9, 0.6, 0.6, 0.8, 0.7, 0.6, 0.6, 0.8, 0.9, 1.9, 2.8, 3.0, 2.4, 1.5, 0.85 },
	-- A user who was here before: signed in.
	warm = function(user)
		device_of(user)
	end,
}

-- ---- who they are ------------------------------------------------------------------------------------
-- Nobody has published such figures; these are assumed. A user is one of two.

assume("sessions", 8, "Somebody opens the app eight times a day,")
assume("session_minutes", 3, "for three minutes.")
assume("messages", 20, "Messages of one a day, in bursts of two to eight, alternating; half of them are 45 bytes or less.")
assume("hugs", 2, "Hugs and kisses of one a day; half of them are answered within a minute.")
assume("list_edits", 3, "Changes of lists of one a day, in bursts of three to six.")
assume("reads", 10, "Marks of what was read, of one a day.")
assume("typings", 30, "Signals of typing of one a day.")
assume("photos", 0.75, "Photos of one a day.")
assume("calendar_edits", 0.15, "Changes of the calendar of one a day.")
assume("lost", 0.01, "Of the sockets that are open one in a hundred is lost in a minute.")
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
		local began, answers = now_ms(), 0
		for _ = 1, burst(20 / 8, 2, 8) do
			say(device, socket)
			think(GAP + math.random() * (GAP_MOST - GAP))
			answers = answers + listen(device, socket)
		end
		for _ = 1, burst(3 / 8, 3, 6) do
			edit(device, socket)
			think(GAP)
		end
		-- With those that are answers they are as many as assumed.
		for _ = 1, about(2 / 8 / 1.5) + about(answers / 2) do
			change(device, socket, "hug", {})
		end
		think(math.max(0, SESSION - (now_ms() - began) / 1000))
		listen(device, socket)
		socket:emit("away", {})
		socket:close()
	end,
}

activity {
	name = "comeback",
	per_day = "connected_minutes * lost",
	why = "A socket was lost, and the app comes back with the number of the last event it knows.",
	does = function(user)
		local device = device_of(user)
		local socket = device:socket { transport = transport(), auth = { token = device.token, after = device.seq }, step = "reconnect" }
		local hello = socket:wait("hello")
		check(hello ~= nil, "no hello")
		device.seq = math.max(device.seq or 0, hello.head)
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
		local id = device:post(API .. "/media", PHOTO, o):json().id
		think(GAP)
		device:get(API .. "/media/" .. id .. "/small", options(device, "media_small", "any"))
	end,
}

activity {
	name = "calendar",
	per_day = "calendar_edits",
	why = "An entry in the calendar.",
	does = function(user)
		local device = device_of(user)
		local start = now_ms() + 86400000
		local event = { title = "dinner", start = start, ["end"] = start + 7200000 }
		device:post(API .. "/calendar", event, options(device, "calendar", 201))
	end,
}

activity {
	name = "look",
	per_day = "sessions * 0.05",
	why = "Somebody pages back in what was written: one session in twenty.",
	does = function(user)
		local device = device_of(user)
		local path = API .. "/activities?limit=200&before=" .. math.max(1, device.seq or 1000000)
		device:get(path, options(device, "activities_back"))
	end,
}

activity {
	name = "signup",
	per_day = "growth / 28",
	why = "New users: an account, in six of ten a picture; seven in ten open the mail, and half of these bring their partner: two first sessions with three messages and a hug each.",
	does = function(user)
		local device, other = browser(), browser()
		local email = random_text(16) .. "@loadtest.domain"
		local partner = "p" .. email
		if join(device, email) and math.random(2) == 1 and join(other, partner) then
			pair_up(device, other, partner)
			for _, one in ipairs { device, other } do
				local socket = open(one)
				for _ = 1, 3 do
					say(one, socket)
				end
				change(one, socket, "hug", {})
				socket:close()
			end
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
	name = "sign-up-storm",
	about = "sign-ups at 60,000 a minute, as of a million users",
	visits = "60000 * 1440 / 1000000",
	weights = { signup = 1 },
	published = { signup = 1000 },
	claims = {
		{ "two cores and bcrypt at cost 12: minutes until the sign-ups of one minute are in", says = 102, follows = "60000 * 0.205 / 2 / 60", why = "" },
	},
}

preset {
	name = "reconnect-storm",
	about = "a server went under all of these users and is back: each of them comes back once in 15 seconds",
	visits = "86400 / 15",
	weights = { comeback = 1 },
	claims = {
		{ "returns a second of 10,000", says = 667, follows = "10000 / 15", why = "" },
		{ "requests a second, four for each that begins by polling", says = 2267, follows = "10000 / 15 * 0.85 * 4", why = "" },
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
