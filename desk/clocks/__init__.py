"""What was promised, and where each clock stands."""
