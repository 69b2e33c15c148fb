"""The console's charts: Altair definitions, drawn as SVG on the server."""
