"""Entity classes: their common base, and what particular types can do beyond their attributes."""
