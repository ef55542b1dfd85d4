"""Speaks to forges: GitHub, GitLab and Gitea, by their own APIs. No Git here."""
