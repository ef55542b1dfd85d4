"""Tells others of what happens."""
