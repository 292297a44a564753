"""Aeries rows become spells: what CALPADS should hold."""
