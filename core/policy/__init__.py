"""A regulation as data: the model of a profile, how it is loaded, published and pinned to a case."""
