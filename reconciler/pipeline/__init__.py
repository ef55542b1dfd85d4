"""Orchestrates the stages of a cycle against its own ports. Knows no adapter."""
