"""Servers on loopback that do what real ones cannot be made to do."""
