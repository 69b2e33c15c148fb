"""The vocabulary that every room shares: signals, readings, faults, alerts, tickets, time, errors."""
