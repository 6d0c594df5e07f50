"""What the database itself refuses."""

from typing import Any

import pytest

from models import RECORD_TYPES, Record
from tests.factories import make_any


@pytest.mark.parametrize("model", RECORD_TYPES, ids=lambda model: model.__name__)
def test_every_record_type_can_be_made_and_has_a_name(model: type[Record], session: Any) -> None:
    record = make_any(model)
    assert record.id
    assert str(record).strip()
