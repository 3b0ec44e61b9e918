-- People whose browsers keep bookmarks, history, passwords and tabs in step: Firefox Sync.
--
--   plimsoll model rates models/sync.lua --users 1M
--   plimsoll model rates models/sync.lua --users 1M --preset seed-004
--   plimsoll load models/sync.lua --users 10k --warm 1000 http://127.0.0.1:8000
--
-- The server needs the accounts N@loadtest.domain with the password below (plimsoll user create-many 0 10000).
-- Signing in stretches the password as Firefox's page does, a quarter of a second of this machine's processor for
-- each user: that belongs before the run, in --warm. Sequences are those that Firefox ESR 153.7 sends. How this
-- file is read: doc/MODELS.md.

local PASSWORD = "THE PASSWORD"
local SCOPE = "https://identity.mozilla.com/apps/oldsync"
local CLIENT = "5882386c6d801776"
local NS = "identity.mozilla.com/picl/v1/"
local TOKEN_PATH = "/token/1.0/sync/1.5" -- Mozilla's is a host of its own, without /token
local ROUNDS = 650000 -- of PBKDF2, where the server does not say
local ENGINES = { "clients", "prefs", "passwords", "tabs", "bookmarks", "addons", "forms", "history" }
local YEAR = 31536000
local NOISE = random_text(4096) -- payloads are encrypted: to a server they are noise

-- ---- what a browser does -----------------------------------------------------------------------------

local function payload(bytes)
	local from = math.random(2048)
	if bytes <= 2048 then
		return NOISE:sub(from, from + bytes - 1)
	end
	return NOISE:rep(math.floor(bytes / #NOISE) + 1):sub(1, bytes)
end

local function records(n, bytes)
	local list = {}
	for i = 1, n do
		list[i] = { id = random_text(12), payload = payload(bytes or 300) }
	end
	return list
end

-- A token of the account server in hex is an id and a key for Hawk.
local function session_hawk(token)
	local bytes = hkdf(unhex(token), "", NS .. "sessionToken", 96)
	return { id = hex(bytes:sub(1, 32)), key = bytes:sub(33, 64), hash = true }
end

-- What is sent in place of the password, and the key that the user's own key is wrapped with. Both devices of a
-- user need it; it is computed once.
local stretched = {}
local function stretch(salt, rounds)
	local quick = stretched[salt]
	if not quick then
		quick = pbkdf2(PASSWORD, salt, rounds, 32)
		stretched[salt] = quick
	end
	return hex(hkdf(quick, "", NS .. "authPW", 32)), hkdf(quick, "", NS .. "unwrapBkey", 32)
end

-- The key of a user's data is made by the first device; the server gets it wrapped, and its print by which
-- the store is named.
local function make_key(device, login, unwrap_key)
	local key = sha256(random_text(32))
	local print = hex(sha256(key):sub(1, 16))
	local answer = device:post("/v1/account/keys",
		{ wrapKb = hex(xor(key, unwrap_key)), keyPrint = print, expectedPrint = login.keyPrint },
		{ hawk = device.session, step = "make_key" }):json()
	return answer.keysChangedAt, print
end

-- What Firefox's page does when somebody signs in: the password never leaves the machine, but for an account that
-- an API client made, which the server knows by the password until it is told the stretched form.
local function sign_in(device, user)
	local how = device:post("/v1/account/credentials/status", { email = user.email }, { step = "how_stretched" }):json()
	local auth, unwrap_key = stretch(how.clientSalt, how.rounds or ROUNDS)
	local proof = { email = user.email, authPW = auth }
	if how.upgradeNeeded then
		proof = { email = user.email, password = PASSWORD, verifier = auth }
	end
	local login = device:post("/v1/account/login", proof):json()
	check(#login.sessionToken == 64, "login: no session")
	device.session = session_hawk(login.sessionToken)
	device.keys_at, device.print = login.keysChangedAt, login.keyPrint
	if device.keys_at == 0 then
		device.keys_at, device.print = make_key(device, login, unwrap_key)
	else -- the one of the first device, if the password is still the one it was wrapped with
		local key = xor(unhex(login.wrapKb), unwrap_key)
		check(hex(sha256(key):sub(1, 16)) == login.keyPrint, "login: the key was wrapped with another password")
	end
end

-- A token for the token server, from the session; users that were stored (below) have a refresh token instead.
local function fetch_access(device, user)
	local asks = { client_id = CLIENT, scope = SCOPE, ttl = 21600 }
	if user.stored then
		asks.grant_type = "refresh_token"
		asks.refresh_token = hex(sha256("refresh token of " .. user.stored))
		-- As test/bench stores them: keys from before any account was made.
		device.keys_at, device.print = 1500000000000, hex(sha256("key of " .. user.stored):sub(1, 16))
	else
		asks.grant_type = "fxa-credentials"
	end
	local answer = device:post("/v1/oauth/token", asks, { hawk = device.session, step = "oauth_token" }):json()
	device.oauth = answer.access_token
	device.oauth_until = now_ms() + 0.8 * 1000 * answer.expires_in
end

-- A token for the storage: once per hour or so, not per sync.
local function fetch_token(device, user)
	if not user.stored and not device.session then
		sign_in(device, user)
	end
	if not device.oauth or now_ms() > device.oauth_until then
		fetch_access(device, user)
	end
	local token = device:get(TOKEN_PATH, {
		headers = {
			Authorization = "Bearer " .. device.oauth,
			["X-KeyID"] = string.format("%.0f-", device.keys_at) .. base64url.encode(unhex(device.print)),
			["X-Client-State"] = device.print,
		},
		step = "token",
	}):json()
	device.hawk = { id = token.id, key = token.key }
	device.root = token.api_endpoint:match("^https?://[^/]+(/.*)$")
	device.until_ms = now_ms() + 0.8 * 1000 * token.duration
	check(device.root ~= nil, "token: no api_endpoint")
end

local HEADERS = { Accept = "application/json;q=0.9,*/*;q=0.2", ["Content-Type"] = "text/plain" }

local function options(device, step, since, expect)
	local headers = { Accept = HEADERS.Accept, ["Content-Type"] = HEADERS["Content-Type"] }
	headers["X-If-Unmodified-Since"] = since
	return { hawk = device.hawk, step = step, headers = headers, expect = expect }
end

local function get(device, path, step, expect)
	return device:get(device.root .. path, options(device, step, nil, expect))
end

-- Writes go only on top of what the device has seen.
local function put(device, path, value, step, since)
	local answer = device:put(device.root .. path, json.encode(value), options(device, step, since))
	return answer:header("X-Last-Modified") or answer.body
end

local function post(device, collection, list, batch)
	local path = device.root .. "/storage/" .. collection .. (batch or "?batch=true&commit=true")
	local since = device.seen and (device.seen[collection] or "0")
	local answer = device:post(path, json.encode(list), options(device, "post_" .. collection, since))
	if device.seen then
		device.seen[collection] = answer:header("X-Last-Modified") or since
	end
	return answer
end

-- The number of a time, as the server wrote it: 1795247130.3 and 1795247130.30 are the same.
local function stamp(n)
	return string.format("%.2f", n)
end

-- Every sync begins so; what it learns is the times of the collections.
local function begin(device)
	local times = get(device, "/info/collections", "info_collections"):json()
	get(device, "/info/configuration", "info_configuration", "any")
	local now = {}
	for name, time in pairs(times) do
		now[name] = stamp(time)
	end
	return now
end

local function delete(device, path, step)
	local o = options(device, step)
	o.headers["X-Confirm-Delete"] = "1"
	device:delete(device.root .. path, o)
end

-- An empty store and a device with data: 26 requests.
local function first_sync(device)
	begin(device)
	get(device, "/storage/meta/global", "meta_global", "any")
	delete(device, "/storage", "delete_storage")
	put(device, "/storage/meta/global", { payload = payload(400) }, "put_meta_global", "0")
	put(device, "/storage/crypto/keys", { payload = payload(500) }, "put_crypto_keys", "0")
	get(device, "/info/collections", "info_collections")
	get(device, "/storage/crypto/keys", "crypto_keys")
	get(device, "/info/collections?v=1.155.0", "info_collections")
	get(device, "/info/configuration", "info_configuration", "any")
	device.seen = {}
	for i, engine in ipairs(ENGINES) do
		delete(device, "/storage/" .. engine, "delete_collection")
		if engine ~= "forms" then -- the one without data
			post(device, engine, records(engine == "history" and 100 or engine == "bookmarks" and 60 or 3))
		end
	end
	put(device, "/storage/meta/global", { payload = payload(400) }, "put_meta_global")
end

-- A device that joins a store with data: 16 requests.
local function join(device)
	device.seen = begin(device)
	get(device, "/storage/meta/global", "meta_global")
	get(device, "/storage/crypto/keys", "crypto_keys")
	for _, engine in ipairs(ENGINES) do
		local sort = engine == "bookmarks" and "&sort=oldest" or engine == "history" and "&sort=newest" or ""
		get(device, "/storage/" .. engine .. "?full=1&limit=1000" .. sort, "get_" .. engine)
	end
	post(device, "clients", records(1))
	post(device, "tabs", records(1, 1200))
	post(device, "bookmarks", records(5))
	delete(device, "/storage/bookmarks?ids=" .. random_text(12), "delete_duplicates")
end

-- A device of the user that is signed in and has synced before, with a token that is good.
local function device_of(user, number)
	local device = user:browser(number or user:pick(2))
	user.email = user.email or user.n .. "@loadtest.domain"
	if not device.hawk or now_ms() > device.until_ms then
		fetch_token(device, user)
	end
	if not device.seen then
		if user.has_data then
			join(device)
		else
			first_sync(device)
			user.has_data = true
		end
	end
	return device
end

-- Four requests when nothing is new; what the others have changed is fetched.
local function sync(device, changed)
	local now = begin(device)
	get(device, "/storage/clients?full=1&limit=1000", "get_clients")
	if now.bookmarks and now.bookmarks ~= device.seen.bookmarks then
		local newer = device.seen.bookmarks or "0"
		get(device, "/storage/bookmarks?newer=" .. newer .. "&full=1&sort=oldest&limit=1000", "get_bookmarks")
	end
	device.seen = now
	post(device, "tabs", records(1, 1200))
	if changed then
		post(device, "bookmarks", records(1, 2500))
	end
end

model {
	name = "sync",
	about = "people who keep their browsers in step",
	retry = "weave",
	resume = 0.95, -- a device syncs every ten minutes or every hour; tickets are good for two
	-- What a server would say, for logs without one. Tokens do not end there: the activity token asks for the next.
	pretend = function(method, path, body, step)
		if step == "how_stretched" then
			return 200, { clientSalt = "s", rounds = 1 }
		elseif step == "login" then
			return 200, { sessionToken = ("0"):rep(64), keysChangedAt = 0, keyPrint = "" }
		elseif step == "make_key" then
			return 200, { keysChangedAt = 1 }
		elseif step == "oauth_token" then
			return 200, { access_token = "t", expires_in = YEAR }
		elseif step == "token" then
			return 200, { id = "i", key = "k", api_endpoint = "http://127.0.0.1/1.5/42", duration = YEAR }
		elseif step == "info_collections" then
			return 200, { bookmarks = 1 }
		elseif step == "post_batch" then
			return 202, { batch = "b" }
		end
		return 200, "1"
	end,
	-- A user who was here before: both devices have synced.
	warm = function(user)
		device_of(user, 1)
		device_of(user, 2)
	end,
}

-- ---- who they are ------------------------------------------------------------------------------------

assume("devices", 2, "A user keeps two devices in step.")
assume("on_hours", 6, "A device runs six hours a day.")
assume("used_hours", 2, "Of these somebody sits at it for two.")
assume("idle_interval", 3600, "Seconds between syncs of a device nobody sits at (Firefox's preference).")
assume("active_interval", 600, "Seconds between syncs of a device in use, with several devices (Firefox's preference).")
assume("changes", 4, "Bookmarks and passwords a user saves in a day; each is sent at once.")
assume("token_hours", 0.8, "A token is good for an hour; Firefox asks for the next at four fifths.")
assume("growth", 0.20, "A fifth more users every month of 28 days.")

derive("idle_syncs", "devices * (on_hours - used_hours) * 3600 / idle_interval", "Syncs a day of devices nobody sits at.")
derive("active_syncs", "devices * used_hours * 3600 / active_interval", "Syncs a day of devices in use.")
derive("tokens", "idle_syncs + devices * used_hours / token_hours",
	"An idle device's token has ended at each sync, since they are an hour apart; one in use takes one for each token's life.")

-- ---- what they do ------------------------------------------------------------------------------------

activity {
	name = "no_change",
	per_day = "idle_syncs + active_syncs - changes",
	why = "The clock says so: the times of the collections, the other devices, the own tabs.",
	does = function(user)
		sync(device_of(user), false)
	end,
}

activity {
	name = "one_change",
	per_day = "changes",
	why = "A bookmark was saved: the same and an upload; the other device fetches it at its next sync.",
	does = function(user)
		sync(device_of(user), true)
	end,
}

activity {
	name = "token",
	per_day = "tokens",
	why = "The token for the storage has ended: one from the account's session, one from the token server.",
	does = function(user)
		fetch_token(device_of(user), user)
	end,
}

activity {
	name = "first_sync",
	per_day = "growth / 28",
	why = "New users: the store is made and filled.",
	does = function(user)
		local device = user:browser("new")
		user.email = user.email or user.n .. "@loadtest.domain"
		if not device.hawk or now_ms() > device.until_ms then
			fetch_token(device, user)
		end
		first_sync(device)
		user.has_data = true
		for number = 1, 2 do -- what the others knew is gone with the store
			user:browser(number).seen = nil
		end
	end,
}

activity {
	name = "second_device",
	per_day = "growth / 28 * (devices - 1)",
	why = "New users' further devices, which fetch everything.",
	does = function(user)
		device_of(user, 1)
		local device = user:browser("joins")
		device.hawk, device.until_ms, device.root = nil, nil, nil
		fetch_token(device, user)
		join(device)
	end,
}

-- ---- the load tests that Mozilla ran -----------------------------------------------------------------

-- The number whose turn it is, by weights in percent from 0 on.
local function by_weights(weights)
	local draw = math.random(100)
	for i, weight in ipairs(weights) do
		draw = draw - weight
		if draw <= 0 then
			return i - 1
		end
	end
	return #weights - 1
end

local GETS, POSTS = { 71, 15, 7, 4, 3 }, { 67, 18, 9, 4, 2 }
local COLLECTIONS = { "bookmarks", "forms", "passwords", "history", "prefs" }

local function pareto_record()
	return { id = random_text(12), payload = payload(math.min(65536, math.floor(300 / math.random() ^ (1 / 3)))) }
end

activity {
	name = "iteration",
	per_day = 0,
	why = "One simulated sync of Mozilla's load test for storage 1.5; only in the preset loadtest.",
	does = function(user)
		local device = user:browser(1)
		user.email = user.email or user.n .. "@loadtest.domain"
		device.seen = nil -- it writes whatever is there
		if not device.hawk or now_ms() > device.until_ms then
			fetch_token(device, user)
		end
		get(device, "/info/configuration", "info_configuration", "any")
		get(device, "/info/collections", "info_collections")
		if math.random(100) <= 60 then
			local answer = get(device, "/storage/meta/global", "meta_global", "any")
			check(answer.status == 200 or answer.status == 404, "meta/global: " .. answer.status)
			if answer.status == 404 then
				put(device, "/storage/meta/global", { id = "global", payload = payload(300) }, "put_meta_global")
			end
		end
		local newer = "?full=1&newer=" .. stamp(now_ms() / 1000 - 3600 * math.random(100))
		if math.random(100) <= 10 then
			get(device, "/storage/clients" .. newer, "get_clients")
		end
		if math.random(100) <= 20 then
			post(device, "clients", records(1), "")
		end
		for _ = 1, by_weights(GETS) do
			get(device, "/storage/" .. COLLECTIONS[math.random(#COLLECTIONS)] .. newer, "get_collection")
		end
		for _ = 1, by_weights(POSTS) do
			local list = {}
			for i = 1, math.min(100, 19 + math.random(161)) do
				list[i] = pareto_record()
			end
			local collection = COLLECTIONS[math.random(#COLLECTIONS)]
			local path = device.root .. "/storage/" .. collection
			if math.random(2) == 1 then
				local answer = device:post(path .. "?batch=true", json.encode(list), options(device, "post_batch", nil, 202))
				path = path .. "?commit=true&batch=" .. url_encode(tostring(answer:json().batch))
				list = { pareto_record() }
			end
			device:post(path, json.encode(list), options(device, "post_collection"))
		end
		local draw = math.random(100)
		if draw == 1 then
			delete(device, "/storage/" .. COLLECTIONS[math.random(#COLLECTIONS)], "delete_collection")
		elseif draw == 2 then
			delete(device, "/storage", "delete_storage")
		end
	end,
}

activity {
	name = "iteration_1_1",
	per_day = 0,
	why = "The same for storage 1.1, the generation of seed 004: a password with each request, ten records a POST.",
	does = function(user)
		local device = user:browser(1)
		local name = "user" .. user.n
		local headers = { Authorization = "Basic " .. base64.encode(name .. ":" .. PASSWORD), ["Content-Type"] = "text/plain" }
		local root = "/1.1/" .. name
		local function ask(path, step, expect)
			return device:get(root .. path, { headers = headers, step = step, expect = expect })
		end
		ask("/info/collections", "info_collections")
		if math.random(100) <= 60 then
			local answer = ask("/storage/meta/global", "meta_global", "any")
			check(answer.status == 200 or answer.status == 404, "meta/global: " .. answer.status)
			if answer.status == 404 then
				device:put(root .. "/storage/meta/global", json.encode { id = "global", payload = payload(300) },
					{ headers = headers, step = "put_meta_global" })
			end
		end
		for _ = 1, by_weights(GETS) do
			local newer = "?full=1&newer=" .. stamp(now_ms() / 1000 - 3600 * math.random(100))
			ask("/storage/" .. COLLECTIONS[math.random(#COLLECTIONS)] .. newer, "get_collection")
		end
		for _ = 1, by_weights(POSTS) do
			local list = {}
			for i = 1, 10 do
				list[i] = { id = random_text(12), payload = name:rep(49 + math.random(151)) }
			end
			device:post(root .. "/storage/" .. COLLECTIONS[math.random(#COLLECTIONS)], json.encode(list),
				{ headers = headers, step = "post_collection" })
		end
		if math.random(100) == 1 then
			headers["X-Confirm-Delete"] = "1"
			device:delete(root .. "/storage/" .. COLLECTIONS[math.random(#COLLECTIONS)], { headers = headers, step = "delete_collection" })
		end
	end,
}

-- ---- users that were stored before the run ------------------------------------------------------------

-- A store that is as full as that of a million users is not made by a run: test/bench/sync_fill makes it, STORED of
-- them. What their browsers hold when a run begins was given out before: a token for the storage, somewhere in its
-- hour, which is made here with the secret that the server has ([sync] master_secret). The next one is asked for.

local STORED = 1000000
local STRIDE = 611953 -- a prime: the users of a run are spread over all that are stored
local SECRET = "correct horse battery staple"
local TOKENLIB = "services.mozilla.com/tokenlib/v1/"
local SIGNING = hkdf(SECRET, "", TOKENLIB .. "signing", 32)

local function padded(bytes)
	local text = base64url.encode(bytes)
	return text .. ("="):rep(-#text % 4)
end

local function token_of(uid)
	local says = string.format('{"uid":%d,"node":"","expires":%d,"salt":"a1b2c3"}', uid, now_ms() / 1000 + 7200)
	local id = padded(says .. hmac_sha256(SIGNING, says))
	return { id = id, key = padded(hkdf(SECRET, "a1b2c3", TOKENLIB .. "derive/" .. id, 32)) }
end

local function stored_device(user)
	local device = user:browser(1)
	if not user.stored then
		local n = user.n * STRIDE % STORED
		user.stored = string.format("%d", n)
		device.hawk = token_of(n + 1)
		device.root = string.format("/1.5/%d", n + 1)
		device.until_ms = now_ms() + 0.8 * 3600 * 1000 * math.random()
	elseif now_ms() > device.until_ms then
		fetch_token(device, user)
	end
	return device
end

activity {
	name = "stored_sync",
	per_day = 0,
	why = "A sync that takes the seed's statements of a store: 7.9 inserts, 8.9 selects, 2 deletes; only in the preset seed-004-stored.",
	does = function(user)
		local device = stored_device(user)
		get(device, "/info/collections", "info_collections")
		get(device, "/storage/history?full=1&newer=" .. (device.newer or stamp(now_ms() / 1000)), "get_history")
		local answer = post(device, "history", records(math.random(15), 450))
		device.newer = answer:header("X-Last-Modified")
		local gone = device.gone or 0
		device.gone = gone + 2
		delete(device, string.format("/storage/history?ids=f%06d,f%06d", gone, gone + 1), "delete_ids")
	end,
}

-- ---- figures that were published ---------------------------------------------------------------------

preset {
	name = "seed-004",
	about = "the page \"Aragog\" of Weave, 2009: 19 syncs a second of 5,400 active users",
	visits = "19 * 86400 / 5400",
	weights = { iteration_1_1 = 1 },
	published = { iteration_1_1 = 3518.52 },
	claims = {
		{ "syncs a second of 5,400 active users", says = 19, follows = "5400 * (idle_syncs + active_syncs) / 86400",
			why = "One in 284 seconds each. Today's Firefox syncs a device in use every 600 and an idle one every 3600; Weave of 2009 did more often, or \"active\" meant at it in this minute." },
		{ "syncs a second, if active is at it now", says = 19, follows = "5400 / active_interval",
			why = "With everybody counted sitting at one device: still half of it." },
		{ "inserts a second", says = 150, follows = "19 * (0.56 * 10 + 0.6 * 0.01)",
			why = "Mozilla's load test of that generation writes 5.6 records a sync; the seed's 7.9 inserts a sync are more." },
		{ "selects a second", says = 170, follows = "19 * (1 + 0.6 + 0.53)",
			why = "2.1 reads a sync in the load test. 8.9 selects a sync mean four statements for each: the user, the password, the times, the data." },
		{ "deletes a second", says = 38, follows = "19 * (0.01 + 0.01)",
			why = "Clients hardly delete. Two a sync are the server's own: expired records, and replacing by delete and insert." },
		{ "writes among the statements (\"write-heavy\")", says = 0.5, follows = "(150 + 38) / (150 + 170 + 38)", within = 0.06, why = "" },
		{ "statements a sync", says = 18.8, follows = "(150 + 170 + 38) / 19", why = "" },
		{ "seconds between syncs of an active user", says = 284, follows = "5400 / 19", why = "" },
		{ "syncs a second of a million users", says = 633, follows = "19 / 30000 * 1000000",
			why = "If the rates are those of the 30,000 users that are too many for a pair of databases; the page does not say so." },
		{ "inserts a second of a million users", says = 5000, follows = "150 / 30000 * 1000000", why = "" },
		{ "selects a second of a million users", says = 5667, follows = "170 / 30000 * 1000000", why = "" },
		{ "deletes a second of a million users", says = 1267, follows = "38 / 30000 * 1000000", why = "" },
		{ "active users among those of a pair", says = 0.18, follows = "5400 / 30000", why = "" },
		{ "active users among a million", says = 180000, follows = "5400 / 30000 * 1000000", why = "" },
		{ "pairs of databases for a million", says = 42, follows = "1000000 / (0.8 * 30000)", why = "At four fifths of what is known to be too much." },
		{ "pairs with a quarter more", says = 53, follows = "1.25 * 1000000 / (0.8 * 30000)", why = "" },
		{ "requests a second of a million users", says = 2500, follows = "19 / 30000 * 1000000 * 4", why = "At the load test's four requests a sync." },
	},
}

preset {
	name = "seed-004-stored",
	about = "the syncs of seed-004 with their statements, in the protocol of today, by users that test/bench/sync_fill made",
	visits = "19 * 86400 / 5400",
	weights = { stored_sync = 1 },
	claims = {
		{ "syncs a second of a million users and a quarter more", says = 792, follows = "19 / 5400 * 0.18 * 1.25 * 1000000", why = "" },
		{ "inserts a sync", says = 7.9, follows = "(1 + 15) / 2", why = "From one to fifteen records a POST." },
		{ "deletes a sync", says = 2.0, follows = "2", why = "" },
	},
}

preset {
	name = "loadtest",
	about = "Mozilla's load test for storage 1.5, at the seed's rate of an active user",
	visits = "19 * 86400 / 5400",
	weights = { iteration = 1 },
	claims = {
		{ "requests of an iteration", says = 4.0, follows = "1 + 1 + 0.6 + 0.1 + 0.2 + 0.53 + 0.56 + 0.01 + 0.01", why = "" },
		{ "GETs of collections", says = 0.53, follows = "(15 + 2 * 7 + 3 * 4 + 4 * 3) / 100", why = "" },
		{ "POSTs of collections", says = 0.56, follows = "(18 + 2 * 9 + 3 * 4 + 4 * 2) / 100", why = "" },
		{ "records of a POST", says = 79.9, follows = "((20 + 99) * 80 / 2 + 81 * 100) / 161",
			why = "Anything from 20 to 180, cut at 100." },
		{ "records of an iteration", says = 45, follows = "0.56 * 79.9 + 0.2", why = "" },
		{ "bytes of a payload", says = 450, follows = "300 * 3 / (3 - 1)", why = "Pareto with exponent 3." },
		{ "bytes of half of the payloads, at most", says = 380, follows = "300 * 2 ^ (1 / 3)", why = "" },
		{ "kilobytes in of an iteration", says = 20, follows = "(0.56 * 79.9 * 450 + 0.2 * 300) / 1000", why = "" },
		{ "megabytes a second in of a million users", says = 12.7, follows = "19 / 30000 * 1000000 * 20 / 1000", why = "" },
		{ "requests of a sync of today's Firefox", says = 4, follows = "(4 * rate.no_change + 5.5 * rate.one_change) / (rate.no_change + rate.one_change)",
			why = "Four when nothing is new, five or six with a change.", within = 0.1 },
	},
}
