"""How the process that rewrites a document ends: without one in the bytes, or with one behind a password."""

DAMAGED, LOCKED = 3, 4
