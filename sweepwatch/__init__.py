"""The composition root: settings, wiring, command line. The only room that knows every other."""
