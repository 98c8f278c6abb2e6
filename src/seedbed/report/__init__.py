"""Logs to tables and pages.  No torch here: a report is made from a folder alone."""
