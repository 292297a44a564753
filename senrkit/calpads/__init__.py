"""The state's own world: what it holds, what its rules say of a file, what it would answer."""
