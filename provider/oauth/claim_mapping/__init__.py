"""Claims that operators map from attributes, groups, roles, constants and expressions: declarations and their parts."""
