"""What customers say of repairs, what follows of it, and what is written down of visits."""
