"""Accessors: how the data of a location is read and written."""
