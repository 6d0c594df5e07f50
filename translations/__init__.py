"""The sentences of Redress in other languages, and what collects them."""
