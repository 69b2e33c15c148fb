"""How many of a part will be needed, as distributions over counts: from what was used, and from risks."""
