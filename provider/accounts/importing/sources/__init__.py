"""The exports of other systems: each module reads one format into rows."""
