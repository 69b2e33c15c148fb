"""What other devices speak: each dialect turned into readings, statuses, events and requests of ours."""
