"""A real PostgreSQL server for tests: the one that the benchmarks use."""

from benchmarks.harness.postgres import Postgres, is_installed, postgres_server, running_postgres

__all__ = ["Postgres", "is_installed", "postgres_server", "running_postgres"]
