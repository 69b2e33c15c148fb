"""The console: server-rendered pages over the same queries as the API."""
