"""Data to what people and programs read."""
