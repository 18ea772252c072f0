"""Streams of shared signals, for operators."""
