"""Tells others how long cycles and their stages take."""
