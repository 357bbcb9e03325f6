"""Measurements beside peers, on this machine, over loopback. `python -m bench`."""
