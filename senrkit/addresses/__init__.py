"""An address that fsspec reads, as a value; what is there, brought to this machine."""
