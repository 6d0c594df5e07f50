"""The yardstick: a stock Flask-Admin ModelView on the same table, with the columns, sorts, search
and filters of our list. Run by gunicorn as `benchmarks.stock:app`."""

import os

from flask import Flask, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel

from access import SYSTEM
from models import Grievance, db, search_columns

COLUMNS = [
    "number", "title", "state", "channel", "category", "respondent_office", "responsible_office",
    "received_at", "due_at", "closed_at", "external_number",
]  # fmt: skip


class StockView(ModelView):
    """What its documentation tells one to set, and nothing else."""

    column_list = COLUMNS
    column_searchable_list = [column.key for column in search_columns(Grievance)]
    column_filters = ["state", "channel", "received_at"]
    named_filter_urls = True
    can_export = True
    page_size = 50
    export_max_rows = int(os.environ.get("STOCK_EXPORT_ROWS", "0"))


def create_app() -> Flask:
    """Return the application; its database is DATABASE_URL's."""
    stock = Flask("stock")
    stock.config.update(
        SECRET_KEY="bench",  # noqa: S106  nothing is kept with it
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"].replace(
            "postgresql://", "postgresql+psycopg2://", 1
        ),
    )
    db.init_app(stock)

    @stock.before_request
    def as_the_system() -> None:  # nobody logs in here, and who is nobody sees no row
        request.environ["redress.security"] = {"actor": SYSTEM}

    Babel(stock)  # without it every list is a 500 (trap 19)
    admin = Admin(stock, name="stock")
    admin.add_view(StockView(Grievance, db, endpoint="grievance", category="x"))
    return stock


app = create_app()
