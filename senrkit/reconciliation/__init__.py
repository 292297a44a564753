"""Both sides set against each other: scope, identity, pairing, proposal, preconditions, decisions."""
