"""What the tests of the records may ask for: a desk on either kind of database."""

from helpers.postgres import desk, postgres, url

__all__ = ["desk", "postgres", "url"]
