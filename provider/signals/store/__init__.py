"""The streams of receivers, and the signals that wait for them."""
