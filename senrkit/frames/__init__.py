"""Columns of frames: text, days, intervals, coded texts."""
