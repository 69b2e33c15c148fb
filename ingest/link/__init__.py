"""The link to the broker: socket, frames, session, and what is in flight."""
