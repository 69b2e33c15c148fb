"""Papers: what the desk prints."""
