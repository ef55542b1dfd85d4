"""Repeatable measurements on work of stated size; README.md says how to read them."""
