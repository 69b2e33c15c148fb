"""Who is on call: schedules, overrides, holidays, and the chains that escalation follows."""
