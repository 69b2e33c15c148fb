"""The catalogue of faults, parts, skills and components: data that ships, and an installation's own."""
