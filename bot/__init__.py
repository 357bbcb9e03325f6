"""The chat front end: translates what platforms send, routes it to core, draws what core answers."""
