"""The rules of CALPADS, one module a family; what a rule says is data (`senrkit.reference`)."""
