"""Columns of frames: days, intervals, and the door to pandas."""
