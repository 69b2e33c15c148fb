"""From payloads to checked columns, as docs/wire.md has it."""
