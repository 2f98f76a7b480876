"""Structures: where in a location the data of a component goes."""
