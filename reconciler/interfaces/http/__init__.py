"""Health and metrics over HTTP, for whoever runs us. Changes nothing, and tells no secret."""
