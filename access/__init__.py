"""Who may do what: people with roles, machines with tokens, and the doors through which they come in."""
