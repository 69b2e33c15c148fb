"""Rules and risks become alerts: raised once, held until they are over, every decision with its reason."""
