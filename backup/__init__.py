"""Backups: the whole database in one consistent moment, and the way back from it.

A backup is two folders of one name (its moment), `FOLDER/redress-20260102T030405Z` and the same in
the folder of keys:

  manifest.json    when, from what versions, rows of each table, SHA-256 of each file
  redress.dump     pg_dump's custom format, without the rows of the tables in KEPT_APART
  documents.tar    the uploaded documents, where there are any
  keys.dump        (in the folder of keys) the rows of KEPT_APART: the wrapped keys of identities

The keys are kept for a shorter time than the rest, so that an identity whose key was destroyed is
gone from the backups too once the last backup of its key is (docs/backup.md). The key-encryption
key, the secret key and the key that signs the trail are in neither.
"""

from backup.checks import Keys
from backup.folders import (
    DUMP,
    KEPT_APART,
    KEYS,
    Failed,
    Folders,
    Manifest,
    latest,
    prune,
    read_manifest,
)
from backup.making import make
from backup.restoring import Way, find_backup, is_empty, restore

__all__ = [
    "DUMP",
    "KEPT_APART",
    "KEYS",
    "Failed",
    "Folders",
    "Keys",
    "Manifest",
    "Way",
    "find_backup",
    "is_empty",
    "latest",
    "make",
    "prune",
    "read_manifest",
    "restore",
]
