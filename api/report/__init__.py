"""The service report of a case, as PDF."""
