"""Decides: plain functions over immutable values. No I/O, clock, randomness or logging here."""
