"""`senrkit.toml`: the file, its values, and complaints with their line."""
