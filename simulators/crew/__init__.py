"""The people of a simulated fleet: engineers, customers, and the roads between them."""
