"""The desk database: devices, alerts, tickets, quarantine, model cards, in SQLite or PostgreSQL."""
