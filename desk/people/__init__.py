"""People of the service: customers and contracts, engineers and regions, and the catalogue of parts."""
