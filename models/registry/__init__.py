"""The registry: which models are in use, how good they are, and whether they still are."""
