"""Rules are tried on the stored past: what they would have raised, and how often that was right."""
