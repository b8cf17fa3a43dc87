"""What comes out: gradebook, feedback pages, CSV, executed notebooks."""
