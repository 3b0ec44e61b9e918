-- The cheap mix: requests of a millisecond. 10,000 users are 1,000 a second.
model {
	name = "spin",
	about = "requests of a millisecond",
	connection = "session",
}

activity { name = "spin", per_day = 8640, why = "One request of a millisecond.", gets = { "/spin" } }
