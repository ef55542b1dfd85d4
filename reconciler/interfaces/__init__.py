"""Faces people and machines: the command line and the logs. Decides nothing."""
