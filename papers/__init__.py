"""The papers of a case: documents that came in, cleaned and kept, and letters that go out.

A file is what its content says, never its name or what the browser claims (`kinds`). What it tells
of who made it, where and when is taken out before it is kept (`images`, `pdf`, `office`). Files
stand outside the database under names made at random (`store`); the record has their SHA-256.
"""

from papers.kinds import ACCEPTED, Clean, clean
from papers.store import Store, Stored

__all__ = ["ACCEPTED", "Clean", "Store", "Stored", "clean"]
