"""Sentences for people, as data."""
