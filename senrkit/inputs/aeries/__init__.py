"""Aeries, from whichever source, as frames of one shape."""
