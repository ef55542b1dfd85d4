"""Webhooks: who sends them, how they are proved to be theirs, and what they tell."""
