"""Caches on this machine. All of it can be deleted at any time, also while it is used."""
