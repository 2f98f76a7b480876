"""A drop-in client of ftrack with a native core."""
