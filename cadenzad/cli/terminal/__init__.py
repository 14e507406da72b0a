"""What commands show: tables, bars, log records, as wide as the window. Light imports."""
