"""The analyst's desk: a run as pandas frames, whole and typed. `senrkit` itself names what is public."""
