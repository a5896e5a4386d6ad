"""What a trace says: reports and tables; nothing here runs a chip."""
