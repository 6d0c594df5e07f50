"""Flask-Admin as it comes, over the same models and the same database: what the traps are traps in.

client = stock(application, views={Office: {"can_export": True}}).test_client()
"""

from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_admin import Admin
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel

from access import SYSTEM
from models import db


def stock(
    application: Flask,
    views: dict[Any, dict[str, Any]],
    *,
    babel: bool = True,
    files: Path | None = None,
) -> Flask:
    """Return an application with a ModelView for each of `views`, under the addresses that ours
    has; the values are attributes of the view, as a developer sets them."""
    app = Flask("stock")
    app.config.update(
        SECRET_KEY="stock",
        SQLALCHEMY_DATABASE_URI=application.config["SQLALCHEMY_DATABASE_URI"],
    )
    db.init_app(app)

    @app.before_request
    def as_the_system() -> None:  # nobody logs in here, and who is nobody sees no row
        request.environ["redress.security"] = {"actor": SYSTEM}

    if babel:
        Babel(app)
    admin = Admin(app, url="/admin")
    for model, attributes in views.items():
        kind = type(f"{model.__name__}View", (ModelView,), attributes)
        path = model.__tablename__.replace("_", "-")
        admin.add_view(kind(model, db, url=path, endpoint=f"stock_{model.__tablename__}"))
    if files:
        admin.add_view(FileAdmin(str(files), name="Files", url="files", endpoint="files"))
    return app
