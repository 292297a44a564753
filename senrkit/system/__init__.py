"""What differs between operating systems, all of it: elsewhere nobody asks which one this is.

Linux and macOS are POSIX; `nt` is Windows.
"""
