"""Bytes and databases become frames."""
