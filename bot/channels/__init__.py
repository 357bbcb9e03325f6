"""The platforms' wires, one protocol a module: bytes in, neutral values out. No rule of a case lives here."""
