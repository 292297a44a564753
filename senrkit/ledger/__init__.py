"""The memory of what was sent to CALPADS and what came back, for one LEA and school year (closed_loop.md)."""
