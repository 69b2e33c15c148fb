"""Models: hourly tiles become features, features become calibrated fault risks with what drove them."""
