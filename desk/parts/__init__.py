"""Parts: how many will be needed."""
