"""The simulated yardstick: models and alerts judged by what really happened in simulated worlds."""
