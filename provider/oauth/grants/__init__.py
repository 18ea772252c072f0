"""One file per grant_type: it proves an `Authorization`; `tokens` turns any authorization into tokens."""
