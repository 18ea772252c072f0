"""What federation stores: the upstreams that operators saved, and the states that came back."""
