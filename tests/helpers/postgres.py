"""A real PostgreSQL server for tests: the one that the benchmarks use."""

from benchmarks.harness.postgres import is_installed, postgres_server

__all__ = ["is_installed", "postgres_server"]
