"""Indicators: what is counted of each case, the figures of a month, and why one was missed."""
