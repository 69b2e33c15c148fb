"""What the API reads from the desk database; callers bring the transaction."""
