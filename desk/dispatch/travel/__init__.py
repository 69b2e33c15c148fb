"""How long it takes from place to place."""
