"""A receiver of shared signals, to which events are pushed."""
