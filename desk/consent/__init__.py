"""The customer's consent to a visit that nobody asked for and that costs."""
