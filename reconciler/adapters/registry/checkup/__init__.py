"""Access to registries, tried one step after the other."""
