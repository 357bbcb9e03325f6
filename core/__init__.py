"""Decides and remembers: the domain of the window and its storage. Knows no platform, no queue, no clock."""
