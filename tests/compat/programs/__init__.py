"""Programs that are run with both clients, by subject."""
