"""Seals who brought some of the demo's invented grievances, so that the pages can be tried."""

import tomllib

from actions import identity as acting
from demo.records import HERE, Known
from models import Grievance
from rules.identity import IdentityField
from sealing import KeyRing


def seal(known: Known, ring: KeyRing) -> None:
    """Seal the identities of identities.toml. Raises sealing.KeyMissing."""
    content = tomllib.loads((HERE / "identities.toml").read_text("utf-8"))
    for entry in content["identity"]:
        grievance = known.get(Grievance, entry["grievance"])
        values = {field: entry.get(field.value, "") for field in IdentityField}
        acting.seal_identity(grievance, values, ring=ring)
