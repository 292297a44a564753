"""What a run leaves: the files in order, the tables, the manifest, the workbook; written and read."""
