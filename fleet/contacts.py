"""How people are called and written to: what a phone number and an address look like, and an id in a list."""

PHONE = r"[0-9+()./ -]{3,32}"
PHONE_ALLOWED = "3 to 32 digits, blanks and + ( ) . / -"
EMAIL = r"[^@\s]{1,120}@[^@\s]{1,120}"
EMAIL_ALLOWED = "an address such as li.wei@example.org"
KEY = r"[^\x00-\x20/\x7f]([^\x00-\x1f/\x7f]{0,62}[^\x00-\x20/\x7f])?"
KEY_ALLOWED = "1 to 64 characters without /"
"""Ids of customers and engineers, numbers of contracts, codes of parts."""
