"""After the upload: what was sent, what CALPADS answered, and whether it arrived (closed_loop.md)."""
