//! A client of ftrack without Python.
