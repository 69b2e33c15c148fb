"""How the console shows things: templates, languages, words, numbers, times."""
