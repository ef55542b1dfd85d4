"""The local file system in place of remotes and registries. Links are never followed."""
