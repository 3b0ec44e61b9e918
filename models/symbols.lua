-- Programs and people who ask a symbol server: build machines upload, debuggers and crash reporters download,
-- profilers have addresses turned into names.
--
--   plimsoll model rates models/symbols.lua --users 1M --preset seed-002
--   plimsoll model log models/symbols.lua --users 100k --for 1h > access.log
--   plimsoll load models/symbols.lua --users 10k --warm 20 http://127.0.0.1:8002
--
-- Names, kinds, lengths of ids, repeats and sizes of archives are distributed as in the upload logs of
-- Mozilla's server of 2017 (32 days, 5,959 archives, 643,393 files); bodies are small. --warm N uploads N
-- archives, whose files are what is found afterwards. [symbols] needs the token below, or none.

local TOKEN = "0123456789abcdef0123456789abcdef"
local NAMES = 805

-- ---- the population of files -------------------------------------------------------------------------

-- A number below n that belongs to i and a purpose for ever.
local function drawn(i, purpose, n)
	local bytes = sha256(purpose .. ":" .. i)
	local a, b, c = bytes:byte(1, 3)
	return (a * 65536 + b * 256 + c) % n
end

-- The row of a table of { share of a thousand, value } in which draw falls.
local function row(rows, draw)
	for _, r in ipairs(rows) do
		draw = draw - r[1]
		if draw < 0 then
			return r[2], r[3]
		end
	end
	return rows[#rows][2], rows[#rows][3]
end

-- Ten names have 11 % of the files, fifty 44 %, a hundred 75 %, two hundred 98.7 % of 805.
local POPULAR = { { 112, 0, 10 }, { 331, 10, 40 }, { 311, 50, 50 }, { 233, 100, 100 }, { 13, 200, NAMES - 200 } }
-- What a name stands for, and which files it has: a library or program of Unix, a PDB, an EXE, a DLL. Together
-- 41 % are .sym, 19 % .dbg.gz, 18 % .pd_, 10 % .ex_, 8 % .dl_ and 4 % .tar.bz2.
local CLASSES = { { 458, "unix" }, { 360, "pdb" }, { 98, "exe" }, { 84, "dll" } }
local KINDS = {
	unix = { { 509, ".sym" }, { 406, ".dbg.gz" }, { 85, ".tar.bz2" } },
	pdb = { { 500, ".sym" }, { 500, ".pd_" } },
	exe = { { 1000, ".ex_" } },
	dll = { { 1000, ".dl_" } },
}
-- Digits of the ids of EXE and DLL; the others have 33.
local CODE_LENGTHS = { { 641, 13 }, { 243, 12 }, { 72, 14 }, { 44, 15 } }

-- File number i: "name/ID/file". The same number is the same file, in all runs.
local function key(i)
	local first, n = row(POPULAR, drawn(i, "popular", 1000))
	local number = first + drawn(i, "name", n)
	local class = row(CLASSES, number * 618 % 1000) -- evenly among the popular ones too
	local kind = row(KINDS[class], drawn(i, "kind", 1000))
	local stem = ("module%03d"):format(number)
	local id = hex(sha256("id:" .. i)):upper()
	if class == "exe" or class == "dll" then
		id = id:sub(1, row(CODE_LENGTHS, drawn(i, "code", 1000)))
		return stem .. "." .. class .. "/" .. id .. "/" .. stem .. kind
	end
	id = id:sub(1, 32) .. "0"
	if class == "pdb" then
		return stem .. ".pdb/" .. id .. "/" .. stem .. kind
	end
	local name = number % 4 == 0 and "lib" .. stem .. ".so" or stem
	return name .. "/" .. id .. "/" .. name .. kind
end

-- How often a file comes: half of them once, nearly half twice, the rest up to 502 times; 2.2 on average.
local function repeats(i)
	local draw = drawn(i, "repeats", 10000)
	if draw < 5136 then
		return 1
	elseif draw < 9643 then
		return 2
	end
	-- Of the 3.6 % left, (3 / x) ^ 0.9 come at least x times, cut at 502.
	return math.min(502, math.floor(3 / ((draw - 9643 + 0.5) / 357) ^ (1 / 0.9)))
end

-- Any file of the first n, those that come often more often.
local function often(n)
	for _ = 1, 200 do
		local i = math.random(n)
		if math.random() * 502 <= repeats(i) * 40 then
			return i
		end
	end
	return math.random(n)
end

-- Files in an archive: a tenth have at most 56, half 104, nine tenths 147, none more than 208.
local function members(archive)
	local share = drawn(archive, "members", 1000) / 1000
	local points = { { 0, 1 }, { 0.1, 56 }, { 0.5, 104 }, { 0.9, 147 }, { 1, 208 } }
	for k = 2, #points do
		local from, to = points[k - 1], points[k]
		if share <= to[1] then
			return math.floor(from[2] + (share - from[1]) / (to[1] - from[1]) * (to[2] - from[2]))
		end
	end
end

-- The number of file k of archive a: 208 for each archive, but a quarter are those of the archive before.
local function member(a, k)
	local i = a * 208 + k
	return a > 0 and drawn(i, "again", 100) < 27 and i - 208 or i
end

local function archive(a)
	local list = {}
	for k = 1, members(a) do
		local i = member(a, k)
		local path = key(i)
		local name, id, file = path:match("^([^/]+)/([^/]+)/([^/]+)$")
		local text = file
		if file:sub(-4) == ".sym" then
			text = "MODULE Linux x86_64 " .. id .. " " .. name .. "\nFUNC 1000 40 0 f" .. i .. "\n1000 40 1 0\n"
		end
		list[k] = { path, text }
	end
	return list
end

-- ---- what they do ------------------------------------------------------------------------------------

local uploaded = 0 -- archives that are there: their files are found

local function upload(browser, number)
	local boundary = "----plimsoll" .. random_text(16)
	local body = "--" .. boundary .. '\r\nContent-Disposition: form-data; name="symbols.zip"; filename="symbols.zip"\r\n' ..
		"Content-Type: application/zip\r\n\r\n" .. zip(archive(number)) .. "\r\n--" .. boundary .. "--\r\n"
	browser:post("/upload/", body, {
		headers = { ["Auth-Token"] = TOKEN, ["Content-Type"] = "multipart/form-data; boundary=" .. boundary },
		expect = 201,
		step = "upload",
	})
end

-- A number of a file that is there; without uploads of this run any, which a server may have or not.
local function present()
	if uploaded == 0 then
		return often(280000)
	end
	local a = math.random(uploaded) - 1
	return member(a, math.random(members(a)))
end

local function download(browser, path, there)
	local answer = browser:get("/" .. path, { expect = "any", step = there and "hit" or "miss" })
	if there and uploaded > 0 then
		check(answer.status == 200 or answer.status == 302, "a file that was uploaded: " .. answer.status)
	else
		check(answer.status == 200 or answer.status == 302 or answer.status == 404, "download: " .. answer.status)
	end
end

model {
	name = "symbols",
	about = "builds, crash reporters, debuggers and profilers at a symbol server",
	retry = "backoff",
	warm = function(user)
		if pretending() then
			return
		end
		upload(browser(), user.n)
		uploaded = math.max(uploaded, user.n + 1)
	end,
	routes = {
		{ "upload", "^/upload/$" },
		{ "symbolicate", "^/symbolicate/v5$" },
		{ "download", "^/[^/]+/%x+/[^/]+$" },
	},
	-- What a server would say, for logs without one.
	pretend = function(method, path, body, step)
		if step == "upload" then
			return 201, '{"upload":{"skipped_keys":[]}}'
		elseif step == "symbolicate" then
			return 200, '{"results":[{"stacks":[],"found_modules":{}}]}'
		end
		return step == "hit" and 302 or 404, step == "hit" and "" or "Symbol Not Found"
	end,
}

-- ---- who they are ------------------------------------------------------------------------------------

assume("questions", 4, "A programmer opens a crash, a profile or a core dump four times a day.")
assume("modules", 5, "Each needs the symbols of five modules that are not in the cache.")
assume("misses", 0.91, "Of all that is asked for: system libraries and odd builds. The only published sample has 274 of 302.")
assume("symbolications", 2, "Of the four questions, those that a server answers and not the own machine.")
assume("builds", 0.2, "A programmer's changes are built and uploaded once in five days.")

derive("downloads", "questions * modules", "Files asked for in a day.")

activity {
	name = "download_hit",
	per_day = "downloads * (1 - misses)",
	why = "A file that is there.",
	does = function(user)
		download(user:browser(1), key(present()), true)
	end,
}

activity {
	name = "download_miss",
	per_day = "downloads * misses",
	why = "A file that nobody has uploaded: one of the known ones with another id.",
	does = function(user)
		local path = key(often(280000))
		local name, id, file = path:match("^([^/]+)/([^/]+)/([^/]+)$")
		local other = hex(sha256(id .. user.n .. random_text(6))):upper():rep(2)
		download(user:browser(1), name .. "/" .. other:sub(1, #id) .. "/" .. file, false)
	end,
}

-- Modules of a request, and how they are chosen: ten have 29 % of all references, a hundred 69 % of 1,315.
local MODULES = { { 346, 1 }, { 108, 2 }, { 106, 3 }, { 154, 4 }, { 247, 5 }, { 37, 6 }, { 2, 7 } }
local REFERENCES = { { 286, 0, 10 }, { 270, 10, 40 }, { 135, 50, 50 }, { 251, 100, 400 }, { 58, 500, 815 } }
local FRAMES = 25

activity {
	name = "symbolicate",
	per_day = "symbolications",
	why = "A profile or a crash: one stack of up to 25 frames in one to seven modules.",
	does = function(user)
		local map, stack = {}, {}
		for k = 1, row(MODULES, math.random(1000) - 1) do
			local first, n = row(REFERENCES, math.random(1000) - 1)
			local name, id = key(first + math.random(n)):match("^([^/]+)/([^/]+)/")
			map[k] = { name, id }
		end
		for k = 1, math.random(100) <= 74 and FRAMES or 22 + math.random(2) do
			stack[k] = { math.random(#map) - 1, math.random(0x2fa0950) }
		end
		local answer = user:browser(1):post("/symbolicate/v5", { jobs = { { memoryMap = map, stacks = { stack } } } },
			{ step = "symbolicate" })
		check(answer:json().results ~= nil, "symbolicate: " .. answer.body:sub(1, 60))
	end,
}

activity {
	name = "upload",
	per_day = "builds",
	why = "A build has ended: an archive of some hundred files, a quarter of which were there before.",
	does = function(user)
		upload(browser(), uploaded)
		uploaded = uploaded + 1
	end,
}

-- ---- figures that were published ---------------------------------------------------------------------

preset {
	name = "seed-002",
	about = "the page about load tests of Mozilla's symbol server, 2017; its goal of 40 requests a second counts as a million users",
	visits = "40 * 86400 / 1000000",
	weights = { download_miss = "274 / 302", download_hit = "28 / 302" },
	published = { download_miss = 36.29, download_hit = 3.71 },
	claims = {
		{ "clients at the same time", says = 14, follows = "7 + 1 + 2 + 2",
			why = "\"7 + 1 + 4 + 2\", and then where they ran: 7, 1, 2 and 2." },
		{ "times the trivial view, that the rest takes", says = 3, follows = "(1 / 330 - 1 / 1305.4) / (1 / 1305.4)", why = "Beside it, not in all: with it 4." },
		{ "times the trivial view, in all", says = 3, follows = "1305.4 / 330",
			why = "Read as the whole (as notes about the page do) it does not hold." },
		{ "requests a second, trivial view", says = 1305.42, follows = "10000 / 7.6604", within = 0.001, why = "" },
		{ "requests a second, one address", says = 805.42, follows = "10000 / 12.4160", within = 0.001, why = "" },
		{ "clients of the trivial run", says = 10, follows = "1305.42 * 0.0075", why = "Rate times mean time (Little)." },
		{ "clients of the run of one address", says = 10, follows = "805.42 * 0.0122", why = "" },
		{ "bytes an answer", says = 30, follows = "300000 / 10000", why = "" },
		{ "headroom over the goal", says = 8, follows = "330 / 40", why = "330 a second held, 40 are the goal." },
		{ "misses of the sample", says = 0.91, follows = "274 / 302", why = "" },
		{ "uploads a day", says = 186, follows = "5959 / 32", why = "" },
		{ "files an archive", says = 104, follows = "643393 / 5959", why = "The median; the mean is a little higher." },
		{ "times that a file comes, if half come once and half twice", says = 1.5, follows = "643393 / 292451",
			why = "The 3.6 % that come three to 502 times are a third of all." },
		{ "files that were there before", says = 0.27, follows = "1 - 292451 / 643393",
			why = "More than half are repeats; only half of these were told as \"existed\": the others were sent at the same time, or for another store." },
		{ "terabytes in all", says = 3.53, follows = "5959 * 529 / 1000000", within = 0.2, why = "From the median: the mean is higher, since a quarter has more than a gigabyte." },
	},
}
