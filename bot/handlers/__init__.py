"""What is said and tapped in chat, turned into acts of the desk and words to say back. One module a kind of person."""
