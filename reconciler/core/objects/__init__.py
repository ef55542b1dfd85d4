"""Cluster objects as values: identity, order, inventory, health and drift."""
