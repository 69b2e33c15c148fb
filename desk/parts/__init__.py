"""Parts: how many there are, for whom they are held, and how many will be needed."""
