"""What students hand in: collecting, reading within limits, removing."""
