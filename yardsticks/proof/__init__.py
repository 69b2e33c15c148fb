"""A past replayed through production code, night by night: what it would have foreseen, at what price."""
