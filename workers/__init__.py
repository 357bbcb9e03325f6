"""What runs beside the requests: waking, delivering, reporting, and the command line."""
