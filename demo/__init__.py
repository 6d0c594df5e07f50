"""The demo: a small real sample, and the records that make every screen come alive.

demo/README.md says what is real, where it comes from and what is invented.
"""
