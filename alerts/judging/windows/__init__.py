"""What is told by several readings of a device: windows that move, and values that stay as they are."""
