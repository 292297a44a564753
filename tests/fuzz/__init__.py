"""Any bytes for any input: a sentence and a known exit code, never a traceback, never a student."""
