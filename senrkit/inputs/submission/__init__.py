"""SENR and SELA files that somebody made for CALPADS."""
