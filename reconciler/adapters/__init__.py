"""Speaks to the outside. One folder an outside thing; each blind to the others."""
