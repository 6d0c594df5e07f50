"""`make bench`: what the promises of speed are measured with."""
