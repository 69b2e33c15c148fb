"""Pictures and documents of cases: checked by their content, written anew, kept in pieces."""
