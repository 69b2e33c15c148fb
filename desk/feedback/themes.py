"""What remarks of customers are about, and which of it comes more often than it used to."""
