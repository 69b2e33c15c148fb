"""Inspections of finished work, in three levels."""
