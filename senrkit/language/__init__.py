"""EL and IFEP: what the testing system told CALPADS, set against Aeries, and on request written there.

`work.run_language` compares and writes the run folder; `apply.write_to_aeries` and `undo.take_back` are the only code
of senrkit that changes Aeries.
"""
