"""Stand-ins for the platforms: they speak the real wire protocols and know nothing of this project's code."""
