"""Transformers: how resource identifiers are changed on their way to and from the server."""
