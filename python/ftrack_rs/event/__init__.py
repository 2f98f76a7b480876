"""Events: what they hold, who subscribes to them, and the hub that brings them together."""
