"""Where things are kept: the time-series store and the desk database, each behind one port."""
