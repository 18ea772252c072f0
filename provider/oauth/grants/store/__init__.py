"""The tables of requests that a client polls for: device codes and backchannel authentication requests."""
