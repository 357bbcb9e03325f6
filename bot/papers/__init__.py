"""Papers for the printer and the screen, drawn from the values of core.forms."""
